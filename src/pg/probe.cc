#include "pg/probe.h"

#include <poll.h>

#include <algorithm>
#include <string_view>

#include "base/fd.h"
#include "base/text.h"
#include "pg/libpq.h"

namespace pgstow::pg {
namespace {

constexpr std::chrono::milliseconds kSlice{100};

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

}  // namespace

Probed probe_server(const Parameters& parameters, std::chrono::milliseconds patience,
                    const std::stop_token& stop) {
  const LibpqConnection conn = begin_connecting(parameters);
  // The code alone, since messages are in the server's language.
  PQsetErrorVerbosity(conn.get(), PQERRORS_SQLSTATE);
  const auto deadline = std::chrono::steady_clock::now() + patience;
  PostgresPollingStatusType state = PGRES_POLLING_WRITING;
  while (state != PGRES_POLLING_OK) {
    check_stop(stop);
    if (state == PGRES_POLLING_FAILED || PQstatus(conn.get()) == CONNECTION_BAD) {
      const std::string text(trim(PQerrorMessage(conn.get())));
      return {.answer = answer_of(conn.get(), text), .text = text};
    }
    const short events = state == PGRES_POLLING_WRITING ? POLLOUT : POLLIN;
    pollfd p{.fd = PQsocket(conn.get()), .events = events, .revents = 0};
    if (::poll(&p, 1, static_cast<int>(kSlice.count())) > 0) {
      state = PQconnectPoll(conn.get());
    } else if (std::chrono::steady_clock::now() > deadline) {
      return {.answer = Answer::kSilent, .text = "no answer in time"};
    }
  }
  return {.answer = Answer::kOpen, .text = {}};
}

}  // namespace pgstow::pg
