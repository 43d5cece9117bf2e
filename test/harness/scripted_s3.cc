#include "harness/scripted_s3.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <random>
#include <utility>

#include "base/error.h"
#include "harness/tcp_server.h"

namespace pgstow::test {
namespace {

constexpr std::chrono::minutes kPatience{1};

// What is to be played, and how often it could have been.
class Rule {
 public:
  Rule(Match match, Behaviour behaviour, const Times& times)
      : match_(std::move(match)),
        behaviour_(std::move(behaviour)),
        times_(times),
        dice_(times.seed) {}

  const Behaviour& behaviour() const { return behaviour_; }

  // Counts the request if it is meant.
  bool strikes(const S3Call& call) {
    if (!behaviour_.fits(call.operation) || !call.key.starts_with(match_.key_prefix)) return false;
    if (match_.operation && *match_.operation != call.operation) return false;
    if (!match_.header.empty() && !call.http.headers.contains(match_.header)) return false;
    if (call.http.headers.contains(match_.not_header)) return false;
    ++met_;
    return met_ >= times_.first && met_ <= times_.last &&
           std::bernoulli_distribution(times_.chance)(dice_);
  }

 private:
  Match match_;
  Behaviour behaviour_;
  Times times_;
  std::mt19937_64 dice_;
  int met_ = 0;
};

// The rules and what they met. Thread-safe.
class Script {
 public:
  void add(Rule rule) {
    const std::lock_guard guard(mutex_);
    rules_.push_back(std::move(rule));
  }

  void clear() {
    const std::lock_guard guard(mutex_);
    rules_.clear();
  }

  // Notes the request; the behaviour that is to be played, if any.
  std::optional<Behaviour> begin(const S3Call& call, bool at_other_url) {
    const std::lock_guard guard(mutex_);
    most_ = std::max(most_, ++under_way_);
    std::optional<Behaviour> chosen;
    for (Rule& rule : rules_) {
      if (rule.strikes(call) && !chosen) chosen = rule.behaviour();
    }
    requests_.push_back({.operation = call.operation,
                         .bucket = call.bucket,
                         .key = call.key,
                         .head = call.http,
                         .time = std::chrono::steady_clock::now(),
                         .at_other_url = at_other_url,
                         .behaviour = chosen ? chosen->name : ""});
    changed_.notify_all();
    return chosen;
  }

  void end() {
    const std::lock_guard guard(mutex_);
    --under_way_;
  }

  std::vector<SeenRequest> requests() const {
    const std::lock_guard guard(mutex_);
    return requests_;
  }

  int most_at_once() const {
    const std::lock_guard guard(mutex_);
    return most_;
  }

  void await(Operation operation, int n) const {
    std::unique_lock guard(mutex_);
    const auto enough = [&] {
      return std::ranges::count(requests_, operation, &SeenRequest::operation) >= n;
    };
    if (!changed_.wait_for(guard, kPatience, enough)) {
      throw Error(fmt::format("scripted s3: no {} {}", n, name_of(operation)));
    }
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::vector<Rule> rules_;
  std::vector<SeenRequest> requests_;
  int under_way_ = 0;
  int most_ = 0;
};

// A request that is under way, for as long as this lives.
class UnderWay {
 public:
  UnderWay(Script& script, const S3Call& call, bool at_other_url)
      : script_(script), behaviour_(script.begin(call, at_other_url)) {}
  UnderWay(const UnderWay&) = delete;
  UnderWay& operator=(const UnderWay&) = delete;
  ~UnderWay() { script_.end(); }

  void play(S3Exchange& exchange) const {
    if (behaviour_) {
      behaviour_->act(exchange);
    } else {
      exchange.reply(exchange.carry_out());
    }
  }

 private:
  Script& script_;
  const std::optional<Behaviour> behaviour_;
};

std::string url_of(const TcpServer& server) {
  return fmt::format("http://127.0.0.1:{}", server.port());
}

}  // namespace

// The servers are the last members: nobody speaks to what is half-made or half-gone.
struct ScriptedS3::Own {
  explicit Own(const ScriptedOptions& the_options)
      : options(the_options),
        world({.keys = options.keys, .region = options.region, .more_regions = {}}, options.rules,
              options.trickle_pause) {
    world.memory.make_bucket(options.bucket);
    world.set_urls(url_of(main), url_of(other));
  }

  void converse(TcpPeer& peer, bool at_other_url) {
    HttpReader reader(peer);
    while (std::optional<HttpCall> head = reader.head()) {
      S3Exchange exchange(world, peer, reader, parse_s3_call(std::move(*head)));
      UnderWay(script, exchange.call, at_other_url).play(exchange);
      if (exchange.last) return;
    }
  }

  const ScriptedOptions options;
  S3World world;
  Script script;
  TcpServer main{[this](TcpPeer& peer) { converse(peer, false); }};
  TcpServer other{[this](TcpPeer& peer) { converse(peer, true); }};
};

ScriptedS3::ScriptedS3(const ScriptedOptions& options)
    : ScriptedS3(std::make_unique<Own>(options)) {}

ScriptedS3::ScriptedS3(std::unique_ptr<Own> own)
    : S3Server({.url = own->world.url(),
                .https_url = {},
                .ca = {},
                .folder = {},
                .region = own->options.region,
                .admin = own->options.keys,
                .limited = {}}),
      own_(std::move(own)) {}

ScriptedS3::~ScriptedS3() = default;

const std::string& ScriptedS3::bucket() const { return own_->options.bucket; }
std::string ScriptedS3::other_url() const { return own_->world.other_url(); }

void ScriptedS3::on(const Match& match, const Behaviour& behaviour, const Times& times) {
  if (match.operation && !behaviour.fits(*match.operation)) {
    throw Error(fmt::format("{}: means nothing for {}", behaviour.name, name_of(*match.operation)));
  }
  own_->script.add({match, behaviour, times});
}

void ScriptedS3::on(const Match& match, std::string_view behaviour, const Times& times) {
  on(match, test::behaviour(behaviour), times);
}

void ScriptedS3::clear() {
  own_->script.clear();
  set_clock_offset(std::chrono::seconds(0));
  own_->world.set_region(own_->options.region);
}

void ScriptedS3::set_keys(const S3Keys& keys) { own_->world.set_keys(keys); }
void ScriptedS3::set_region(const std::string& region) { own_->world.set_region(region); }

void ScriptedS3::set_clock_offset(std::chrono::seconds offset) {
  own_->world.set_clock_offset(offset);
}

std::vector<SeenRequest> ScriptedS3::requests() const { return own_->script.requests(); }

int ScriptedS3::count(Operation operation) const {
  return static_cast<int>(std::ranges::count(requests(), operation, &SeenRequest::operation));
}

int ScriptedS3::played(std::string_view behaviour) const {
  return static_cast<int>(std::ranges::count(requests(), behaviour, &SeenRequest::behaviour));
}

int ScriptedS3::most_at_once() const { return own_->script.most_at_once(); }

int ScriptedS3::connections() const { return own_->main.accepted() + own_->other.accepted(); }

void ScriptedS3::await(Operation operation, int n) const { own_->script.await(operation, n); }

std::map<std::string, StoredObject> ScriptedS3::objects() const {
  return own_->world.memory.objects(bucket());
}

std::map<std::string, OpenUpload> ScriptedS3::open_uploads() const {
  return own_->world.memory.uploads();
}

S3Memory& ScriptedS3::memory() { return own_->world.memory; }

}  // namespace pgstow::test
