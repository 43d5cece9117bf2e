#include "pg/probe.h"

#include <poll.h>

#include <algorithm>
#include <string_view>

#include "base/fd.h"
#include "base/text.h"
#include "pg/identity.h"
#include "pg/libpq.h"

namespace pgstow::pg {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kSlice{100};

struct Patience {
  // Waits until the socket is ready; false when the time is over.
  bool moves(PGconn* conn, short events) const {
    for (;;) {
      check_stop(stop);
      pollfd p{.fd = PQsocket(conn), .events = events, .revents = 0};
      if (::poll(&p, 1, static_cast<int>(kSlice.count())) > 0) return true;
      if (steady_clock::now() > deadline) return false;
    }
  }

  steady_clock::time_point deadline;
  const std::stop_token& stop;
};

// The SQLSTATE at the end of libpq's text; empty when the server has said nothing.
std::string_view sqlstate_of(std::string_view text) {
  const std::string_view last = text.substr(text.find_last_of(" \n") + 1);
  const bool is_code = last.size() == 5 && std::ranges::all_of(last, [](char c) {
                         return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
                       });
  return is_code ? last : std::string_view();
}

Answer answer_of(PGconn* conn, std::string_view text) {
  if (PQconnectionNeedsPassword(conn) == 1) return Answer::kRefused;
  const std::string_view code = sqlstate_of(text);
  if (code.empty()) return Answer::kSilent;
  if (code.starts_with("57P0")) return Answer::kStarting;
  if (code.starts_with("28")) return Answer::kRefused;
  return Answer::kOpen;  // known, and let in: no such database, too many sessions
}

// Empty where no answer comes.
std::string ask_identity(PGconn* conn, const Patience& until) {
  if (PQsendQuery(conn, kIdentityQuery) == 0) return "";
  while (PQisBusy(conn) == 1) {
    if (!until.moves(conn, POLLIN) || PQconsumeInput(conn) == 0) return "";
  }
  const Result answer(PQgetResult(conn));
  return PQntuples(answer.raw()) == 1 ? answer.text(0, 0) : "";
}

}  // namespace

Probed probe_server(const Parameters& parameters, std::chrono::milliseconds patience,
                    const std::stop_token& stop) {
  const LibpqConnection conn = begin_connecting(parameters);
  // The code alone, since messages are in the server's language.
  PQsetErrorVerbosity(conn.get(), PQERRORS_SQLSTATE);
  const Patience until{.deadline = steady_clock::now() + patience, .stop = stop};
  PostgresPollingStatusType state = PGRES_POLLING_WRITING;
  while (state != PGRES_POLLING_OK) {
    if (state == PGRES_POLLING_FAILED || PQstatus(conn.get()) == CONNECTION_BAD) {
      const std::string text(trim(PQerrorMessage(conn.get())));
      return {.answer = answer_of(conn.get(), text), .text = text};
    }
    if (!until.moves(conn.get(), state == PGRES_POLLING_WRITING ? POLLOUT : POLLIN)) {
      return {.answer = Answer::kSilent, .text = "no answer in time"};
    }
    state = PQconnectPoll(conn.get());
  }
  return {.answer = Answer::kOpen, .text = {}, .identity = ask_identity(conn.get(), until)};
}

}  // namespace pgstow::pg
