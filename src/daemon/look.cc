#include "daemon/look.h"

#include "backup/newest.h"
#include "base/error.h"

namespace pgstow {
namespace {

StoreStanding look_into_one(Store& store, const std::string& database, const std::string& server,
                            Look& look, const Context& context) {
  StoreStanding standing{.name = store.name(), .looked = context.clock.now()};
  try {
    const std::vector<Backup> backups = list_backups(store);
    for (const Backup& backup : backups) {
      if (backup.manifest && backup.database() != database) continue;
      ++standing.backups;
      standing.bytes += backup.bytes;
    }
    const Backup* newest = newest_good(backups, database, server, context.clock.now());
    if (newest == nullptr) return standing;
    standing.newest = made_at(*newest);
    if (!look.newest || *standing.newest > look.newest->time) {
      look.newest = good_backup(*newest);
      look.server = newest->manifest->system_identifier;
    }
  } catch (const Cancelled&) {
    throw;
  } catch (const Error& e) {
    look.complete = false;
    standing.reachable = false;
    standing.problem = context.log.redacted(e.what());
  }
  return standing;
}

}  // namespace

GoodBackup good_backup(const Backup& backup) {
  const Manifest& m = *backup.manifest;
  return {.key = backup.key,
          .time = made_at(backup),
          .bytes = backup.bytes,
          .raw_bytes = m.raw.bytes,
          .rows = m.rows(),
          .duration = m.duration};
}

Look look_into(const Stores& stores, const std::string& database, const std::string& server,
               const Context& context) {
  Look look;
  for (Store* store : stores.all()) {
    look.stores.push_back(look_into_one(*store, database, server, look, context));
  }
  return look;
}

}  // namespace pgstow
