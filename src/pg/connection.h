// One session with a PostgreSQL server, over libpq. Every wait notices a stop within 0.1 s.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

struct pg_conn;
struct pg_result;

namespace pgstow::pg {

using Parameters = std::map<std::string, std::string>;  // libpq keyword -> value

// A query's rows, as text.
class Result {
 public:
  explicit Result(pg_result* result);

  int rows() const;
  bool null(int row, int column) const;
  std::string text(int row, int column) const;  // "" for NULL
  // The same without a copy, as long as the result lives: for query_bytes().
  std::string_view bytes(int row, int column) const;
  std::optional<std::string> value(int row, int column) const;
  std::int64_t number(int row, int column) const;  // 0 for NULL
  bool flag(int row, int column) const;            // PostgreSQL's 't'
  std::uint64_t affected() const;                  // rows, as the statement's tag counts them

  const pg_result* raw() const { return result_.get(); }

 private:
  struct Clear {
    void operator()(pg_result* result) const;
  };
  std::unique_ptr<pg_result, Clear> result_;
};

// Single-threaded. Errors of the server are thrown as ServerError (with the SQLSTATE), a lost
// connection as Transient. No error text holds the password.
class Connection {
 public:
  // Connects with libpq's rules: explicit parameters over service file over environment.
  // `stop` is kept for all later waits. The session's search_path is empty: bare names are
  // pg_catalog's, whatever the database's or the role's settings say.
  static Connection open(const Parameters& parameters, std::stop_token stop);

  // From now on this token stops its waits: for a session that another thread goes on with.
  void stop_by(std::stop_token stop) { stop_ = std::move(stop); }

  // Runs one statement, or several without parameters, and returns the last result.
  Result query(const std::string& sql, const std::vector<std::string>& parameters = {});

  // The same; values come in PostgreSQL's binary format, in which a bytea's is its contents.
  Result query_bytes(const std::string& sql, const std::vector<std::string>& parameters);

  // Starts a statement without waiting; finished() says whether its result came within `patience`,
  // and result() returns (or throws) it.
  void start(const std::string& sql);
  bool finished(std::chrono::milliseconds patience);
  Result result();

  // query() with a limit: after it Transient is thrown, and the session is of no use any more. 0:
  // no limit.
  Result query_within(std::chrono::milliseconds limit, const std::string& sql,
                      const std::vector<std::string>& parameters = {});

  // Runs a COPY ... TO STDOUT and hands over its data, a whole row a call; the views are lent for
  // the call. Returns how many rows the server says it sent.
  std::uint64_t copy_out(const std::string& sql, const std::function<void(std::string_view)>& data);

  // A COPY ... FROM STDIN: begun, fed in pieces of any size, ended. The end returns how many rows
  // the server took; an error of the server, of whatever row, may be thrown by any of the three,
  // and then the COPY is over and undone. A server that takes nothing more for `stall` (0: for
  // ever) is a Transient error, after which the session is of no use.
  void begin_copy_in(const std::string& sql, std::chrono::milliseconds stall = {});
  void copy_in(std::string_view text, std::chrono::milliseconds stall);
  std::uint64_t end_copy_in(std::chrono::milliseconds stall);

  std::string database() const;
  std::string user() const;
  int server_version() const;  // 150020 for 15.20
  std::string parameter_status(const char* name) const;
  int backend_pid() const;

  // The parameters that lead a child process to this very server (the host that answered, out of
  // several), as this session was opened: for to_conninfo(). The password is among them.
  Parameters parameters_for_children() const;

  // A second session like this one, in another database, with its own stop.
  Connection open_another(const std::string& database, std::stop_token stop) const;

 private:
  struct Finish {
    void operator()(pg_conn* conn) const;
  };
  Connection(std::unique_ptr<pg_conn, Finish> conn, std::stop_token stop);
  bool wait_socket(bool for_write, std::chrono::milliseconds patience) const;
  void flush(std::chrono::milliseconds stall = {});
  Result answer(std::chrono::milliseconds limit);
  enum Format : int { kText = 0, kBinary = 1 };  // libpq's numbers
  void send(const std::string& sql, const std::vector<std::string>& parameters,
            Format results = kText);
  void expect(int status);
  std::uint64_t take_copy(const std::function<void(std::string_view)>& data);
  void drain() noexcept;
  void cancel() noexcept;
  [[noreturn]] void fail(const std::string& what) const;

  std::unique_ptr<pg_conn, Finish> conn_;
  std::stop_token stop_;
};

// The database these parameters lead to, as libpq works it out (parameters, service file,
// environment, user name); nothing is asked of the server, where it need not exist.
std::string database_name(const Parameters& parameters);

}  // namespace pgstow::pg
