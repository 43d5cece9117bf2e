// What the tests of notifiers share: events, basics that are quick to give up, what is thrown.
#pragma once

#include <chrono>
#include <string>

#include "base/error.h"
#include "daemon/event.h"
#include "daemon/notify_basics.h"
#include "store/testing_context.h"

namespace pgstow::test {

inline constexpr const char* kRunId = "6f1c1d3e-4b7f-4a7e-9c64-0d5b5a1f2e30";

inline NotifyBasics quick_basics() {
  return {.wording = Wording(Zone::load("UTC")),
          .on = {.always = true},
          .http = {.ca_setting = "BACKUP_NOTIFY_CA", .stall = std::chrono::seconds(1)}};
}

inline Time noon() {
  return Time(std::chrono::sys_days(std::chrono::year(2026) / 11 / 22)) + std::chrono::hours(12);
}

inline Event event_of(Event::Kind kind) {
  Event event{.kind = kind, .run_id = kRunId, .host = "db1", .database = "shop", .time = noon()};
  event.last_good = noon() - std::chrono::hours(33);
  return event;
}

inline Event good_event(Event::Kind kind = Event::Kind::kGood) {
  Event event = event_of(kind);
  event.backup = "backup_20261122_120000.dump.gz";
  event.bytes = 1'740'000;
  event.raw_bytes = 5'540'000;
  event.rows = 23'560;
  event.stores = {"local", "s3"};
  event.duration = std::chrono::milliseconds(4100);
  return event;
}

inline Event failed_event() {
  Event event = event_of(Event::Kind::kFailed);
  event.error = "pg_dump: exit status 1: server closed the connection";
  event.hint = "look at the server's log";
  event.exit_code = 1;
  event.log_tail = "line one\nline two\n";
  return event;
}

// The text of what the call throws, and of its hint.
template <typename Call>
std::string thrown_by(const Call& call) {
  try {
    call();
  } catch (const Error& e) {
    return e.hint().empty() ? e.what() : std::string(e.what()) + " | " + e.hint();
  }
  return "nothing was thrown";
}

}  // namespace pgstow::test
