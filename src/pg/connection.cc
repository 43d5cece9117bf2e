#include "pg/connection.h"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <poll.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <future>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>

#include "base/error.h"
#include "base/fd.h"
#include "base/text.h"
#include "pg/libpq.h"
#include "pg/server_error.h"

namespace pgstow::pg {
namespace {

constexpr std::chrono::seconds kCancelPatience{2};
constexpr std::chrono::milliseconds kSlice{100};
// The server sends 8 KiB at a time. Woken for each of them, we and it would spend much of a long
// COPY on changing between the two; after this pause the socket holds many of them, and is not
// full.
constexpr std::chrono::microseconds kRefill{500};
constexpr std::chrono::seconds kConnectTimeout{30};
constexpr std::size_t kCopySlice = std::size_t{64} << 10;

// Parameters that make a session ours, unless the user set them (but for the encoding, in which
// names are taken).
const Parameters kDefaults{
    {"fallback_application_name", "pgstow"},
    {"client_encoding", "UTF8"},
    {"keepalives", "1"},
    {"keepalives_idle", "60"},
    {"keepalives_interval", "15"},
    {"keepalives_count", "4"},
};

std::string without_password(std::string text, const std::string& password) {
  if (password.size() < 2) return text;
  for (std::size_t at = 0; (at = text.find(password, at)) != std::string::npos; at += 3) {
    text.replace(at, password.size(), "***");
  }
  return text;
}

std::chrono::seconds connect_timeout(const Parameters& parameters) {
  const auto found = parameters.find("connect_timeout");
  const char* env = std::getenv("PGCONNECT_TIMEOUT");
  const std::string text = found != parameters.end() ? found->second : env != nullptr ? env : "";
  const auto seconds = parse_int(text);
  return seconds && *seconds > 0 ? std::chrono::seconds(*seconds) : kConnectTimeout;
}

std::string connect_hint(const std::string& text) {
  if (text.find("password") != std::string::npos) {
    return "check the user and password (DATABASE_URL, PGPASSWORD, POSTGRES_PASSWORD or ~/.pgpass)";
  }
  if (text.find("does not exist") != std::string::npos) {
    return "check the database and role names; `pgstow config` shows what is used";
  }
  return "is the server running and reachable from here? `pgstow config` shows what is used";
}

// "COPY t, column n: "x"" out of the server's "COPY t, line 7, column n: "x"": lines are counted
// from the start of one session's share, which says nothing to anybody.
std::string copied_row(const std::string& context) {
  const std::size_t begin = context.find("COPY ");
  if (begin == std::string::npos) return "";
  std::string line = context.substr(begin, context.find('\n', begin) - begin);
  const std::size_t number = line.find(", line ");
  if (number == std::string::npos) return line;
  return line.erase(number, line.find_first_not_of("0123456789", number + 7) - number);
}

// Fields of the server's error, as one line: "relation "x" does not exist; detail".
ServerError server_error(const PGresult* result) {
  const auto field = [&](int code) -> std::string {
    const char* text = PQresultErrorField(result, code);
    return text == nullptr ? "" : text;
  };
  std::string text = field(PG_DIAG_MESSAGE_PRIMARY);
  const std::string detail = field(PG_DIAG_MESSAGE_DETAIL);
  if (!detail.empty()) text += "; " + detail;
  const std::string row = copied_row(field(PG_DIAG_CONTEXT));
  if (!row.empty()) text += " (" + row + ")";
  return {text, field(PG_DIAG_SQLSTATE), field(PG_DIAG_MESSAGE_HINT)};
}

LibpqConnection start_connecting(const Parameters& parameters) {
  Parameters all = kDefaults;
  for (const auto& [name, value] : parameters) {
    if (name != "client_encoding") all[name] = value;
  }
  return begin_connecting(all);
}

// Which of the hosts that the parameters name is being tried.
std::string address_of(const PGconn* conn) {
  return fmt::format("{} {} {}", PQhost(conn), PQhostaddr(conn), PQport(conn));
}

// The parameters with only the hosts that come after the one being tried, which does not answer:
// libpq goes on to the next by itself only in its blocking calls. Nothing when it is the last.
std::optional<Parameters> hosts_after(PGconn* conn, const Parameters& parameters) {
  std::map<std::string, std::vector<std::string>> lists;
  PQconninfoOption* options = PQconninfo(conn);
  for (PQconninfoOption* o = options; o != nullptr && o->keyword != nullptr; ++o) {
    const std::string name = o->keyword;
    if (o->val == nullptr || (name != "host" && name != "hostaddr" && name != "port")) continue;
    for (const std::string_view item : split(o->val, ',')) lists[name].emplace_back(item);
  }
  PQconninfoFree(options);
  const bool by_address = lists.contains("hostaddr");
  const std::vector<std::string>& hosts = lists[by_address ? "hostaddr" : "host"];
  const std::string tried = by_address ? PQhostaddr(conn) : PQhost(conn);
  const std::vector<std::string>& ports = lists["port"];
  for (std::size_t i = 0; i + 1 < hosts.size(); ++i) {
    if (hosts[i] != tried || (ports.size() > 1 && ports.at(i) != PQport(conn))) continue;
    Parameters rest = parameters;
    for (const auto& [name, items] : lists) {
      if (items.size() == 1 && name == "port") continue;  // one port for all
      rest[name] = join({items.begin() + static_cast<std::ptrdiff_t>(i) + 1, items.end()}, ",");
    }
    return rest;
  }
  return std::nullopt;
}

void check_stall(std::chrono::steady_clock::time_point since, std::chrono::milliseconds stall) {
  if (stall.count() == 0 || std::chrono::steady_clock::now() - since < stall) return;
  throw Transient(
      fmt::format("the server has taken nothing for {} s",
                  std::chrono::duration_cast<std::chrono::seconds>(stall).count()),
      "is it stuck, or out of space or reach? If it is only slow, raise BACKUP_STALL_TIMEOUT");
}

struct FreeMemory {
  void operator()(char* memory) const { PQfreemem(memory); }
};

}  // namespace

Result::Result(pg_result* result) : result_(result) {}
void Result::Clear::operator()(pg_result* result) const { PQclear(result); }
int Result::rows() const { return PQntuples(result_.get()); }
bool Result::null(int row, int column) const {
  return PQgetisnull(result_.get(), row, column) == 1;
}

std::string Result::text(int row, int column) const { return std::string(bytes(row, column)); }

std::string_view Result::bytes(int row, int column) const {
  return {PQgetvalue(result_.get(), row, column),
          static_cast<std::size_t>(PQgetlength(result_.get(), row, column))};
}

std::optional<std::string> Result::value(int row, int column) const {
  if (null(row, column)) return std::nullopt;
  return text(row, column);
}

std::int64_t Result::number(int row, int column) const {
  return parse_int(text(row, column)).value_or(0);
}

bool Result::flag(int row, int column) const { return text(row, column) == "t"; }

std::uint64_t Result::affected() const {
  return static_cast<std::uint64_t>(parse_int(PQcmdTuples(result_.get())).value_or(0));
}

Connection::Connection(std::unique_ptr<pg_conn, Finish> conn, std::stop_token stop)
    : conn_(std::move(conn)), stop_(std::move(stop)) {}

void Connection::Finish::operator()(pg_conn* conn) const { PQfinish(conn); }

Connection Connection::open(const Parameters& parameters, std::stop_token stop) {
  Connection c({start_connecting(parameters).release(), Finish{}}, std::move(stop));
  const std::chrono::seconds patience = connect_timeout(parameters);
  std::string address = address_of(c.conn_.get());
  auto deadline = std::chrono::steady_clock::now() + patience;
  PostgresPollingStatusType state = PGRES_POLLING_WRITING;
  while (state != PGRES_POLLING_OK) {
    if (state == PGRES_POLLING_FAILED || PQstatus(c.conn_.get()) == CONNECTION_BAD)
      c.fail("connecting");
    if (c.wait_socket(state == PGRES_POLLING_WRITING, kSlice)) state = PQconnectPoll(c.conn_.get());
    if (std::string now = address_of(c.conn_.get()); now != address) {  // the next of several hosts
      address = std::move(now);
      deadline = std::chrono::steady_clock::now() + patience;
    }
    if (state != PGRES_POLLING_OK && std::chrono::steady_clock::now() > deadline) {
      if (const auto rest = hosts_after(c.conn_.get(), parameters)) return open(*rest, c.stop_);
      throw Transient("connecting: no answer in time from " + std::string(PQhost(c.conn_.get())),
                      connect_hint(""));
    }
  }
  PQsetnonblocking(c.conn_.get(), 1);
  PQsetNoticeProcessor(c.conn_.get(), [](void*, const char*) {}, nullptr);
  // Before anything else: a search_path set by the database's owner would lead our bare names and
  // operators to functions of his own, run with our rights.
  c.query("select pg_catalog.set_config('search_path', '', false)");
  return c;
}

void Connection::fail(const std::string& what) const {
  const char* password = PQpass(conn_.get());
  std::string text(trim(PQerrorMessage(conn_.get())));
  for (char& ch : text) {
    if (ch == '\n' || ch == '\t') ch = ' ';
  }
  text = without_password(text, password == nullptr ? "" : password);
  throw Transient(fmt::format("{}: {}", what, text), connect_hint(text));
}

bool Connection::wait_socket(bool for_write, std::chrono::milliseconds patience) const {
  check_stop(stop_);
  const auto events = static_cast<short>(for_write ? POLLIN | POLLOUT : POLLIN);
  pollfd p{.fd = PQsocket(conn_.get()), .events = events, .revents = 0};
  const int n = ::poll(&p, 1, static_cast<int>(patience.count()));
  if (n < 0 && errno != EINTR) throw_errno("poll on the server's connection");
  return n > 0;
}

void Connection::flush(std::chrono::milliseconds stall) {
  const auto began = std::chrono::steady_clock::now();
  for (int rc = 1; (rc = PQflush(conn_.get())) != 0;) {
    if (rc < 0) fail("sending to the server");
    if (wait_socket(true, kSlice)) {
      if (PQconsumeInput(conn_.get()) == 0) fail("sending to the server");
    } else {
      check_stall(began, stall);
    }
  }
}

void Connection::send(const std::string& sql, const std::vector<std::string>& parameters,
                      Format results) {
  std::vector<const char*> values;
  values.reserve(parameters.size());
  for (const std::string& parameter : parameters) values.push_back(parameter.c_str());
  const int ok = parameters.empty() && results == kText
                     ? PQsendQuery(conn_.get(), sql.c_str())
                     : PQsendQueryParams(conn_.get(), sql.c_str(), static_cast<int>(values.size()),
                                         nullptr, values.data(), nullptr, nullptr, results);
  if (ok == 0) fail("sending a statement");
  flush();
}

bool Connection::finished(std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (PQisBusy(conn_.get()) == 1) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    if (wait_socket(false, std::min(left, kSlice)) && PQconsumeInput(conn_.get()) == 0) {
      fail("waiting for the server");
    }
  }
  return true;
}

// Takes what is left of a statement's results, so that the session can be used again.
void Connection::drain() noexcept {
  while (PGresult* rest = PQgetResult(conn_.get())) {
    const bool copying =
        PQresultStatus(rest) == PGRES_COPY_OUT || PQresultStatus(rest) == PGRES_COPY_IN;
    PQclear(rest);
    if (copying) break;
  }
}

// PQcancel() waits for ever where the server is frozen, and nothing stops it: then it is left
// alone, with what it needs.
void Connection::cancel() noexcept {
  try {
    const std::shared_ptr<PGcancel> handle(PQgetCancel(conn_.get()), PQfreeCancel);
    if (!handle) return;
    auto done = std::make_shared<std::promise<void>>();
    const std::future<void> asked = done->get_future();
    std::thread([handle, done] {
      std::array<char, 256> message;
      static_cast<void>(PQcancel(handle.get(), message.data(), message.size()));
      done->set_value();
    }).detach();
    static_cast<void>(asked.wait_for(kCancelPatience));
  } catch (const std::exception&) {
    return;  // no memory, no thread: the server ends the statement when it finds nobody to send to
  }
}

void Connection::start(const std::string& sql) { send(sql, {}); }

Result Connection::result() {
  std::optional<Result> last;
  for (;;) {
    while (!finished(kSlice)) {
    }
    PGresult* raw = PQgetResult(conn_.get());
    if (raw == nullptr) break;
    Result one(raw);
    const ExecStatusType status = PQresultStatus(raw);
    if (status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE) {
      ServerError error = server_error(raw);
      drain();
      if (PQstatus(conn_.get()) == CONNECTION_BAD) fail("the server ended the connection");
      throw error;
    }
    last.emplace(std::move(one));
  }
  if (!last) fail("no answer from the server");
  return std::move(*last);
}

Result Connection::query(const std::string& sql, const std::vector<std::string>& parameters) {
  return query_within({}, sql, parameters);
}

Result Connection::query_bytes(const std::string& sql, const std::vector<std::string>& parameters) {
  send(sql, parameters, kBinary);
  return answer({});
}

Result Connection::query_within(std::chrono::milliseconds limit, const std::string& sql,
                                const std::vector<std::string>& parameters) {
  send(sql, parameters);
  return answer(limit);
}

Result Connection::answer(std::chrono::milliseconds limit) {
  try {
    if (limit.count() > 0 && !finished(limit)) {
      throw Transient(fmt::format("no answer from the server for {} s", limit.count() / 1000),
                      "is it stuck, or out of reach?");
    }
    return result();
  } catch (const Cancelled&) {
    cancel();
    throw;
  }
}

// Takes the statement's next result. Throws what the server says if it is another one.
void Connection::expect(int status) {
  const Result next(PQgetResult(conn_.get()));
  const ExecStatusType got = PQresultStatus(next.raw());
  if (got == static_cast<ExecStatusType>(status)) return;
  if (got != PGRES_FATAL_ERROR) fail("not the answer that was expected");
  ServerError error = server_error(next.raw());
  drain();
  if (PQstatus(conn_.get()) == CONNECTION_BAD) fail("the server ended the connection");
  throw error;
}

std::uint64_t Connection::copy_out(const std::string& sql,
                                   const std::function<void(std::string_view)>& data) {
  send(sql, {});
  try {
    return take_copy(data);
  } catch (const Cancelled&) {
    cancel();
    throw;
  }
}

std::uint64_t Connection::take_copy(const std::function<void(std::string_view)>& data) {
  while (!finished(kSlice)) {
  }
  expect(PGRES_COPY_OUT);
  for (bool asked = false;;) {
    char* row = nullptr;
    const int n = PQgetCopyData(conn_.get(), &row, 1);
    const std::unique_ptr<char, FreeMemory> owner(row);
    if (n > 0) {
      data({row, static_cast<std::size_t>(n)});
      asked = false;
    } else if (n == 0) {
      // Asked for twice, it has not come whole: only then it is worth a look whether there is any.
      if (std::exchange(asked, true) && !wait_socket(false, {})) {
        std::this_thread::sleep_for(kRefill);
        wait_socket(false, kSlice);
      }
      check_stop(stop_);
      if (PQconsumeInput(conn_.get()) == 0) fail("reading rows");
    } else {
      break;  // -1: done, -2: error; result() tells which
    }
  }
  return result().affected();
}

void Connection::begin_copy_in(const std::string& sql, std::chrono::milliseconds stall) {
  const auto began = std::chrono::steady_clock::now();
  send(sql, {});
  while (!finished(kSlice)) check_stall(began, stall);
  expect(PGRES_COPY_IN);
}

void Connection::copy_in(std::string_view text, std::chrono::milliseconds stall) {
  while (!text.empty()) {
    const std::string_view slice = text.substr(0, kCopySlice);  // libpq keeps a copy of what waits
    // It refuses once an error of the server has come.
    if (PQputCopyData(conn_.get(), slice.data(), static_cast<int>(slice.size())) != 1) {
      expect(PGRES_COMMAND_OK);
      fail("sending rows");
    }
    flush(stall);
    text.remove_prefix(slice.size());
  }
}

std::uint64_t Connection::end_copy_in(std::chrono::milliseconds stall) {
  static_cast<void>(PQputCopyEnd(conn_.get(), nullptr));  // what it can't end, result() tells
  flush(stall);
  const auto began = std::chrono::steady_clock::now();
  while (!finished(kSlice)) check_stall(began, stall);
  return result().affected();
}

std::string Connection::database() const { return PQdb(conn_.get()); }
std::string Connection::user() const { return PQuser(conn_.get()); }
int Connection::server_version() const { return PQserverVersion(conn_.get()); }
int Connection::backend_pid() const { return PQbackendPID(conn_.get()); }

std::string Connection::parameter_status(const char* name) const {
  const char* value = PQparameterStatus(conn_.get(), name);
  return value == nullptr ? "" : value;
}

Parameters Connection::parameters_for_children() const {
  // What libpq worked out from parameters, service file and environment, but for what would choose
  // another server than the one that answered.
  static const std::set<std::string> kChoosing{
      "host",     "hostaddr",        "port",       "service", "target_session_attrs",
      "passfile", "client_encoding", "replication"};
  Parameters out;
  PQconninfoOption* options = PQconninfo(conn_.get());
  for (PQconninfoOption* o = options; o != nullptr && o->keyword != nullptr; ++o) {
    if (o->val != nullptr && *o->val != '\0' && !kChoosing.contains(o->keyword)) {
      out[o->keyword] = o->val;
    }
  }
  PQconninfoFree(options);
  out["host"] = PQhost(conn_.get());
  out["port"] = PQport(conn_.get());
  const std::string address = PQhostaddr(conn_.get());
  if (!address.empty() && !out["host"].starts_with('/')) out["hostaddr"] = address;
  out["dbname"] = PQdb(conn_.get());
  if (const char* password = PQpass(conn_.get()); password != nullptr && *password != '\0') {
    out["password"] = password;
  }
  return out;
}

Connection Connection::open_another(const std::string& database, std::stop_token stop) const {
  Parameters parameters = parameters_for_children();
  parameters["dbname"] = database;
  return open(parameters, std::move(stop));
}

std::string database_name(const Parameters& parameters) {
  // libpq tells what it worked out only of a connection; this one is given up before it is made.
  const LibpqConnection conn = start_connecting(parameters);
  const char* name = PQdb(conn.get());
  return name == nullptr ? "" : name;
}

}  // namespace pgstow::pg
