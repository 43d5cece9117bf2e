#include "daemon/notify_on.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/text.h"

namespace pgstow {

bool NotifyOn::wants(Event::Kind kind, bool after_bad) const {
  switch (kind) {
    case Event::Kind::kTest:
      return true;
    case Event::Kind::kStarted:
      return always && started;
    case Event::Kind::kGood:
      return always || (recovery && after_bad);
    case Event::Kind::kRecovered:
      return always || recovery;
    case Event::Kind::kIncomplete:
    case Event::Kind::kFailed:
    case Event::Kind::kStale:
      return always || failure;
  }
  return true;
}

NotifyOn parse_notify_on(std::string_view text) {
  NotifyOn on{.always = false, .failure = false, .recovery = false};
  for (const std::string_view part : split(text, ',')) {
    const std::string word = lower(trim(part));
    if (word == "always") {
      on.always = true;
    } else if (word == "failure") {
      on.failure = true;
    } else if (word == "recovery") {
      on.recovery = true;
    } else {
      throw ConfigError(fmt::format("\"{}\" is no such event", printable(word)),
                        "always, failure, recovery, or failure,recovery");
    }
  }
  return on;
}

}  // namespace pgstow
