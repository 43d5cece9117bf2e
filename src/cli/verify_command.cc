// pgstow verify
#include "backup/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "backup/selection.h"
#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/several.h"

namespace pgstow::cli {
namespace {

struct Outcome {
  std::string key;
  std::string store;
  std::string problem;  // empty when sound
  std::string summary;
  int exit_code = 0;
};

std::string summary(const Backup& backup, const Verified& found) {
  std::uint64_t rows = 0;
  for (const auto& [id, proof] : found.proof.tables) rows += proof.rows;
  return fmt::format("{} stored, {} raw, {} tables, {} rows{}", human_bytes(found.stored.bytes),
                     human_bytes(found.raw.bytes), found.proof.tables.size(), human_count(rows),
                     backup.manifest ? ", equal to its manifest" : "; no manifest, so no proof");
}

Outcome verify_one(const Session& session, const Backup& backup) {
  try {
    const Verified found =
        run_verify(backup.store(), backup, session.config.jobs, session.context, session.progress);
    const bool whole = found.globals_problem.empty();
    return {.key = backup.key,
            .store = backup.store().name(),
            .problem = whole ? "" : "its globals: " + found.globals_problem,
            .summary = summary(backup, found),
            .exit_code = static_cast<int>(whole ? Exit::kOk : Exit::kDamaged)};
  } catch (const Cancelled&) {
    throw;
  } catch (const Error& e) {  // the others are still looked at
    return {.key = backup.key,
            .store = backup.store().name(),
            .problem = e.what(),
            .summary = {},
            .exit_code = e.exit_code()};
  }
}

boost::json::object json_of(const std::vector<Outcome>& outcomes) {
  boost::json::array array;
  for (const Outcome& o : outcomes) {
    array.push_back(
        {{"name", o.key}, {"store", o.store}, {"good", o.problem.empty()}, {"problem", o.problem}});
  }
  return {{"schema", "pgstow.verify/1"}, {"backups", array}};
}

std::string text_of(const std::vector<Outcome>& outcomes, const std::vector<std::string>& orphans) {
  std::string text;
  for (const Outcome& o : outcomes) {
    const std::string name = printable(o.store == "local" ? o.key : o.key + " in " + o.store);
    text +=
        o.problem.empty()
            ? fmt::format("good     {}  {}\n", name, o.summary)
            : fmt::format("{:<7}  {}  {}\n",
                          o.exit_code == static_cast<int>(Exit::kDamaged) ? "DAMAGED" : "FAILED",
                          name, printable(o.problem));
  }
  for (const std::string& key : orphans) {
    text += fmt::format("orphan   {}  its archive is gone\n", printable(key));
  }
  return text;
}

bool unreadable(const Store& store, const Listing& listing) {
  return std::ranges::find(listing.failures, store.name(), &StoreFailure::store) !=
         listing.failures.end();
}

Answer verify_answer(const Session& session) {
  const Stores stores = make_stores(session.config.stores, session.context);
  const std::vector<Store*> chosen = chosen_stores(session, stores);
  const Listing listing = list_backups(chosen, session.context);
  refuse_unread(listing);
  std::vector<Outcome> outcomes;
  std::vector<std::string> orphans;
  if (session.arguments.all) {
    if (listing.backups.empty()) {
      throw NotFound("No backups found", "make one with `pgstow backup`");
    }
    for (Store* store : chosen) {
      if (unreadable(*store, listing)) continue;
      for (const Backup& backup : list_backups(*store))
        outcomes.push_back(verify_one(session, backup));
      for (const std::string& key : orphaned_manifests(*store))
        orphans.push_back(store->location(key));
    }
  } else {
    const std::string choice = session.arguments.choice;
    // The newest there is, damaged or not: verification is the one command that must not look away.
    const Backup& backup = (choice.empty() || choice == "latest") && !listing.backups.empty()
                               ? listing.backups.front()
                               : select_backup(listing.backups, choice);
    outcomes.push_back(verify_one(session, backup));
  }
  int code = static_cast<int>(exit_of(session, listing.failures));
  if (!orphans.empty()) code = static_cast<int>(Exit::kWarnings);
  for (const Outcome& o : outcomes) {
    if (o.problem.empty() || code == static_cast<int>(Exit::kDamaged)) continue;
    code = o.exit_code;  // damage is the worst that can be said
  }
  return {.text = text_of(outcomes, orphans), .json = json_of(outcomes), .exit_code = code};
}

}  // namespace

// A number or a name means another backup in each database.
int verify_command(const Session& session) {
  const std::string& choice = session.arguments.choice;
  if (is_about_several(session) && !choice.empty() && choice != "latest") {
    throw ConfigError("of which database? Several are configured (BACKUP_DATABASES)",
                      "name it with --database");
  }
  return answer(session, verify_answer);
}

}  // namespace pgstow::cli
