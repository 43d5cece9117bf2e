// BACKUP_NOTIFY_ON: of which events people want to hear.
#pragma once

#include <string_view>

#include "daemon/event.h"

namespace pgstow {

struct NotifyOn {
  bool always = false;   // every end of a job
  bool failure = true;   // what somebody should look at
  bool recovery = true;  // the first good one after that
  bool started = false;  // with `always`: beginnings, too; for programs that listen

  // `after_bad` as Notifier::wants has it.
  bool wants(Event::Kind kind, bool after_bad) const;
};

// "always", or "failure", "recovery", both with a comma. Throws ConfigError that tells what is
// allowed.
NotifyOn parse_notify_on(std::string_view text);

}  // namespace pgstow
