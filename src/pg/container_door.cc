#include "pg/container_door.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <array>
#include <chrono>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/child.h"
#include "base/environment.h"
#include "base/error.h"
#include "base/text.h"
#include "pg/container.h"
#include "pg/engine.h"
#include "pg/engine_command.h"
#include "pg/identity.h"
#include "pg/probe.h"
#include "pg/resolved.h"

namespace pgstow::pg {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds kStartPatience{60};
constexpr std::chrono::milliseconds kRetry{500};
constexpr std::chrono::seconds kDirect{3};    // to an address that may lead nowhere
constexpr std::chrono::seconds kThrough{15};  // of a relay, and the command that starts it
constexpr std::chrono::seconds kAnswer{60};
// An engine tells of a container's end a moment after its processes are gone.
constexpr int kLooks = 10;
constexpr std::chrono::milliseconds kNextLook{100};
constexpr const char* kLoopback = "127.0.0.1";

// Folders of Unix sockets in which a server of this port listens.
constexpr const char* kSockets = R"sh(for folder in /var/run/postgresql /tmp; do
  if [ -S "$folder/.s.PGSQL.$1" ]; then echo "$folder"; fi
done
)sh";

// As the image's own script reads its secrets: without the newlines at the end.
std::string secret_there(const Runner& runner, const std::string& file, const Context& context) {
  if (file.empty()) return "";
  std::string text = run_command(script_command(runner, "cat \"$1\"", {file}),
                                 {.stop = context.stop, .stall = kAnswer});
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

// Settings of ours win; the container's password is that of the container's user.
ImageVariables merged(const ImageVariables& ours, const ImageVariables& theirs) {
  ImageVariables m{.user = ours.user.empty() ? theirs.user : ours.user,
                   .password = ours.password,
                   .database = ours.database.empty() ? theirs.database : ours.database,
                   .host = {},
                   .port = {}};
  if (m.password.empty() && m.user == theirs.user) m.password = theirs.password;
  return m;
}

Parameters with_variables(const Place& place, const ImageVariables& variables) {
  ConnectionTarget target{.parameters = place.server, .warnings = {}};
  apply_image_variables(target, variables, environment);
  return target.parameters;
}

Engine open_engine(const Context& context) { return {engine_address(environment), context.stop}; }

// One address at which the server may be.
struct Candidate {
  Parameters server;
  std::chrono::milliseconds patience;
  std::string description;
  std::string inside_host;         // for the programs in the container
  std::unique_ptr<Tunnel> tunnel;  // null: it is reached without
  Probed probed = {};
};

bool is_number(const std::string& address) {
  std::array<unsigned char, sizeof(in6_addr)> binary;
  return ::inet_pton(AF_INET, address.c_str(), binary.data()) == 1 ||
         ::inet_pton(AF_INET6, address.c_str(), binary.data()) == 1;
}

// The search for the way in.
class Search {
 public:
  Search(const Place& place, const Context& context)
      : place_(place),
        context_(context),
        engine_(open_engine(context)),
        container_(look()),
        until_(steady_clock::now() + (is_young() ? kStartPatience : std::chrono::seconds(0))) {}

  ContainerDoor run() {
    for (;;) {
      wait_for_container();
      std::optional<Candidate> best = try_all();
      if (best && best->probed.answer == Answer::kOpen) return door(*std::move(best));
      if (best && best->probed.answer == Answer::kStarting) wait_longer();
      if (steady_clock::now() > until_ || (best && best->probed.answer == Answer::kRefused)) {
        refuse(best);
      }
      tell_waiting("the server does not answer yet");
      context_.clock.sleep(kRetry, context_.stop);
      container_ = look();
    }
  }

 private:
  Container look() { return find_container(engine_, place_.container, context_.clock.now()); }

  // Started so recently that its server may not be ready.
  bool is_young() const {
    return container_.health == "starting" || container_.state == "restarting" ||
           (container_.started && context_.clock.now() - *container_.started < kStartPatience);
  }

  void wait_longer() {
    if (!extended_) until_ = steady_clock::now() + kStartPatience;
    extended_ = true;
  }

  void tell_waiting(const char* what) {
    if (!std::exchange(told_, true)) {
      context_.log.info(std::string("waiting: ") + what, {{"container", container_.name}});
    }
  }

  void wait_for_container() {
    while (container_.state == "restarting" && steady_clock::now() < until_) {
      tell_waiting("the container restarts");
      context_.clock.sleep(kRetry, context_.stop);
      container_ = look();
    }
    refuse_stopped(container_);
  }

  Candidate direct(const ServerAddress& address, const Parameters& server) const {
    Candidate c{.server = server,
                .patience = kDirect,
                .description = fmt::format("by {}:{}", address.host, address.port),
                .inside_host = kLoopback,
                .tunnel = nullptr};
    // A name stays, for certificates.
    if (!server.contains("host") || server.at("host").starts_with('/') ||
        !is_number(address.host)) {
      c.server["host"] = address.host;
    }
    c.server.erase("hostaddr");
    if (is_number(address.host)) c.server["hostaddr"] = address.host;
    c.server["port"] = address.port;
    return c;
  }

  Candidate through(const std::string& inside_host, const Parameters& server) const {
    Runner runner = runner_;
    runner.host = inside_host;
    auto tunnel = std::make_unique<Tunnel>(runner);
    Parameters through = tunnel->through(server);
    return {.server = std::move(through),
            .patience = kThrough,
            .description = fmt::format("through `{}` and {}", runner_.name(), inside_host),
            .inside_host = inside_host,
            .tunnel = std::move(tunnel)};
  }

  std::vector<std::string> sockets() const {
    std::vector<std::string> folders;
    const std::string found = run_command(script_command(runner_, kSockets, {container_.port}),
                                          {.stop = context_.stop, .stall = kAnswer});
    for (const std::string_view line : split(found, '\n')) {
      if (!line.empty()) folders.emplace_back(line);
    }
    return folders;
  }

  Parameters server() {
    ContainerDatabase database = database_in(container_);
    ImageVariables& theirs = database.variables;
    if (theirs.user.empty()) theirs.user = secret_there(runner_, database.user_file, context_);
    if (theirs.database.empty()) {
      theirs.database = secret_there(runner_, database.database_file, context_);
    }
    ImageVariables all = merged(place_.image, theirs);
    if (all.password.empty() && all.user == theirs.user && !place_.server.contains("password")) {
      all.password = their_password(database.password_file);
    }
    return explicit_parameters(with_variables(place_, all));
  }

  // The server may let us in without it.
  std::string their_password(const std::string& file) {
    try {
      return secret_there(runner_, file, context_);
    } catch (const ProcessFailed& e) {
      context_.log.warning("the container's file with the password can't be read",
                           {{"cause", e.what()}, {"hint", "set POSTGRES_PASSWORD"}});
      return "";
    }
  }

  // Empty when it can't be asked; inside_problem_ tells why. Asked once in each round: the server
  // may have been restarted since.
  const std::string& identity_inside(const Parameters& server) {
    if (inside_) return *inside_;
    Runner runner = runner_;
    runner.host = kLoopback;
    try {
      inside_ = identity_there(runner, server, {.stop = context_.stop, .stall = kThrough});
    } catch (const Cancelled&) {
      throw;
    } catch (const Error& e) {
      inside_ = "";
      inside_problem_ = e.what();
    }
    return *inside_;
  }

  // Whether that address leads to the server that the programs in the container meet: at another
  // one our sessions would drop and rename databases that nobody named.
  bool leads_inside(const Candidate& candidate) {
    std::string there = candidate.probed.identity;
    Parameters other = candidate.server;
    for (const char* database : kOtherDatabases) {
      if (!there.empty()) break;
      other["dbname"] = database;
      there = probe_server(other, candidate.patience, context_.stop).identity;
    }
    const std::string& inside = identity_inside(candidate.server);
    const bool is_known = !there.empty() && !inside.empty();
    if (is_known && there == inside) return true;
    if (warned_.insert(candidate.description).second) {
      const char* const what =
          is_known ? "another server is reached" : "it can't be told which server is reached";
      context_.log.warning(
          fmt::format("container {}: {} {}; it is not used", printable(container_.name), what,
                      candidate.description),
          {{"there", there}, {"inside", inside.empty() ? inside_problem_ : inside}});
    }
    return false;
  }

  // The first that lets us in; otherwise the one whose answer says most.
  std::optional<Candidate> try_all() {
    runner_ = {.prefix = exec_command(engine_.address(), container_.id, environment),
               .host = {},
               .port = container_.port};
    inside_.reset();
    const Parameters server = this->server();
    std::optional<Candidate> best;
    const auto opens = [&](Candidate candidate) {
      candidate.probed = probe_server(candidate.server, candidate.patience, context_.stop);
      if (candidate.probed.answer == Answer::kSilent && candidate.tunnel) {
        const std::string said = candidate.tunnel->problem();
        if (!said.empty()) candidate.probed.text = said;
      }
      context_.log.debug("tried the server " + candidate.description,
                         {{"answer", candidate.probed.text}});
      const bool lets_in = candidate.probed.answer == Answer::kOpen;
      if (lets_in && !candidate.tunnel && !leads_inside(candidate)) return false;
      if (!best || candidate.probed.answer > best->probed.answer) best = std::move(candidate);
      return best->probed.answer == Answer::kOpen;
    };
    for (const ServerAddress& address : container_.addresses) {
      if (opens(direct(address, server))) return best;
    }
    if (opens(through(kLoopback, server))) return best;
    // While the official image makes a new database, a server for that alone listens at the Unix
    // socket, and is stopped again.
    if (is_young() && best->probed.answer < Answer::kRefused) return best;
    for (const std::string& folder : sockets()) {
      if (opens(through(folder, server))) return best;
    }
    return best;
  }

  std::string health_text() const {
    return fmt::format("container {} is unhealthy: {}", printable(container_.name),
                       container_.health_said.empty() ? "its health check fails"
                                                      : printable(trim(container_.health_said)));
  }

  ContainerDoor door(Candidate candidate) const {
    Runner runner = runner_;
    runner.host = candidate.inside_host;
    return {
        .server = std::move(candidate.server),
        .runner = std::move(runner),
        .tunnel = std::move(candidate.tunnel),
        .description = fmt::format("in container {}, {}", container_.name, candidate.description),
        .doubt = container_.health == "unhealthy" ? health_text() : ""};
  }

  [[noreturn]] void refuse(const std::optional<Candidate>& best) const {
    const std::string name = printable(container_.name);
    if (best && best->probed.answer == Answer::kRefused) {
      // Again, for the words: libpq told us the code only.
      static_cast<void>(Connection::open(best->server, context_.stop));
    }
    std::string text =
        fmt::format("container {}: no PostgreSQL answers in it at port {}", name, container_.port);
    if (best) text += ": " + printable(best->probed.text);
    if (container_.health == "unhealthy") text = health_text() + "; " + text;
    throw Transient(text, fmt::format("`docker logs {}` tells how its server is; is it the right "
                                      "container?",
                                      name));
  }

  const Place& place_;
  const Context& context_;
  Engine engine_;
  Container container_;
  Runner runner_ = {};
  steady_clock::time_point until_;
  bool extended_ = false;
  bool told_ = false;
  std::optional<std::string> inside_ = {};
  std::string inside_problem_ = {};
  std::set<std::string> warned_ = {};
};

bool names_all(const Place& place) {
  const auto is_named = [&](const char* keyword, const char* variable, const std::string& image) {
    return place.server.contains(keyword) || !image.empty() ||
           !environment(variable).value_or("").empty();
  };
  return place.server.contains("service") || is_named("dbname", "PGDATABASE", place.image.database);
}

}  // namespace

ContainerDoor open_container_door(const Place& place, const Context& context) {
  return Search(place, context).run();
}

Parameters server_in_container(const Place& place, const Context& context) {
  if (names_all(place)) return with_variables(place, place.image);
  Engine engine = open_engine(context);
  const Container container = find_container(engine, place.container, context.clock.now());
  const ContainerDatabase theirs = database_in(container);
  if (place.image.database.empty() && !theirs.database_file.empty()) {
    throw ConfigError("the container's database is named in a file of its own, " +
                          printable(theirs.database_file),
                      "set POSTGRES_DB for pgstow, too");
  }
  return with_variables(place, merged(place.image, theirs.variables));
}

std::string state_if_stopped(const Place& place, const Context& context) {
  Engine engine = open_engine({.log = context.log, .clock = context.clock, .stop = {}});
  for (int looks = 0; looks < kLooks; ++looks) {
    const Container container = find_container(engine, place.container, context.clock.now());
    if (!container.runs()) {
      return fmt::format("the container {} is not running any more ({})", printable(container.name),
                         container.how_it_is);
    }
    context.clock.sleep(kNextLook, {});
  }
  return "";
}

}  // namespace pgstow::pg
