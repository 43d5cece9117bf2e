#include "daemon/event.h"

namespace pgstow {

std::string_view to_string(Event::Kind kind) {
  switch (kind) {
    case Event::Kind::kStarted:
      return "started";
    case Event::Kind::kGood:
      return "good";
    case Event::Kind::kIncomplete:
      return "incomplete";
    case Event::Kind::kFailed:
      return "failed";
    case Event::Kind::kRecovered:
      return "recovered";
    case Event::Kind::kStale:
      return "stale";
    case Event::Kind::kTest:
      return "test";
  }
  return "";
}

bool is_bad(Event::Kind kind) {
  return kind == Event::Kind::kIncomplete || kind == Event::Kind::kFailed ||
         kind == Event::Kind::kStale;
}

}  // namespace pgstow
