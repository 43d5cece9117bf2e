// Every behaviour of the scripted server at every operation that the store makes use of, once and
// always: nothing is taken for stored that is not, nothing is read that was not stored, no upload
// is left after the next run.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/log.h"
#include "harness/program.h"
#include "harness/s3_connect.h"
#include "harness/scripted_s3.h"
#include "harness/store_contract.h"
#include "store/s3_multipart.h"

namespace pgstow::test {
namespace {

constexpr std::size_t kPart = 64 * 1024;
#ifdef __SANITIZE_THREAD__
constexpr unsigned kThreads = 1;  // each is so slow that others would look stalled
constexpr std::chrono::seconds kStall{5};
#else
constexpr std::chrono::seconds kStall{1};
constexpr unsigned kThreads = 8;  // most of the time is spent waiting for a stall to be noticed
#endif
constexpr std::chrono::seconds kNoStall{30};  // a busy machine is none

// Pauses between tries are the product's affair; here they only cost time.
class HurriedClock final : public Clock {
 public:
  Time now() const override { return system_.now(); }
  void sleep(std::chrono::milliseconds, const std::stop_token& stop) const override {
    check_stop(stop);
  }

 private:
  SystemClock system_;
};

// What no client can see without reading everything back; the manifest's SHA-256 is what finds it.
const std::set<std::string> kLies{
    "stores a flipped bit, with the right ETag",
    "joins the parts in another order",  // and keeps the ETags of the right one
    "loses what it stored",
    "a flipped bit in what is read",
    "bytes of another version",  // from the first byte on
    "the last entry is missing",
    "removes nothing, but says so"};

// The server says that there is nothing to abort.
bool hides_uploads(const Behaviour& behaviour) {
  return behaviour.name == "404 NoSuchUpload" || behaviour.name == "removes nothing, but says so";
}

struct Case {
  Operation operation;
  const Behaviour* behaviour;
  bool always;
};

std::vector<Case> cases_at(Operation operation) {
  std::vector<Case> all;
  for (const Behaviour& behaviour : behaviours()) {
    if (!behaviour.fits(operation)) continue;
    all.push_back({operation, &behaviour, false});
    all.push_back({operation, &behaviour, true});
  }
  return all;
}

// One life of a store against one fault.
class Trial {
 public:
  explicit Trial(const Case& one) : case_(one) {}

  // What went wrong; empty when all went as it should.
  std::vector<std::string> run() {
    put(*store_, "seed-small", "seed");
    put(*store_, "seed-big", seed());
    begin_stale_upload();
    s3_.on({case_.operation}, *case_.behaviour, case_.always ? every() : nth(1));
    put_and_check("backup_20261127_000001.dump.gz", "tiny");
    put_and_check("backup_20261127_000002.dump.gz", noise(5 * kPart / 2, 7));
    drop_midway();
    read_and_check("seed-small", "seed");
    read_and_check("seed-big", seed());
    list_and_check();
    attempt("remove", [&] { store_->remove("seed-small"); });
    attempt("clear", [&] { store_->clear_leftovers(); });
    s3_.clear();
    expect_nothing_left();
    return problems_;
  }

 private:
  // Everybody else is given all the time that a busy machine may need.
  bool stalls() const {
    return !case_.behaviour->sound || case_.behaviour->name == "reply in a trickle";
  }
  bool lies() const { return kLies.contains(case_.behaviour->name); }
  void complain(const std::string& text) { problems_.push_back(text); }

  // A sound behaviour is no reason to fail; but what never gets faster is a stall.
  bool attempt(const char* what, const std::function<void()>& step) {
    try {
      step();
      return true;
    } catch (const Error& e) {
      const bool stall = case_.always && case_.behaviour->name == "reply in a trickle";
      if (case_.behaviour->sound && !stall) complain(fmt::format("{}: {}", what, e.what()));
      return false;
    }
  }

  void put_and_check(const std::string& key, const std::string& bytes) {
    const bool done = attempt("put", [&] { put(*store_, key, bytes); });
    const auto objects = s3_.objects();
    const auto found = objects.find("shop/" + key);
    const bool whole = found != objects.end() && found->second.bytes == bytes;
    if (done && !whole && !lies()) complain(key + ": said to be stored, and is not");
  }

  void read_and_check(const std::string& key, const std::string& bytes) {
    std::string got;
    const bool done = attempt("read", [&] { got = read_object(*store_, key); });
    if (done && got != bytes && !lies()) complain(key + ": read otherwise than it was stored");
  }

  void list_and_check() {
    std::vector<std::string> got;
    const std::vector<std::string> before = there();
    if (!attempt("list", [&] { got = keys(*store_); }) || lies()) return;
    // What was given up may still be carried out.
    if (got != before && got != there()) {
      complain(fmt::format("{} listed, {} there", got.size(), before.size()));
    }
  }

  std::vector<std::string> there() const {
    std::vector<std::string> names;
    for (const auto& [key, object] : s3_.objects()) names.push_back(key.substr(5));
    return names;
  }

  void drop_midway() {
    attempt("begin", [&] {
      const auto sink = store_->create("backup_20261127_000003.dump.gz", Existing::kRefuse);
      sink->write(noise(3 * kPart, 3));
    });
    if (s3_.objects().contains("shop/backup_20261127_000003.dump.gz"))
      complain("what was dropped is visible");
  }

  // Of a host that died days ago.
  void begin_stale_upload() {
    const std::string id =
        begin_upload(store_->client(), "shop/backup_20260101_030000.dump.gz", {}, {});
    s3_.memory().edit_upload(id,
                             [](OpenUpload& upload) { upload.begun -= std::chrono::hours(50); });
  }

  // The next run clears, a day later: of an upload whose beginning was not answered nobody knows
  // whose it is, but that it has no parts. A note may seem to be a living run's for a moment: a
  // program that another thread is just starting holds it, too, until it is started.
  void expect_nothing_left() {
    if (hides_uploads(*case_.behaviour)) return;
    const auto next = connect();
    for (int i = 0; i < 1000 && !s3_.open_uploads().empty(); ++i) {
      for (const auto& [id, upload] : s3_.open_uploads()) age(id);
      next->clear_leftovers();
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    for (const auto& [id, upload] : s3_.open_uploads()) complain("left: upload of " + upload.key);
  }

  // What was given up may still arrive, so parts are new more than once.
  void age(const std::string& id) {
    s3_.memory().edit_upload(id, [](OpenUpload& late) {
      late.begun -= std::chrono::hours(25);
      for (auto& [number, part] : late.parts) part.modified -= std::chrono::hours(25);
    });
  }

  // More than the first piece that a download asks for.
  static const std::string& seed() {
    static const std::string bytes = noise(5u << 18, 11);
    return bytes;
  }

  std::unique_ptr<S3Store> connect() {
    S3Settings settings = s3_settings(s3_.address(), s3_.bucket());
    settings.part_bytes = kPart;
    settings.most_parts = 20;
    settings.attempts = 3;
    settings.stall = stalls() ? kStall : kNoStall;
    settings.notes = notes_.path();
    return std::make_unique<S3Store>(settings, std::make_unique<FixedKeys>(s3_.admin()), context_);
  }

  const Case case_;
  HurriedClock clock_;
  Log log_{clock_, LogFormat::kText, Level::kError};
  Context context_{.log = log_, .clock = clock_, .stop = {}};
  TempDir notes_{"pgstow-notes-"};
  ScriptedS3 s3_{{.rules = {.least_part_bytes = 1024, .page_size = 2},
                  .trickle_pause = std::chrono::milliseconds(1000)}};
  const std::unique_ptr<S3Store> store_ = connect();
  std::vector<std::string> problems_;
};

class S3Faults : public testing::TestWithParam<int> {};

TEST_P(S3Faults, EveryBehaviour) {
  const std::vector<Case> all = cases_at(static_cast<Operation>(GetParam()));
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::vector<std::string> problems;
  {
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < kThreads; ++i) {
      threads.emplace_back([&] {
        for (std::size_t n = next++; n < all.size(); n = next++) {
          for (const std::string& problem : Trial(all[n]).run()) {
            const std::lock_guard lock(mutex);
            problems.push_back(fmt::format("{}, {}: {}", all[n].behaviour->name,
                                           all[n].always ? "always" : "once", problem));
          }
        }
      });
    }
  }
  for (const std::string& problem : problems) ADD_FAILURE() << problem;
  EXPECT_GE(all.size(), 80U);
  fmt::print("faults injected: {}, problems: {}\n", all.size(), problems.size());
}

INSTANTIATE_TEST_SUITE_P(At, S3Faults, testing::Range(0, static_cast<int>(Operation::kOther)),
                         [](const auto& operation) {
                           return std::string(name_of(static_cast<Operation>(operation.param)));
                         });

}  // namespace
}  // namespace pgstow::test
