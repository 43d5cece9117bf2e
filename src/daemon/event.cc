#include "daemon/event.h"

#include <fmt/format.h>

#include "store/random_id.h"

namespace pgstow {

std::string new_run_id() {
  std::string hex = random_id() + random_id();
  hex[12] = '4';                  // the version
  hex[16] = "89ab"[hex[16] % 4];  // the variant
  return fmt::format("{}-{}-{}-{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4),
                     hex.substr(16, 4), hex.substr(20));
}

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
