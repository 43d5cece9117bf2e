#include "backup/jobs.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace pgstow {
namespace {

DatabaseDone failed(const std::string& database, const Error& e, const Context& context) {
  Facts facts{{"database", database}, {"cause", e.what()}};
  if (!e.hint().empty()) facts.emplace_back("hint", e.hint());
  context.log.error("the backup of a database failed; the others go on", facts);
  return {.database = database, .problem = e.what(), .hint = e.hint(), .exit_code = e.exit_code()};
}

void add_failures(std::vector<StoreFailure>& to, const std::string& database,
                  const std::vector<StoreFailure>& failures) {
  for (StoreFailure failure : failures) {
    failure.store = fmt::format("{} in {}", printable(database), failure.store);
    to.push_back(std::move(failure));
  }
}

void add_counts(JobDone& sum, const Pruned& pruned) {
  if (!sum.pruned) sum.pruned.emplace();
  sum.pruned->removed += pruned.removed;
  sum.pruned->suspicions.insert(sum.pruned->suspicions.end(), pruned.suspicions.begin(),
                                pruned.suspicions.end());
}

void add_pruned(JobDone& sum, const std::string& database, const Pruned& pruned) {
  add_counts(sum, pruned);
  add_failures(sum.pruned->failures, database, pruned.failures);
}

// The stores that have all of them; the moment is that of the oldest.
void add_backup(Backup& sum, const Backup& backup, bool first) {
  Manifest& all = *sum.manifest;
  const Manifest& one = *backup.manifest;
  if (first) {
    sum.time = backup.time;
    sum.copies = backup.copies;
    all.started = one.started;
    all.system_identifier = one.system_identifier;
  }
  sum.time = std::min(sum.time, backup.time);
  sum.bytes += backup.bytes;
  std::erase_if(sum.copies, [&](const Copy& copy) {
    return std::ranges::none_of(backup.copies, [&](const Copy& other) {
      return other.store->name() == copy.store->name();
    });
  });
  all.started = std::min(all.started, one.started);
  all.duration += one.duration;
  all.raw.bytes += one.raw.bytes;
  all.stored.bytes += one.stored.bytes;
  all.tables.insert(all.tables.end(), one.tables.begin(), one.tables.end());
  for (const std::string& warning : one.warnings) {
    all.warnings.push_back(printable(one.database) + ": " + warning);
  }
}

void add(JobDone& sum, const DatabaseDone& one, bool first) {
  const Made& made = one.done->made;
  add_backup(sum.made.backup, made.backup, first);
  add_failures(sum.made.failures, one.database, made.failures);
  add_failures(sum.made.undelivered, one.database, made.undelivered);
  sum.made.by_another = sum.made.by_another && made.by_another;
  if (one.done->pruned) add_pruned(sum, one.database, *one.done->pruned);
}

JobDone sum_of_good(const std::vector<DatabaseDone>& all, const std::string& name) {
  JobDone sum;
  sum.made.by_another = true;
  sum.made.backup.manifest.emplace().database = name;
  int good = 0;
  for (const DatabaseDone& one : all) {
    if (one.done) add(sum, one, good++ == 0);
  }
  sum.made.backup.key = fmt::format("{} databases", good);
  return sum;
}

[[noreturn]] void throw_failures(const std::vector<DatabaseDone>& all, const std::string& name) {
  std::vector<std::string> lines;
  std::string hint;
  int locked = 0;
  for (const DatabaseDone& one : all) {
    if (one.done) continue;
    lines.push_back(fmt::format("{}: {}", printable(one.database), one.problem));
    if (hint.empty()) hint = one.hint;
    if (one.exit_code == static_cast<int>(Exit::kLocked)) ++locked;
  }
  const std::string text = fmt::format("{} of {} databases failed:\n  {}", lines.size(), all.size(),
                                       join(lines, "\n  "));
  const bool only_locked = std::cmp_equal(locked, lines.size());
  if (lines.size() < all.size()) throw SomeFailed(text, hint, sum_of_good(all, name), only_locked);
  if (only_locked) throw Locked(text, hint);
  throw Error(text, hint);
}

}  // namespace

std::vector<DatabaseDone> run_jobs(const std::vector<std::string>& databases, const MakeOne& make,
                                   const Context& context) {
  std::vector<DatabaseDone> all;
  for (const std::string& database : databases) {
    try {
      all.push_back({.database = database, .done = make(database, context)});
    } catch (const Cancelled&) {
      throw;
    } catch (const Error& e) {
      all.push_back(failed(database, e, context));
    } catch (const std::exception& e) {
      all.push_back(failed(database, Error(e.what()), context));
    }
  }
  return all;
}

void add_earlier_try(JobDone& done, const JobDone& earlier) {
  done.made.by_another = done.made.by_another && earlier.made.by_another;
  if (!earlier.pruned) return;
  add_counts(done, *earlier.pruned);
  done.pruned->failures.insert(done.pruned->failures.end(), earlier.pruned->failures.begin(),
                               earlier.pruned->failures.end());
}

JobDone sum_of(const std::vector<DatabaseDone>& all, const std::string& name) {
  if (!std::ranges::all_of(all, [](const DatabaseDone& one) { return one.done.has_value(); })) {
    throw_failures(all, name);
  }
  return sum_of_good(all, name);
}

}  // namespace pgstow
