#include "backup/prune.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <map>
#include <set>
#include <utility>

#include "backup/delivery.h"
#include "backup/removal.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/text.h"

namespace pgstow {
namespace {

constexpr std::size_t kPredecessors = 7;

std::string doubt_about(const Backup& backup) {
  if (backup.unreadable) return "its manifest can't be read";
  return backup.verification_unknown ? "its verification can't be read" : "";
}

RetentionCandidate candidate(const Backup& backup) {
  using Worth = RetentionCandidate::Worth;
  const std::string state = backup.state();
  return {.key = backup.key,
          .time = backup.time,
          .worth = state == "damaged"    ? Worth::kDamaged
                   : state == "no proof" ? Worth::kNoProof
                                         : Worth::kProven,
          .pinned = backup.pinned,
          .doubt = doubt_about(backup)};
}

constexpr std::size_t kMostMissed = 7;

using Group = std::vector<const Backup*>;  // of one database of one server, newest first

// By server and database: two servers may well have databases of the same name. Backups without a
// manifest do not tell theirs: where there is only one database, they are taken to be of it.
std::map<std::pair<std::string, std::string>, Group> by_origin(const std::vector<Backup>& backups) {
  std::map<std::pair<std::string, std::string>, Group> groups;
  Group unknown;
  for (const Backup& backup : backups) {
    if (!backup.is_ours()) continue;
    if (backup.manifest) {
      groups[{backup.manifest->system_identifier, backup.database()}].push_back(&backup);
    } else {
      unknown.push_back(&backup);
    }
  }
  if (unknown.empty()) return groups;
  Group& home = groups.size() == 1 ? groups.begin()->second : groups[{}];
  home.insert(home.end(), unknown.begin(), unknown.end());
  std::ranges::stable_sort(home,
                           [](const Backup* a, const Backup* b) { return a->time > b->time; });
  return groups;
}

std::vector<Reasons> judge_group(const Group& group, const PruneJob& job, Time now) {
  std::vector<RetentionCandidate> candidates;
  for (const Backup* backup : group) candidates.push_back(candidate(*backup));
  std::vector<Reasons> reasons = judge(candidates, now, job.rule, job.zone);
  std::size_t missed = 0;
  for (std::size_t i = 0; i < group.size(); ++i) {
    if (group[i]->missed && missed++ < kMostMissed) {
      reasons[i].emplace_back("not everywhere: a store does not have it yet");
    }
  }
  return reasons;
}

// What retention says of the backups of one database of one server.
struct Judged {
  Group group;
  std::vector<Reasons> reasons;

  bool any_to_go() const {
    return std::ranges::any_of(reasons, [](const Reasons& r) { return r.empty(); });
  }
};

std::vector<Judged> judge_all(const std::vector<Backup>& backups, const PruneJob& job, Time now) {
  std::vector<Judged> all;
  for (const auto& [origin, group] : by_origin(backups)) {
    const auto& [server, database] = origin;
    if (!job.database.empty() && database != job.database) continue;
    if (!job.server.empty() && server != job.server) continue;
    all.push_back({group, judge_group(group, job, now)});
  }
  return all;
}

using Failures = std::vector<NotRemoved>;  // of one store

void finish_begun(Store& store, Failures& failures, const Context& context) {
  const Finished finished = finish_removals(store);
  failures = finished.failures;
  if (finished.removals > 0) {
    context.log.info("ended removals that a dead run began",
                     {{"store", store.name()}, {"backups", std::to_string(finished.removals)}});
  }
}

// Asked only where something is to go: in a versioned bucket, the question leaves a marker.
bool removable(Store& store, bool any_to_go, Pruned& pruned, Failures& failures,
               const Context& context) {
  try {
    finish_begun(store, failures, context);
    if (any_to_go) check_removable(store);
    return true;
  } catch (const NotAllowed& e) {
    pruned.not_removable.push_back(store.name());
    context.log.info(
        "may not remove anything: retention is left to the store's own lifecycle rules",
        {{"store", store.name()}, {"cause", e.what()}});
    return false;
  }
}

// Whether it has been removed, or would be.
bool remove_one(PruneStep& step, const PruneJob& job, const Context& context) {
  if (job.dry_run) return true;
  if (remove_backup(*step.store, step.backup.key) == Removal::kPinned) {
    step.reasons = {"pinned"};
    return false;
  }
  context.log.debug("removed", {{"backup", step.store->location(step.backup.key)}});
  return true;
}

// One that can't be removed does not keep it from the others. A store that gives no answer does:
// each question would take its minutes.
void remove_step(PruneStep& step, const PruneJob& job, Pruned& pruned, Failures& failures,
                 const Context& context) {
  check_stop(context.stop);
  try {
    step.removed = remove_one(step, job, context);
    if (step.removed) ++pruned.removed;
  } catch (const Cancelled&) {
    throw;
  } catch (const Transient&) {
    throw;
  } catch (const Error& e) {
    failures.push_back({step.backup.key, e.what(), e.hint()});
  }
}

StoreFailure note_not_removed(const Store& store, const Failures& failures,
                              const Context& context) {
  const NotRemoved& first = failures.front();
  Facts facts{{"store", store.name()},
              {"backups", std::to_string(failures.size())},
              {"one", first.key},
              {"cause", first.problem}};
  if (!first.hint.empty()) facts.emplace_back("hint", first.hint);
  context.log.error("backups could not be removed", facts);
  const std::string others =
      failures.size() == 1 ? "" : fmt::format(" (and {} more)", failures.size() - 1);
  return {.store = store.name(),
          .problem = fmt::format("{} could not be removed{}: {}", printable(first.key), others,
                                 first.problem),
          .hint = first.hint};
}

// Oldest first: whenever it is cut short, the newer ones are still there.
void prune_group(Store& store, const Judged& judged, const PruneJob& job, Pruned& pruned,
                 Failures& failures, const Context& context) {
  const auto& [group, reasons] = judged;
  const std::size_t first = pruned.steps.size();
  for (std::size_t i = 0; i < group.size(); ++i) {
    pruned.steps.push_back({.store = &store, .backup = *group[i], .reasons = reasons[i]});
  }
  if (!judged.any_to_go()) return;
  if (const auto newest = shrunken(group, context.clock.now()); newest && !job.force) {
    pruned.suspicions.push_back(fmt::format("{} in {}: {}", printable(group.front()->database()),
                                            store.name(), newest->how));
    context.log.warning("nothing is removed: the newest backup is far smaller than those before it",
                        {{"store", store.name()},
                         {"backup", newest->key},
                         {"cause", newest->how},
                         {"hint", "if that is as it should be: `pgstow prune --force`"}});
    return;
  }
  for (std::size_t i = pruned.steps.size(); i-- > first;) {
    if (!pruned.steps[i].reasons.empty()) continue;
    remove_step(pruned.steps[i], job, pruned, failures, context);
  }
}

// They would stay for ever, and take their space.
void warn_of_doubts(const Store& store, const std::vector<Backup>& backups,
                    const Context& context) {
  const auto doubtful = [](const Backup& backup) { return !doubt_about(backup).empty(); };
  const auto count = std::ranges::count_if(backups, doubtful);
  if (count == 0) return;
  const Backup& first = *std::ranges::find_if(backups, doubtful);
  context.log.warning("backups stay, since nobody knows whether they are good",
                      {{"store", store.name()},
                       {"backups", std::to_string(count)},
                       {"one", first.key},
                       {"cause", doubt_about(first)},
                       {"hint", "give that file to the user pgstow runs as, or `pgstow verify`"}});
}

void prune_store(Store& store, const PruneJob& job, Pruned& pruned, const Context& context) {
  const std::vector<Backup> backups = list_backups(store);
  warn_of_doubts(store, backups, context);
  const std::vector<Judged> all = judge_all(backups, job, context.clock.now());
  const bool any = std::ranges::any_of(all, &Judged::any_to_go);
  Failures failures;
  if (!job.dry_run && !removable(store, any, pruned, failures, context)) return;
  for (const Judged& judged : all) prune_group(store, judged, job, pruned, failures, context);
  if (!failures.empty()) pruned.failures.push_back(note_not_removed(store, failures, context));
}

// The archives stay there, and are paid for, until somebody removes their old versions.
void say_hidden(const Place& place, const Context& context) {
  if (place.s3 == nullptr || !place.s3->hides_removed()) return;
  context.log.info(
      "the bucket is versioned: what is removed is hidden, and takes space until a lifecycle rule "
      "(NoncurrentVersionExpiration) ends it",
      {{"store", place.store->name()}});
}

bool is_meant(const Store& store, const PruneJob& job) {
  return job.stores.empty() || std::ranges::find(job.stores, &store) != job.stores.end();
}

// False where nothing may be removed.
bool removed(Store& store, const std::string& key) {
  try {
    store.remove(key);
    return true;
  } catch (const NotAllowed&) {
    return false;
  }
}

void set_pin_in(Store& store, const std::string& key, bool pinned, Time now) {
  if (!pinned && removed(store, key)) return;  // if not, the pin says that it is off
  const boost::json::object pin{
      {"schema", "pgstow.pin/1"}, {"time", rfc3339(now)}, {"pinned", pinned}};
  write_object(store, key, pretty(pin) + "\n", Existing::kReplace);
}

std::string percent(std::uint64_t part, std::uint64_t whole) {
  return fmt::format("{} %", whole == 0 ? 0 : part * 100 / whole);
}

}  // namespace

std::optional<Shrunken> shrunken(const std::vector<const Backup*>& backups, Time now) {
  const Backup* newest = nullptr;
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
  std::size_t seen = 0;
  for (const Backup* backup : backups) {
    if (!backup->manifest || backup->state() == "damaged") continue;
    if (is_of_future(backup->time, now)) continue;
    if (newest == nullptr) {
      newest = backup;
    } else if (seen++ < kPredecessors) {
      rows = std::max(rows, backup->manifest->rows());
      bytes = std::max(bytes, backup->manifest->raw.bytes);
    }
  }
  if (newest == nullptr) return std::nullopt;
  const Manifest& manifest = *newest->manifest;
  const auto shrunk_to = [&](const std::string& has, std::uint64_t part, std::uint64_t whole) {
    return Shrunken{.key = newest->key,
                    .how = fmt::format("{}, {} of what one of the last {} had", has,
                                       percent(part, whole), std::min(seen, kPredecessors))};
  };
  if (manifest.rows() < rows / 2) {
    return shrunk_to(fmt::format("{} rows", manifest.rows()), manifest.rows(), rows);
  }
  if (manifest.raw.bytes < bytes / 2) {
    return shrunk_to(human_bytes(manifest.raw.bytes), manifest.raw.bytes, bytes);
  }
  return std::nullopt;
}

Pruned run_prune(const PruneJob& job, const Stores& stores, const Context& context) {
  Pruned pruned;
  for (const Place& place : stores.places()) {
    Store* store = place.store.get();
    if (!place.delivers || !is_meant(*store, job)) continue;
    const int removed_before = pruned.removed;
    try {
      prune_store(*store, job, pruned, context);
      if (pruned.removed > removed_before) say_hidden(place, context);
    } catch (const Cancelled&) {
      throw;
    } catch (const Error& e) {
      pruned.failures.push_back(note_failure(*store, e, context));
    }
  }
  if (pruned.removed > 0 && !job.dry_run) {
    context.log.info(fmt::format("Rotated backups: deleted {} old backup(s)", pruned.removed));
  }
  return pruned;
}

std::vector<Reasons> reasons_of(const std::vector<Backup>& backups, const PruneJob& job, Time now) {
  std::vector<Reasons> all(backups.size(), Reasons{"foreign: not made by pgstow"});
  for (const auto& [origin, group] : by_origin(backups)) {
    std::vector<Reasons> reasons = judge_group(group, job, now);
    for (std::size_t i = 0; i < group.size(); ++i) {
      all[static_cast<std::size_t>(group[i] - backups.data())] = std::move(reasons[i]);
    }
  }
  return all;
}

void set_pin(const Backup& backup, bool pinned, const Context& context) {
  std::vector<std::string> failures;
  for (const Copy& copy : backup.copies) {
    try {
      set_pin_in(*copy.store, pin_key(backup.key), pinned, context.clock.now());
    } catch (const Cancelled&) {
      throw;
    } catch (const Error& e) {
      failures.push_back(fmt::format("{}: {}", copy.store->name(), e.what()));
    }
  }
  if (failures.empty()) return;
  throw Error(fmt::format("{} could not be {} everywhere: {}", printable(backup.key),
                          pinned ? "pinned" : "unpinned", join(failures, "; ")),
              "say it again when these stores can be written");
}

}  // namespace pgstow
