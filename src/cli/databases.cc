#include "cli/databases.h"

#include <fmt/format.h>

#include <utility>

#include "backup/config_databases.h"
#include "backup/config_state.h"
#include "backup/sync.h"
#include "base/error.h"
#include "base/text.h"
#include "cli/commands.h"
#include "store/lock.h"

namespace pgstow::cli {

Databases::One& Databases::one(const std::string& database) {
  const auto known = ones_.find(database);
  if (known != ones_.end()) return known->second;
  Config config = config_of_database(config_, database);
  Stores stores = make_stores(config.stores, context_);
  return ones_.emplace(database, One{.config = std::move(config), .stores = std::move(stores)})
      .first->second;
}

StoredDatabases Databases::stored() {
  const Stores stores = make_stores(config_.stores, context_);
  StoredDatabases stored = stored_databases(stores, context_);
  stored.names = config_.databases->choose(stored.names);
  return stored;
}

Databases::Known Databases::known() {
  try {
    return {.names = databases_to_back_up(config_, context_), .all = true};
  } catch (const Cancelled&) {
    throw;
  } catch (const Error& e) {
    context_.log.debug("the server can't be asked for its databases", {{"cause", e.what()}});
    return {.names = stored().names, .all = false};
  }
}

std::vector<DatabaseDone> Databases::run(const std::optional<Time>& covering_from,
                                         const Context& context, Progress& progress) {
  const std::vector<std::string> names = databases_to_back_up(config_, context);
  context.log.info("Starting backups of several databases...",
                   {{"databases", std::to_string(names.size())}});
  const auto make = [&](const std::string& database, const Context& c) {
    One& one = this->one(database);
    Job job = cli::job(one.config);
    job.backup.covering_from = covering_from;
    return run_job(job, one.stores, c, progress);
  };
  return run_jobs(names, make, context);
}

Look Databases::look(const std::string& server) {
  std::vector<DatabaseLook> looks;
  const Known known = this->known();
  looks.reserve(known.names.size());
  for (const std::string& database : known.names) {
    looks.push_back({database, look_into(one(database).stores, database, server, context_)});
  }
  Look look = look_at_several(looks);
  look.all_databases = known.all;
  return look;
}

std::vector<StoreFailure> Databases::deliver(const Context& context, Progress& progress) {
  StoredDatabases stored = this->stored();
  std::vector<StoreFailure> all = std::move(stored.failures);
  for (const std::string& database : stored.names) {
    for (StoreFailure& failure :
         deliver_missed(one(database).stores.delivering(), context, progress)) {
      failure.store = fmt::format("{} in {}", printable(database), failure.store);
      all.push_back(std::move(failure));
    }
  }
  return all;
}

std::optional<std::string> Databases::running() {
  for (const std::string& database : known().names) {
    const std::filesystem::path folder = first_local_folder(one(database).config);
    if (folder.empty()) continue;
    if (auto holder = holder_of_lock(folder, database)) return holder;
  }
  return std::nullopt;
}

}  // namespace pgstow::cli
