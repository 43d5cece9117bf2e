// The notifiers that a configuration names.
#pragma once

#include <memory>
#include <vector>

#include "backup/config.h"
#include "base/error.h"
#include "daemon/notifier.h"
#include "daemon/patience.h"

namespace pgstow {

struct Notifiers {
  std::vector<std::unique_ptr<Notifier>> notifiers;
  // One for each that is configured, but wrongly, and so is not among them; and for settings of all
  // of them, which then are as if not set.
  std::vector<ConfigError> problems;
};

// Throws nothing for what is wrong in a configuration.
Notifiers make_notifiers(const Config& config, Patience patience = {});

// The same, with the problems logged as warnings: no setting of theirs keeps a backup from being
// made.
std::vector<std::unique_ptr<Notifier>> notifiers_of_job(const Config& config, const Log& log);

}  // namespace pgstow
