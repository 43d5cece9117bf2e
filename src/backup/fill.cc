#include "backup/fill.h"

#include <algorithm>
#include <utility>

#include "backup/load.h"
#include "base/error.h"
#include "base/text.h"
#include "pg/analyze.h"
#include "pg/capacity.h"

namespace pgstow {
namespace {

LoadJob load_job(const Filling& filling, const std::string& name) {
  LoadJob job{.server = filling.maintenance.parameters_for_children(),
              .server_version = filling.maintenance.server_version(),
              .pg_restore = filling.pg_restore,
              .threads = filling.job.jobs,
              .sessions = pg::sessions_to_take(filling.maintenance, name, filling.job.jobs),
              .stall = filling.job.stall,
              .no_owner = filling.job.no_owner,
              .no_privileges = filling.job.no_privileges,
              .stop_at_error = filling.job.mode != RestoreMode::kInPlace,
              // Elsewhere a swap follows, whose commit writes out all that was written before.
              .durable = filling.job.mode == RestoreMode::kInPlace};
  job.server["dbname"] = name;
  if (job.sessions < filling.job.jobs) {
    filling.context.log.info(
        "the server has few connections left: fewer sessions than jobs",
        {{"sessions", std::to_string(job.sessions)}, {"jobs", std::to_string(filling.job.jobs)}});
  }
  return job;
}

pg::OpenSession opener(const LoadJob& job) {
  return [&job](std::stop_token stop) { return open_session(job, std::move(stop)); };
}

// Reads the restored rows back. Throws if a single table differs from the backup's proof.
pg::Comparison prove(const Filling& filling, const LoadJob& job) {
  ProgressState state{.phase = "proving"};
  state.tables_total = filling.verified.proof.tables.size();
  pg::CompareOptions options{.sessions = job.sessions};
  if (filling.backup.manifest) options.settings = filling.backup.manifest->settings;
  filling.context.log.info("comparing the rows with the backup's");
  pg::Comparison comparison =
      pg::compare(opener(job), filling.verified.archive, filling.verified.proof, options,
                  filling.context.stop, [&](const std::string& table) {
                    state.table = table;
                    filling.progress.update(state);
                    state.tables_done += 1;
                  });
  filling.progress.done();
  if (!comparison.differences.empty()) {
    throw Error("what was restored is not equal to the backup:\n  " +
                join(comparison.differences, "\n  "));
  }
  return comparison;
}

// So that the first queries find their way. Without it the database is as good, only slower at
// first: a failure is told, and no more.
void make_statistics(const Filling& filling, const LoadJob& job,
                     const std::vector<std::string>& schemas) {
  const bool in_archive =
      std::ranges::count(filling.verified.archive.toc, "STATISTICS DATA", &pg::TocEntry::desc) > 0;
  if (in_archive) return;
  filling.progress.update({.phase = "analyzing"});
  filling.context.log.info("analyzing");
  for (const std::string& problem :
       pg::analyze(opener(job), job.sessions, filling.context.stop, schemas)) {
    filling.context.log.warning("no statistics for a table", {{"cause", problem}});
  }
  filling.progress.done();
}

}  // namespace

pg::Comparison fill_database(const Filling& filling, Source& object, const std::string& name,
                             const std::vector<std::string>& schemas) {
  const LoadJob job = load_job(filling, name);
  filling.context.log.info("loading", {{"into", name}});
  try {
    load(job, object, filling.verified, filling.context, filling.progress);
  } catch (Corrupt& e) {
    e.within(filling.store.location(filling.backup.key));
    throw;
  }
  pg::Comparison comparison = prove(filling, job);
  filling.context.log.info("proven equal to the backup",
                           {{"tables", std::to_string(comparison.tables)},
                            {"rows", std::to_string(comparison.rows)},
                            {"compared", comparison.digests ? "rows and digests" : "row counts"}});
  filling.when_proven();
  make_statistics(filling, job, schemas);
  return comparison;
}

}  // namespace pgstow
