#include "daemon/look.h"

#include <fmt/format.h>

#include <algorithm>

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

// Both have the stores in the same order. `first`: of those that have a backup somewhere.
void add_stores(Look& all, const Look& one, bool first) {
  if (all.stores.empty()) {
    all.stores = one.stores;
    return;
  }
  for (std::size_t i = 0; i < all.stores.size(); ++i) {
    StoreStanding& sum = all.stores[i];
    const StoreStanding& store = one.stores[i];
    if (sum.reachable) sum.problem = store.problem;
    sum.reachable = sum.reachable && store.reachable;
    sum.backups += store.backups;
    sum.bytes += store.bytes;
    if (first) {
      sum.newest = store.newest;
    } else if (one.newest) {
      sum.newest = sum.newest && store.newest ? std::optional(std::min(*sum.newest, *store.newest))
                                              : std::nullopt;
    }
    sum.looked = std::max(sum.looked, store.looked);
  }
}

void add_newest(Look& all, const GoodBackup& backup) {
  if (!all.newest) {
    all.newest = backup;
    return;
  }
  all.newest->time = std::min(all.newest->time, backup.time);
  all.newest->bytes += backup.bytes;
  all.newest->raw_bytes += backup.raw_bytes;
  all.newest->rows += backup.rows;
  all.newest->duration += backup.duration;
}

}  // namespace

Look look_at_several(const std::vector<DatabaseLook>& looks) {
  Look all;
  int with = 0;
  for (const auto& [database, look] : looks) {
    all.databases.push_back({.name = database, .last_good = look.newest});
    add_stores(all, look, look.newest && with == 0);
    all.complete = all.complete && look.complete;
    if (all.server.empty()) all.server = look.server;
    if (!look.newest) continue;
    add_newest(all, *look.newest);
    ++with;
  }
  if (all.newest) all.newest->key = fmt::format("{} databases", with);
  return all;
}

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
