// pgstow sync
#include "backup/sync.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/several.h"

namespace pgstow::cli {
namespace {

std::string line(const SyncStep& step, bool dry_run) {
  const std::string_view word = !step.problem.empty() ? "FAILED" : dry_run ? "would" : "copied";
  return fmt::format("{:<7}  {}  {} -> {}  {}  ({}){}\n", word, printable(step.key),
                     step.from.empty() ? "nowhere" : step.from, step.to, human_bytes(step.bytes),
                     step.why, step.problem.empty() ? "" : ": " + printable(step.problem));
}

boost::json::object json_of(const Synced& synced) {
  boost::json::array array;
  for (const SyncStep& step : synced.steps) {
    array.push_back({{"backup", step.key},
                     {"from", step.from},
                     {"to", step.to},
                     {"why", step.why},
                     {"bytes", step.bytes},
                     {"problem", step.problem}});
  }
  return {{"schema", "pgstow.sync/1"}, {"steps", array}};
}

Answer sync_answer(const Session& session) {
  const Stores stores = make_stores(session.config.stores, session.context);
  if (stores.places().size() < 2) {
    throw ConfigError("there is only one store: nothing to bring up to date",
                      "BACKUP_STORES names several");
  }
  const SyncJob job{.from = session.arguments.from,
                    .to = session.arguments.to,
                    .dry_run = session.arguments.dry_run,
                    .retention = session.config.rotation
                                     ? std::optional(prune_job(session.config, session.arguments))
                                     : std::nullopt};
  const Synced synced = run_sync(job, stores, session.context, session.progress);
  std::string text;
  for (const SyncStep& step : synced.steps) text += line(step, job.dry_run);
  if (synced.steps.empty() && synced.failures.empty()) text = "Every store is up to date.\n";
  const bool failed =
      std::ranges::any_of(synced.steps, [](const SyncStep& step) { return !step.problem.empty(); });
  const Exit listing = exit_of(session, synced.failures);
  return {.text = text,
          .json = json_of(synced),
          .exit_code = static_cast<int>(failed ? Exit::kWarnings : listing)};
}

}  // namespace

int sync_command(const Session& session) { return answer(session, sync_answer); }

}  // namespace pgstow::cli
