#include "backup/config_databases.h"

#include <set>

#include "backup/database_folder.h"
#include "backup/delivery.h"
#include "base/error.h"
#include "pg/database_list.h"

namespace pgstow {
namespace {

pg::Connection open_somewhere(const pg::Access& access, const std::string& maintenance,
                              const Context& context) {
  pg::Parameters server = access.server();
  server["dbname"] = maintenance;
  try {
    return pg::Connection::open(server, context.stop);
  } catch (const Cancelled&) {
    throw;
  } catch (const Error&) {
    if (pg::database_name(access.server()) == maintenance) throw;
    return pg::Connection::open(access.server(), context.stop);
  }
}

// In one that can't be read there may be backups: whoever wants them is told why not.
bool is_empty(const Place& place, const std::string& folder) {
  try {
    return LocalStore(place.local->folder() / folder, place.local->name()).list().empty();
  } catch (const Cancelled&) {
    throw;
  } catch (const Error&) {
    return false;
  }
}

// Others may have folders there, too (lost+found): in one of a database something lies.
std::vector<std::string> folders_of(const Place& place) {
  if (place.s3 != nullptr) return place.s3->folders();
  std::vector<std::string> folders = place.local->folders();
  std::erase_if(folders, [&](const std::string& folder) {
    return !database_of_folder(folder) || is_empty(place, folder);
  });
  return folders;
}

}  // namespace

Config config_of_database(const Config& config, const std::string& database) {
  Config one = config;
  one.databases.reset();
  one.place.server["dbname"] = database;
  one.target.parameters["dbname"] = database;
  const std::string folder = folder_of_database(database);
  for (StoreSettings& store : one.stores) {
    if (store.s3) {
      store.s3->settings.prefix += folder + "/";
    } else {
      store.folder /= folder;
      store.below = true;
    }
  }
  return one;
}

std::vector<std::string> databases_to_back_up(const Config& config, const Context& context) {
  const pg::Access access = pg::Access::open(config.place, context);
  pg::Connection session = open_somewhere(access, config.maintenance_db, context);
  std::vector<std::string> chosen = config.databases->choose(pg::databases_to_back_up(session));
  if (chosen.empty()) {
    throw NotFound("BACKUP_DATABASES fits none of the server's databases", "`psql -l` shows them");
  }
  return chosen;
}

StoredDatabases stored_databases(const Stores& stores, const Context& context) {
  std::set<std::string> names;
  StoredDatabases stored;
  for (const Place& place : stores.places()) {
    try {
      for (const std::string& folder : folders_of(place)) {
        if (auto database = database_of_folder(folder)) names.insert(*std::move(database));
      }
    } catch (const Cancelled&) {
      throw;
    } catch (const Error& e) {
      stored.failures.push_back(note_failure(*place.store, e, context));
    }
  }
  stored.names.assign(names.begin(), names.end());
  return stored;
}

}  // namespace pgstow
