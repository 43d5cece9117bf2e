// pgstow verify
#include "backup/verify.h"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/commands.h"
#include "store/local.h"

namespace pgstow::cli {
namespace {

struct Outcome {
  std::string key;
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

Outcome verify_one(const Session& session, LocalStore& store, const Backup& backup) {
  try {
    const Verified found =
        run_verify(store, backup, session.config.jobs, session.context, session.progress);
    return {.key = backup.key, .problem = {}, .summary = summary(backup, found), .exit_code = 0};
  } catch (const Cancelled&) {
    throw;
  } catch (const Error& e) {  // the others are still looked at
    return {.key = backup.key, .problem = e.what(), .summary = {}, .exit_code = e.exit_code()};
  }
}

void show(const std::vector<Outcome>& outcomes, const std::vector<std::string>& orphans,
          bool as_json) {
  if (as_json) {
    boost::json::array array;
    for (const Outcome& o : outcomes) {
      array.push_back({{"name", o.key}, {"good", o.problem.empty()}, {"problem", o.problem}});
    }
    print(pretty(boost::json::object{{"schema", "pgstow.verify/1"}, {"backups", array}}) + "\n");
    return;
  }
  for (const Outcome& o : outcomes) {
    print(o.problem.empty()
              ? fmt::format("good     {}  {}\n", o.key, o.summary)
              : fmt::format("{:<7}  {}  {}\n",
                            o.exit_code == static_cast<int>(Exit::kDamaged) ? "DAMAGED" : "FAILED",
                            o.key, printable(o.problem)));
  }
  for (const std::string& key : orphans)
    print(fmt::format("orphan   {}  its archive is gone\n", key));
}

}  // namespace

int verify_command(const Session& session) {
  LocalStore store(session.config.local_path);
  const std::vector<Backup> backups = list_backups(store);
  std::vector<Outcome> outcomes;
  if (session.arguments.all) {
    if (backups.empty()) throw NotFound("No backups found", "make one with `pgstow backup`");
    for (const Backup& backup : backups) outcomes.push_back(verify_one(session, store, backup));
  } else {
    const std::string choice = session.arguments.choice;
    // The newest there is, damaged or not: verification is the one command that must not look away.
    const Backup& backup = (choice.empty() || choice == "latest") && !backups.empty()
                               ? backups.front()
                               : select_backup(backups, choice, "");
    outcomes.push_back(verify_one(session, store, backup));
  }
  const std::vector<std::string> orphans =
      session.arguments.all ? orphaned_manifests(store) : std::vector<std::string>{};
  show(outcomes, orphans, session.arguments.json);
  int code = static_cast<int>(orphans.empty() ? Exit::kOk : Exit::kWarnings);
  for (const Outcome& o : outcomes) {
    if (o.problem.empty() || code == static_cast<int>(Exit::kDamaged)) continue;
    code = o.exit_code;  // damage is the worst that can be said
  }
  return code;
}

}  // namespace pgstow::cli
