// pgstow prune, pgstow keep
#include "backup/prune.h"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "backup/leftovers.h"
#include "backup/selection.h"
#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/several.h"

namespace pgstow::cli {
namespace {

std::string verdict(const PruneStep& step, bool dry_run) {
  if (!step.reasons.empty()) return "kept";
  if (!step.removed) return "left";
  return dry_run ? "would be removed" : "removed";
}

std::string text_of(const Pruned& pruned, const PruneJob& job, Time now) {
  std::vector<std::vector<std::string>> rows{{"backup", "age", "size", "store", "", "because"}};
  for (const PruneStep& step : pruned.steps) {
    rows.push_back({printable(step.backup.key),
                    step.backup.time > now ? "-" : human_duration(now - step.backup.time),
                    human_bytes(step.backup.bytes), step.store->name(), verdict(step, job.dry_run),
                    join(step.reasons, ", ")});
  }
  std::string text = layout(rows, {1, 2});
  if (pruned.steps.empty()) {
    text = job.database.empty() ? "No backups found\n"
                                : fmt::format(
                                      "No backups of {} found; --all judges those of all "
                                      "databases\n",
                                      printable(job.database));
  }
  for (const std::string& why : pruned.suspicions) {
    text += fmt::format("Nothing is removed of {} (--force does it all the same)\n", why);
  }
  for (const std::string& store : pruned.not_removable) {
    text +=
        fmt::format("{}: the rights do not include removing; its lifecycle rules do it\n", store);
  }
  return text;
}

boost::json::object json_of(const Pruned& pruned, bool dry_run) {
  boost::json::array array;
  for (const PruneStep& step : pruned.steps) {
    array.push_back({{"backup", step.backup.key},
                     {"store", step.store->name()},
                     {"time", rfc3339(step.backup.time)},
                     {"bytes", step.backup.bytes},
                     {"verdict", verdict(step, dry_run)},
                     {"kept_for", boost::json::value_from(step.reasons)}});
  }
  return {{"schema", "pgstow.prune/1"},
          {"removed", pruned.removed},
          {"suspicious", boost::json::value_from(pruned.suspicions)},
          {"not_removable", boost::json::value_from(pruned.not_removable)},
          {"backups", array}};
}

Answer prune_answer(const Session& session) {
  const Stores stores = make_stores(session.config.stores, session.context);
  PruneJob job = prune_job(session.config, session.arguments);
  if (!session.arguments.all) job.database = database_of(session);
  if (!job.dry_run) {
    clear_leftovers(stores.delivering(), IfNotCleared::kSayNothing, session.context);
  }
  const Pruned pruned = run_prune(job, stores, session.context);
  const bool clean = pruned.failures.empty() && pruned.suspicions.empty();
  return {.text = text_of(pruned, job, session.context.clock.now()),
          .json = json_of(pruned, job.dry_run),
          .exit_code = static_cast<int>(clean ? Exit::kOk : Exit::kWarnings)};
}

int keep(const Session& session) {
  const Stores stores = make_stores(session.config.stores, session.context);
  const Listing listing = list_backups(stores.all(), session.context);
  refuse_unread(listing);
  const Backup& backup = select_backup(listing.backups, session.arguments.choice);
  set_pin(backup, !session.arguments.off, session.context);
  print(
      fmt::format("{} {}\n", printable(backup.key),
                  session.arguments.off ? "is no longer pinned" : "is pinned: retention keeps it"));
  return static_cast<int>(exit_of(session, listing.failures));
}

}  // namespace

int prune_command(const Session& session) { return answer(session, prune_answer); }

int keep_command(const Session& session) { return for_one(session, keep); }

}  // namespace pgstow::cli
