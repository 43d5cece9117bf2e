// The check-up: what works, what does not, and what to do about it.
#pragma once

#include <string>
#include <vector>

#include "backup/backup.h"
#include "backup/restore.h"
#include "backup/stores.h"
#include "base/context.h"

namespace pgstow {

enum class Health { kGood, kWarning, kBad };

struct Finding {
  Health health = Health::kGood;
  std::string subject;  // "database", "pg_dump", "space", ...
  std::string text;
  std::string hint;  // what to do; empty when all is well
};

// Looks at everything a backup and a restore need, without changing anything but for one small
// object that is written and removed in each store. Never throws for what it finds; a stop is
// thrown.
std::vector<Finding> run_doctor(const BackupJob& backup, const RestoreJob& restore,
                                const Stores& stores, const Context& context);

}  // namespace pgstow
