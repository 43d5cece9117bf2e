#include "backup/newest.h"

#include <algorithm>

namespace pgstow {
namespace {

constexpr std::chrono::minutes kFuture{2};  // clocks of hosts differ

bool counts(const Backup& backup, const std::string& database, const std::string& server,
            Time now) {
  if (!backup.manifest || backup.manifest->database != database) return false;
  const std::string& maker = backup.manifest->system_identifier;
  if (!server.empty() && !maker.empty() && maker != server) return false;
  return backup.state() != "damaged" && made_at(backup) <= now + kFuture;
}

}  // namespace

Time made_at(const Backup& backup) {
  return backup.manifest ? std::max(backup.manifest->started, backup.time) : backup.time;
}

const Backup* newest_good(const std::vector<Backup>& backups, const std::string& database,
                          const std::string& server, Time now) {
  const Backup* newest = nullptr;
  for (const Backup& backup : backups) {
    if (!counts(backup, database, server, now)) continue;
    if (newest == nullptr || made_at(backup) > made_at(*newest)) newest = &backup;
  }
  return newest;
}

}  // namespace pgstow
