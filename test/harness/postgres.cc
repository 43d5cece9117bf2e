#include "harness/postgres.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <fstream>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "harness/ports.h"
#include "harness/server_start.h"

namespace pgstow::test {
namespace {

namespace fs = std::filesystem;
using Connection = std::unique_ptr<PGconn, decltype(&PQfinish)>;
using Result = std::unique_ptr<PGresult, decltype(&PQclear)>;

constexpr std::size_t kSocketFolderLimit = 107 - sizeof("/.s.PGSQL.65535");

// Every character that a URL, a connection string, a shell or a passfile could stumble over.
constexpr std::string_view kPassword = "p@ss:w/o'r d%20\\&?";

// Ends a server left behind by a killed test, and removes its folder. The postmaster's working
// folder is its data folder: that tells it from a stranger who got its process id.
constexpr const char* kWatchdog = R"sh(
  trap '' INT TERM HUP
  read -r _ < "$1/lifeline"
  pid=$(head -n 1 "$1/data/postmaster.pid") || pid=
  mine() { [ -n "$pid" ] && [ "$(readlink "/proc/$pid/cwd")" = "$1/data" ]; }
  if mine "$1"; then kill -QUIT "$pid"; fi
  while mine "$1"; do sleep 0.05; done
  rm -rf "$1"
)sh";

// Who owns the server's files and runs its programs: PostgreSQL refuses root.
struct Owner {
  uid_t uid = ::geteuid();
  gid_t gid = ::getegid();
  std::vector<std::string> prefix = {};  // of every server command
};

Owner find_owner() {
  Owner owner;
  if (owner.uid != 0) return owner;
  const passwd* user = ::getpwnam("postgres");
  if (user == nullptr) throw Error("test server: no user \"postgres\"", "run ./setup");
  owner.uid = user->pw_uid;
  owner.gid = user->pw_gid;
  owner.prefix = {"setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"};
  return owner;
}

const Owner& owner() {
  static const Owner found = find_owner();
  return found;
}

// A server program's command. It runs in "/": the user postgres may not be able to enter ours.
Program server_program(const std::string& name, const std::vector<std::string>& arguments) {
  Program program{.argv = owner().prefix, .folder = "/"};
  program.argv.push_back((postgres_programs() / name).string());
  program.argv.insert(program.argv.end(), arguments.begin(), arguments.end());
  return program;
}

void give_to_owner(const fs::path& path) {
  if (::chown(path.c_str(), owner().uid, owner().gid) != 0) throw_errno("chown " + path.string());
}

// A folder under a name that others could have taken before us.
bool is_ours(const fs::path& path) {
  struct stat st{};
  if (::lstat(path.c_str(), &st) != 0) return false;
  if (S_ISDIR(st.st_mode) && st.st_uid == owner().uid && (st.st_mode & 077) == 0) return true;
  throw Error(fmt::format("{}: not a private folder of ours", path.string()), "remove it");
}

// initdb takes a second, a copy of its result a tenth. The folder is made under another name and
// renamed, so that a test process sees it whole or not at all; whoever renames first wins.
fs::path data_template(bool other_identity) {
  const std::string version = run_ok({.argv = {postgres_programs() / "postgres", "--version"}});
  const fs::path cached = fs::temp_directory_path() /
                          fmt::format("pgstow-initdb-{}-{}{}", split(trim(version), ' ').at(2),
                                      ::geteuid(), other_identity ? "-other" : "");
  if (is_ours(cached)) return cached;
  const TempDir making("pgstow-initdb-");
  give_to_owner(making.path());
  const fs::path made = making / "data";
  run_ok(server_program("initdb", {"-D", made, "-U", "postgres", "-A", "trust", "-E", "UTF8",
                                   "--locale=C.UTF-8", "--wal-segsize=1", "--no-sync"}));
  std::error_code taken;
  fs::rename(made, cached, taken);
  if (taken && !is_ours(cached)) throw_errno("making " + cached.string(), taken.value());
  return cached;
}

fs::path folder_base() {
  fs::path base = fs::temp_directory_path();
  return (base / "pgstow-pg-XXXXXX").string().size() > kSocketFolderLimit ? fs::path("/tmp") : base;
}

std::string url_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                       c == '_' || c == '-' || c == '.' || c == '~';
    out += plain ? std::string(1, c) : "%" + hex(std::string_view(&c, 1));
  }
  return out;
}

std::string quoted_identifier(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

std::vector<Row> rows_of(const PGresult* result) {
  std::vector<Row> rows(static_cast<std::size_t>(PQntuples(result)));
  for (int r = 0; r < PQntuples(result); ++r) {
    for (int c = 0; c < PQnfields(result); ++c) {
      rows[static_cast<std::size_t>(r)].emplace_back(PQgetvalue(result, r, c));
    }
  }
  return rows;
}

}  // namespace

const fs::path& postgres_programs() {
  static const fs::path newest = [] {
    int best = 0;
    std::error_code none;
    for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql", none)) {
      const auto major = parse_int(entry.path().filename().string());
      if (major && fs::exists(entry.path() / "bin/postgres") && *major > best) {
        best = static_cast<int>(*major);
      }
    }
    if (best == 0) throw Error("no server under /usr/lib/postgresql", "run ./setup");
    return fs::path(fmt::format("/usr/lib/postgresql/{}/bin", best));
  }();
  return newest;
}

fs::path test_sql(const std::string& name) { return fs::path(PGSTOW_TEST_SQL) / name; }

TestServer::TestServer(Unborn) : folder_(std::make_unique<TempDir>("pgstow-pg-", folder_base())) {
  give_to_owner(folder_->path());
  fs::permissions(folder_->path(), fs::perms(0755));
  const fs::path fifo = *folder_ / "lifeline";
  if (::mkfifo(fifo.c_str(), 0600) != 0) throw_errno("mkfifo " + fifo.string());
  // Read-write, so that neither we nor the watchdog wait for the other to open it.
  lifeline_ = Fd(::open(fifo.c_str(), O_RDWR | O_CLOEXEC));
  if (!lifeline_) throw_errno("opening " + fifo.string());
  watchdog_ = std::make_unique<Running>(
      Program{.argv = {"sh", "-c", kWatchdog, "watchdog", folder_->path()}, .folder = "/"});
}

TestServer::TestServer(const ServerOptions& options) : TestServer(Unborn{}) {
  run_ok({.argv = {"cp", "-a", "--reflink=auto", data_template(options.other_identity), data()}});
  configure(options);
  protect(options.auth);
  options.tcp ? start_on_free_port() : start();
}

TestServer TestServer::standby_of(const TestServer& primary) {
  TestServer standby(Unborn{});
  run_ok(server_program("pg_basebackup", {"-D", standby.data(), "-d", primary.url(), "-R", "-X",
                                          "stream", "-c", "fast", "--no-sync"}));
  standby.password_ = primary.password_;
  standby.configure({});
  standby.start();
  return standby;
}

TestServer::~TestServer() {
  if (!postmaster_) return;
  try {
    stop(Stop::kImmediate);
  } catch (const Error&) {
    return;  // it did not end in time: its Running kills it
  }
}

// The last setting of a name counts, so a standby's stand behind those copied from its primary.
void TestServer::configure(const ServerOptions& options) const {
  std::ofstream conf(data() / "postgresql.conf", std::ios::app);
  conf << "\nlisten_addresses = '" << (options.tcp ? "127.0.0.1" : "") << "'\n"
       << "unix_socket_directories = '" << folder_->path().string() << "'\n"
       << "unix_socket_permissions = 0777\n"
       << "fsync = off\n"
       << "full_page_writes = off\n"
       << "timezone = '" << options.timezone << "'\n"
       << "log_line_prefix = '%m [%p] %a '\n";
  for (const std::string& line : options.settings) conf << line << "\n";
  if (!conf.flush()) throw Error("writing postgresql.conf");
}

// Sets who may come in: before the start, so that the server was never open to all.
void TestServer::protect(const std::string& auth) {
  std::string rules;
  for (const char* who : {"local all all ", "local replication all ", "host all all 127.0.0.1/32 ",
                          "host replication all 127.0.0.1/32 "}) {
    rules += who + auth + "\n";
  }
  write_file(data() / "pg_hba.conf", rules);
  if (auth == "trust") return;
  password_ = kPassword;
  Program program = server_program("postgres", {"--single", "-D", data(), "postgres"});
  program.input = "ALTER ROLE postgres PASSWORD $$" + password_ + "$$\n";
  run_ok(program);
}

void TestServer::start() {
  postmaster_ = std::make_unique<Running>(
      server_program("postgres", {"-D", data(), "-p", std::to_string(port_)}));
  poll_until(
      [&] {
        if (postmaster_->ended()) throw Error("test server: did not start:\n" + log());
        return PQping(url().c_str()) == PQPING_OK;
      },
      [&] { return "test server: does not answer:\n" + log(); });
}

// Between our look and the server's start somebody else may take the port.
void TestServer::start_on_free_port() {
  for (int attempt = 1;; ++attempt) {
    port_ = free_port();
    try {
      start();
      return;
    } catch (const Error&) {
      if (attempt == 5 || log().find("Address already in use") == std::string::npos) throw;
    }
  }
}

void TestServer::stop(Stop mode) {
  const std::unique_ptr<Running> ending = std::move(postmaster_);
  ending->signal(mode == Stop::kFast ? SIGINT : SIGQUIT);
  static_cast<void>(ending->wait());
}

void TestServer::catch_up(const TestServer& primary) const {
  const std::string end = primary.value("postgres", "SELECT pg_current_wal_lsn()");
  const std::string done = "SELECT pg_last_wal_replay_lsn() >= '" + end + "'";
  poll_until([&] { return value("postgres", done) == "t"; },
             [&] { return "standby: does not catch up:\n" + log(); });
}

std::string TestServer::userinfo() const {
  return password_.empty() ? "postgres" : "postgres:" + url_encoded(password_);
}

std::string TestServer::url(const std::string& database) const {
  return fmt::format("postgresql://{}@/{}?host={}&port={}", userinfo(), url_encoded(database),
                     url_encoded(folder_->path().string()), port_);
}

std::string TestServer::tcp_url(const std::string& database) const {
  return fmt::format("postgresql://{}@127.0.0.1:{}/{}", userinfo(), port_, url_encoded(database));
}

std::vector<std::string> TestServer::environment() const {
  std::vector<std::string> env = {"PGHOST=" + folder_->path().string(),
                                  "PGPORT=" + std::to_string(port_), "PGUSER=postgres"};
  if (!password_.empty()) env.push_back("PGPASSWORD=" + password_);
  return env;
}

std::vector<Row> TestServer::sql(const std::string& database, const std::string& statements) const {
  const Connection connection(PQconnectdb(url(database).c_str()), PQfinish);
  if (PQstatus(connection.get()) != CONNECTION_OK) {
    throw Error(fmt::format("test server: {}: {}", database, PQerrorMessage(connection.get())));
  }
  const Result result(PQexec(connection.get(), statements.c_str()), PQclear);
  const ExecStatusType status = PQresultStatus(result.get());
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
    throw Error(fmt::format("test server: {}: {}\n{}", database, PQerrorMessage(connection.get()),
                            statements));
  }
  return rows_of(result.get());
}

std::string TestServer::value(const std::string& database, const std::string& statement) const {
  const std::vector<Row> rows = sql(database, statement);
  if (rows.empty() || rows[0].empty()) throw Error("test server: no row: " + statement);
  return rows[0][0];
}

void TestServer::create_database(const std::string& name) const {
  sql("postgres", "CREATE DATABASE " + quoted_identifier(name));
}

void TestServer::script(const std::string& database, const fs::path& file,
                        const std::vector<std::string>& variables) const {
  Program psql{.argv = {postgres_programs() / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d",
                        url(database), "-f", file}};
  for (const std::string& variable : variables) {
    psql.argv.insert(psql.argv.end(), {"-v", variable});
  }
  run_ok(psql);
}

int TestServer::kill_backends(const std::string& application_name) const {
  const Connection connection(PQconnectdb(url().c_str()), PQfinish);
  const char* pattern = application_name.c_str();
  const Result result(PQexecParams(connection.get(),
                                   "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                                   " WHERE application_name LIKE $1 AND pid <> pg_backend_pid()",
                                   1, nullptr, &pattern, nullptr, nullptr, 0),
                      PQclear);
  if (PQntuples(result.get()) != 1) throw Error(PQerrorMessage(connection.get()));
  return static_cast<int>(parse_int(PQgetvalue(result.get(), 0, 0)).value_or(0));
}

}  // namespace pgstow::test
