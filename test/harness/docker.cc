#include "harness/docker.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "base/error.h"
#include "base/text.h"
#include "harness/dump_text.h"
#include "harness/server_start.h"
#include "harness/shared_server.h"

namespace pgstow::test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kImage = "postgres:test";

// The image: nothing but what /usr can't hold.
constexpr const char* kMakeImage = R"sh(set -eu
cd "$1"
mkdir -p etc root run tmp usr var/lib/postgresql
for link in bin lib lib64 sbin; do ln -s usr/$link $link; done
ln -s ../run var/run
chmod 755 .
chmod 1777 tmp
getent passwd root postgres >etc/passwd
getent group root postgres >etc/group
cp "$2" entrypoint
tar -c . | docker import --change 'ENTRYPOINT ["/entrypoint"]' \
  --change 'ENV PATH=/usr/sbin:/usr/bin:/sbin:/bin' - "$3" >/dev/null
)sh";

std::string run_docker(const std::string& host, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "docker");
  return run_ok({.argv = std::move(arguments), .env = {"DOCKER_HOST=" + host}});
}

bool answers(const std::string& host) {
  return run({.argv = {"docker", "version"}, .env = {"DOCKER_HOST=" + host}}).ok();
}

// Beside the engine's socket: it goes with the engine.
std::string prepared_folder() {
  return fs::path(shared_docker().substr(std::string_view("unix://").size())).parent_path() /
         "prepared";
}

std::string own_name() {
  static std::atomic<int> count = 0;
  return fmt::format("finance_bot_db_{}_{}", ::getpid(), ++count);
}

}  // namespace

DockerEngine::DockerEngine() {
  const std::string folder = folder_.path();
  // Neither bridges nor rules of a firewall: containers here have no network, and need none. It is
  // asked to end, not killed, when we die: it has processes of its own to end. What it mounts (the
  // host's network for a container) is in a name space of its own, and goes with it.
  engine_ = std::make_unique<Running>(Program{
      .argv =
          {"setpriv",       "--pdeathsig",      "TERM",          "unshare",          "--mount",
           "--propagation", "private",          "dockerd",       "--storage-driver", "vfs",
           "--bridge=none", "--iptables=false", "--data-root",   folder + "/data",   "--exec-root",
           folder + "/run", "--pidfile",        folder + "/pid", "--host",           host()},
      .env = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"},
      .folder = "/"});
  poll_until(
      [&] {
        if (engine_->ended()) throw Error("dockerd: did not start:\n" + log_end());
        return answers(host());
      },
      [&] { return "dockerd: does not answer:\n" + log_end(); });
  fs::create_directory(folder_ / "prepared");
  const TempDir image("pgstow-image-");
  run_ok({.argv = {"sh", "-c", kMakeImage, "sh", image.path(), PGSTOW_CONTAINER, kImage},
          .env = {"DOCKER_HOST=" + host()}});
}

DockerEngine::~DockerEngine() {
  try {
    const std::string all = run_docker(host(), {"ps", "-aq"});
    for (const std::string_view id : split(trim(all), '\n')) {
      if (!id.empty()) run_docker(host(), {"rm", "-f", "-v", std::string(id)});
    }
    engine_->signal(SIGTERM);
    static_cast<void>(engine_->wait());
  } catch (const Error&) {
    return;  // its Running kills it
  }
}

std::string DockerEngine::host() const { return "unix://" + (folder_ / "docker.sock").string(); }

std::string DockerEngine::log_end() const {
  const std::string log = engine_->err();
  return log.substr(log.size() - std::min<std::size_t>(log.size(), 2000));
}

std::string shared_docker() { return shared_address("docker"); }

std::string docker(std::vector<std::string> arguments) {
  return run_docker(shared_docker(), std::move(arguments));
}

fs::path usr_with_postgres(const std::string& major) {
  const auto variable = [](const char* name) {
    const char* const value = std::getenv(name);
    return fs::path(value == nullptr ? "" : value);
  };
  fs::path cache = variable("XDG_CACHE_HOME");
  if (cache.empty()) cache = variable("HOME") / ".cache";
  const fs::path chosen = variable("PGSTOW_ROOTS");
  const fs::path usr = (chosen.empty() ? cache / "pgstow-roots" : chosen) / major / "usr";
  if (!fs::exists(usr)) throw Error(usr.string() + ": not there: run test/roots " + major);
  return usr;
}

DatabaseContainer::DatabaseContainer(const ContainerOptions& options)
    : name_(options.name.empty() ? own_name() : options.name) {
  std::vector<std::string> words{"run",       "-d",
                                 "--name",    name_,
                                 "--network", options.network,
                                 "-v",        options.usr.string() + ":/usr:ro",
                                 "-e",        "POSTGRES_USER=finance_user",
                                 "-e",        "POSTGRES_PASSWORD=p@ss w'rd",
                                 "-e",        "POSTGRES_DB=finance_bot"};
  if (!options.own_identity) words.insert(words.end(), {"-v", prepared_folder() + ":/prepared"});
  words.insert(words.end(), options.flags.begin(), options.flags.end());
  words.emplace_back(kImage);
  words.insert(words.end(), options.server.begin(), options.server.end());
  docker(words);
  if (options.wait) await_server();
}

DatabaseContainer::~DatabaseContainer() {
  try {
    docker({"rm", "-f", "-v", name_});
  } catch (const Error&) {
    return;  // a test has removed it
  }
}

// By TCP, which the server that makes the database does not listen to.
void DatabaseContainer::await_server() const {
  poll_until(
      [&] {
        return run({.argv = {"docker", "exec", name_, "sh", "-c",
                             "/usr/lib/postgresql/*/bin/pg_isready -q -h 127.0.0.1"},
                    .env = {"DOCKER_HOST=" + shared_docker()}})
            .ok();
      },
      [&] {
        return name_ + ": its server does not answer:\n" +
               run({.argv = {"docker", "logs", name_}, .env = {"DOCKER_HOST=" + shared_docker()}})
                   .describe();
      });
}

std::string DatabaseContainer::sql(const std::string& statements,
                                   const std::string& database) const {
  return std::string(trim(docker({"exec", name_, "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-U",
                                  "finance_user", "-d", database, "-c", statements})));
}

void DatabaseContainer::script(const fs::path& file) const {
  run_ok({.argv = {"docker", "exec", "-i", name_, "psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-U",
                   "finance_user", "-d", "finance_bot"},
          .env = {"DOCKER_HOST=" + shared_docker()},
          .input = read_file(file)});
}

std::string DatabaseContainer::dump(const std::string& database) const {
  return comparable(docker({"exec", name_, "pg_dump", "-U", "finance_user", "-d", database}));
}

std::vector<std::string> DatabaseContainer::strangers() const {
  std::vector<std::string> found;
  const std::string listed = docker({"top", name_, "-eo", "pid,args"});
  for (const std::string_view line : split(trim(listed), '\n')) {
    if (line.find("PID") != std::string_view::npos ||
        line.find("postgres: ") != std::string_view::npos ||
        line.find("bin/postgres -D") != std::string_view::npos) {
      continue;
    }
    found.emplace_back(trim(line));
  }
  return found;
}

}  // namespace pgstow::test
