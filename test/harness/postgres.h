// A real PostgreSQL for tests: the newest installed one, in a folder of its own, on a Unix socket.
//
// A server that can't start throws Error with the server's log: a failure of the test, never a
// skip. It goes with the object, and when the test process is killed a watchdog ends it and removes
// its folder. As root the server's programs run as the user "postgres".
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"
#include "harness/program.h"

namespace pgstow::test {

struct ServerOptions {
  bool tcp = false;                        // listen on 127.0.0.1, too
  std::string auth = "trust";              // or "scram-sha-256": everybody needs a password
  std::vector<std::string> settings = {};  // lines for postgresql.conf
  std::string timezone = "UTC";
  // Another system identifier than the servers without this, which are copies of one.
  bool other_identity = false;
};

// One row of a result, as text; NULL is the empty text.
using Row = std::vector<std::string>;

// Single-threaded, but for the const functions.
class TestServer {
 public:
  enum class Stop { kFast, kImmediate };

  explicit TestServer(const ServerOptions& options = {});
  // A hot standby that streams from `primary`, which has to outlive it. See catch_up().
  static TestServer standby_of(const TestServer& primary);

  TestServer(TestServer&&) noexcept = default;
  TestServer& operator=(TestServer&&) = delete;
  ~TestServer();

  void stop(Stop mode = Stop::kFast);
  void start();
  // Waits until this standby has replayed all that `primary` has written.
  void catch_up(const TestServer& primary) const;

  // "postgresql://postgres@/NAME?host=SOCKET_DIR&port=PORT", with the password if one is needed.
  std::string url(const std::string& database = "postgres") const;
  // The same through TCP; only with options.tcp.
  std::string tcp_url(const std::string& database = "postgres") const;
  // PGHOST, PGPORT, PGUSER and PGPASSWORD, for programs.
  std::vector<std::string> environment() const;
  const std::filesystem::path& socket_dir() const { return folder_->path(); }
  int port() const { return port_; }
  const std::string& password() const { return password_; }  // of the superuser; may be empty
  pid_t pid() const { return postmaster_->pid(); }           // only while it runs
  // What the server said since its last start.
  std::string log() const { return postmaster_->err(); }

  // Runs statements (one query string) as the superuser and returns the last one's rows. Throws
  // Error with the server's message.
  std::vector<Row> sql(const std::string& database, const std::string& statements) const;
  // The first column of the first row; throws Error when there is no row.
  std::string value(const std::string& database, const std::string& statement) const;
  void create_database(const std::string& name) const;
  // Runs a psql script, stopping at the first error; `variables` are "name=value".
  void script(const std::string& database, const std::filesystem::path& file,
              const std::vector<std::string>& variables = {}) const;
  // Terminates the backends whose application_name is LIKE the pattern; returns how many.
  int kill_backends(const std::string& application_name) const;

 private:
  struct Unborn {};
  explicit TestServer(Unborn);  // the folder and its watchdog; no data, nothing started
  void configure(const ServerOptions& options) const;
  void protect(const std::string& auth);
  void start_on_free_port();
  std::string userinfo() const;
  std::filesystem::path data() const { return folder_->path() / "data"; }

  std::unique_ptr<TempDir> folder_;  // holds the socket and data/
  int port_ = 5432;
  std::string password_;
  Fd lifeline_;  // closed by our death, whatever its kind: then the watchdog acts
  std::unique_ptr<Running> watchdog_;
  std::unique_ptr<Running> postmaster_;  // null while stopped
};

// The folder of the newest installed server's programs: /usr/lib/postgresql/15/bin.
const std::filesystem::path& postgres_programs();

// A file of test/sql in the source tree: test_sql("rich.sql").
std::filesystem::path test_sql(const std::string& name);

}  // namespace pgstow::test
