#include "backup/sync.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <memory>
#include <utility>

#include "backup/globals.h"
#include "backup/leftovers.h"
#include "backup/verify.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/text.h"
#include "stream/sha256.h"

namespace pgstow {
namespace {

constexpr std::size_t kReadBytes = 1 << 20;
constexpr unsigned kVerifyThreads = 1;  // for what should never be needed

// Throws Corrupt unless the bytes in the store are those of the manifest.
void check_archive(const Backup& backup, Store& store, const Context& context) {
  const std::unique_ptr<Source> object = store.open(backup.key);
  HashSource source(*object);
  std::vector<char> buffer(kReadBytes);
  while (source.read(buffer) > 0) check_stop(context.stop);
  if (source.digest() != backup.manifest->stored.sha256) {
    throw Corrupt(store.location(backup.key) + ": is not what the manifest of its other copy says");
  }
}

// The archive's bytes from one store to another; nothing is visible there unless they are what the
// manifest says.
void copy_archive(const Backup& backup, Store& from, Store& to, Existing existing,
                  const Context& context, Progress& progress) {
  const std::unique_ptr<Source> object = from.open(backup.key);
  HashSource source(*object);
  const std::unique_ptr<Sink> sink = to.create(backup.key, existing);
  std::vector<char> buffer(kReadBytes);
  ProgressState state{.phase = "copying to " + to.name()};
  while (const std::size_t n = source.read(buffer)) {
    check_stop(context.stop);
    sink->write({buffer.data(), n});
    state.bytes += n;
    state.fraction = static_cast<double>(state.bytes) / static_cast<double>(backup.bytes);
    progress.update(state);
  }
  if (source.bytes() != backup.bytes ||
      (backup.manifest && source.digest() != backup.manifest->stored.sha256)) {
    throw Corrupt(from.location(backup.key) + ": is not what its manifest says",
                  "`pgstow verify --from " + from.name() + " " + backup.key + "` says more");
  }
  sink->finish();
  progress.done();
}

void write_beside(Store& store, const std::string& key, std::string_view content) {
  try {
    write_object(store, key, content, Existing::kRefuse);
  } catch (const Exists&) {
    write_object(store, key, content, Existing::kRenew);
  }
}

// Nothing where they are not what they were: the backup is copied without them, too.
std::optional<std::string> globals_in(const Backup& backup, Store& from, const Context& context) {
  if (!backup.manifest || !backup.manifest->globals) return std::nullopt;
  try {
    return read_packed_globals(from, backup);
  } catch (const Transient&) {
    throw;
  } catch (const Cancelled&) {
    throw;
  } catch (const Error& e) {
    context.log.warning("these globals can't be copied", {{"cause", e.what()}});
    return std::nullopt;
  }
}

void copy_globals(const Backup& backup, Store& from, Store& to, const Context& context) {
  const std::optional<std::string> bytes = globals_in(backup, from, context);
  if (bytes) write_beside(to, globals_key(backup.key), *bytes);
}

// Not Corrupt, which is about the archive.
void bring_globals(const Backup& backup, Store& from, Store& to, const Context& context) {
  const std::optional<std::string> bytes = globals_in(backup, from, context);
  if (!bytes) throw Error(from.location(globals_key(backup.key)) + ": is not whole either");
  write_beside(to, globals_key(backup.key), *bytes);
}

// The manifest comes last, as when a backup is made, and only beside an archive that is kept as the
// store was told to: the run that brought it may have failed for that.
void copy_manifest(const Backup& backup, Store& from, Store& to) {
  if (!backup.manifest) return;
  const std::string key = manifest_key(backup.key);
  const std::string text = read_object(from, key);
  static_cast<void>(parse_manifest(text, from.location(key)));
  to.protect(backup.key);
  write_beside(to, key, text);
}

const Copy* copy_in(const Backup& backup, const Store& store) {
  const auto found = std::ranges::find(backup.copies, &store, &Copy::store);
  return found == backup.copies.end() ? nullptr : &*found;
}

// What the store lacks of this backup; nothing if it has it whole.
std::string lacks(const Backup& backup, const Store& store) {
  const Copy* copy = copy_in(backup, store);
  if (copy == nullptr) return "missing";
  if (copy->state == "damaged") return "damaged";
  if (copy->state == "no proof" && backup.manifest) return "without its manifest";
  const bool elsewhere = std::ranges::any_of(backup.copies, [](const Copy& other) {
    return other.state != "no proof" && !other.lacks_globals;
  });
  if (copy->lacks_globals && elsewhere) return "without its globals";
  return {};
}

// Another backup of that name lies there: this one can't.
bool is_taken(const Listing& listing, const Backup& backup, const Store& store) {
  return std::ranges::any_of(listing.backups, [&](const Backup& other) {
    return &other != &backup && other.key == backup.key && copy_in(other, store) != nullptr;
  });
}

std::string taken_text(const Backup& backup, const Store& to) {
  return to.location(backup.key) + ": another backup has this name there";
}

// A noted backup that is gone, or damaged where it lies: no other run could deliver it either.
std::string never_text(const Store& holder, const std::string& key) {
  return fmt::format("{}: the backup is no longer whole there, and can't be delivered",
                     holder.location(key));
}

std::vector<Store*> whole_copies(const Backup& backup, const std::vector<Store*>& sources) {
  std::vector<Copy> copies = backup.copies;
  std::ranges::stable_partition(copies, [](const Copy& copy) { return !copy.lacks_globals; });
  std::vector<Store*> stores;
  for (const Copy& copy : copies) {
    const bool whole = copy.state != "damaged" && copy.state != "unreadable" &&
                       (copy.state != "no proof" || !backup.manifest);
    if (whole && std::ranges::find(sources, copy.store) != sources.end()) {
      stores.push_back(copy.store);
    }
  }
  return stores;
}

// What an earlier verification said of the archive that was replaced no longer holds. The record is
// written over, not removed, which a store may not allow.
void forget_verification(const Backup& backup, Store& store, const Context& context) {
  record_verification(store, backup.key,
                      {.time = context.clock.now(),
                       .good = true,
                       .bytes = backup.bytes,
                       .sha256 = {},
                       .problem = {}});
}

bool has_bytes_of_manifest(const Backup& backup, Store& store, const Context& context) {
  try {
    check_archive(backup, store, context);
    return true;
  } catch (const Corrupt&) {
    return false;
  }
}

void bring(const Backup& backup, Store& from, Store& to, const std::string& why,
           const Context& context, Progress& progress) {
  if (why == "without its globals") {
    bring_globals(backup, from, to, context);
    forget_verification(backup, to, context);
  } else if (why == "missing") {
    copy_archive(backup, from, to, Existing::kRefuse, context, progress);
  } else if (why == "damaged" || !has_bytes_of_manifest(backup, to, context)) {
    copy_archive(backup, from, to, Existing::kRenew, context, progress);
    forget_verification(backup, to, context);
  }
  if (why != "without its globals") {
    copy_globals(backup, from, to, context);
    copy_manifest(backup, from, to);
  }
  context.log.info(
      "copied", {{"backup", backup.key}, {"from", from.name()}, {"to", to.location(backup.key)}});
}

// What a copy failed of may be the other store, or a source that was replaced meanwhile: only a
// verification notes that a backup is damaged, so that nobody takes it for whole again.
void look_for_damage(Store& source, const Backup& backup, const Context& context,
                     Progress& progress) {
  try {
    static_cast<void>(run_verify(source, backup, kVerifyThreads, context, progress));
  } catch (const Cancelled&) {
    throw;
  } catch (const Error& e) {
    context.log.warning("this copy is passed by", {{"cause", e.what()}});
  }
}

// From the nearest copy that turns out whole.
void run_step(SyncStep& step, const Backup& backup, const std::vector<Store*>& from, Store& to,
              const Context& context, Progress& progress) {
  for (Store* source : from) {
    step.from = source->name();
    try {
      bring(backup, *source, to, step.why, context, progress);
      step.problem.clear();
      return;
    } catch (const Cancelled&) {
      throw;
    } catch (const Error& e) {
      step.problem = e.what();
      context.log.error(
          "could not be copied",
          {{"backup", backup.key}, {"from", step.from}, {"to", to.name()}, {"cause", e.what()}});
      const bool damaged = dynamic_cast<const Corrupt*>(&e) != nullptr;
      if (damaged) look_for_damage(*source, backup, context, progress);
    }
  }
}

std::vector<Reasons> reasons_to_copy(const std::vector<Backup>& backups, const SyncJob& job,
                                     const Context& context) {
  if (!job.retention) return {backups.size(), Reasons{"asked for"}};
  return reasons_of(backups, *job.retention, context.clock.now());
}

// --- what earlier runs could not deliver ---------------------------------------------------------

// False where it could not be, as in a store where nothing may be removed.
bool removed(Store& store, const std::string& key) {
  try {
    store.remove(key);
    return true;
  } catch (const Error&) {
    return false;
  }
}

void write_missed(Store& store, const std::string& key, const std::vector<std::string>& names) {
  if (names.empty() && removed(store, key)) return;  // if not, an empty note says the same
  boost::json::array stores;
  for (const std::string& name : names) stores.emplace_back(name);
  write_object(
      store, key,
      pretty(boost::json::object{{"schema", "pgstow.missed/1"}, {"stores", stores}}) + "\n",
      Existing::kReplace);
}

std::vector<std::string> read_missed(Store& store, const std::string& key) {
  const boost::json::object o = parse_json_object(read_object(store, key), key);
  std::vector<std::string> names;
  const boost::json::value* stores = o.if_contains("stores");
  if (stores == nullptr || !stores->is_array()) throw Corrupt(key + ": stores: no list");
  for (const boost::json::value& name : stores->get_array()) {
    if (!name.is_string()) throw Corrupt(key + ": stores: not all are names");
    names.emplace_back(name.get_string());
  }
  return names;
}

using Undelivered = std::vector<StoreFailure>;

// What could not be read just now may be whole: then the note of it has to stay.
void check_readable(const Store& holder, const std::string& key, const Listing& listing) {
  for (const StoreFailure& failure : listing.failures) {
    if (failure.store == holder.name()) throw Transient(failure.problem, failure.hint);
  }
  for (const Backup& backup : listing.backups) {
    const Copy* copy = copy_in(backup, holder);
    if (missed_key(backup.key) == key && copy != nullptr && copy->state == "unreadable") {
      throw Transient(holder.location(backup.key) + ": its manifest can't be read");
    }
  }
}

// Delivers one noted backup as far as possible, and notes what is still missing.
void deliver_one(Store& holder, const std::string& key, const Listing& listing,
                 const std::vector<Store*>& targets, Undelivered& undelivered,
                 const Context& context, Progress& progress) {
  check_readable(holder, key, listing);
  const auto backup = std::ranges::find_if(listing.backups, [&](const Backup& b) {
    const Copy* copy = copy_in(b, holder);
    return missed_key(b.key) == key && copy != nullptr && copy->state != "damaged";
  });
  const std::vector<std::string> missed = read_missed(holder, key);
  std::vector<std::string> still;
  for (const std::string& name : missed) {
    const auto to = std::ranges::find(targets, name, [](const Store* s) { return s->name(); });
    if (to == targets.end()) {
      still.push_back(name);
      continue;
    }
    const auto fail = [&](const std::string& problem) {
      undelivered.push_back({.store = name, .problem = problem, .hint = {}});
    };
    if (backup == listing.backups.end()) {
      fail(never_text(holder, key));
      context.log.warning(undelivered.back().problem);
      continue;
    }
    const std::string why = lacks(*backup, **to);
    if (why.empty()) continue;
    if (is_taken(listing, *backup, **to)) {
      fail(taken_text(*backup, **to));
      context.log.warning("a backup can't be delivered and stays where it is",
                          {{"backup", backup->key}, {"cause", undelivered.back().problem}});
      continue;
    }
    SyncStep step{.key = backup->key, .from = holder.name(), .to = name, .why = why};
    run_step(step, *backup, {&holder}, **to, context, progress);
    if (step.problem.empty()) continue;
    fail(step.problem);
    still.push_back(name);
  }
  if (still != missed) write_missed(holder, key, still);
}

void not_delivered(const Store& holder, const Error& e, Undelivered& undelivered,
                   const Context& context) {
  undelivered.push_back({.store = holder.name(), .problem = e.what(), .hint = e.hint()});
  context.log.warning("what earlier runs could not deliver is not delivered yet",
                      {{"store", holder.name()}, {"cause", e.what()}});
}

// One note that can't be used does not hold up the others.
void deliver_noted(Store& holder, const std::string& key, const Listing& listing,
                   const std::vector<Store*>& targets, Undelivered& undelivered,
                   const Context& context, Progress& progress) {
  try {
    deliver_one(holder, key, listing, targets, undelivered, context, progress);
  } catch (const Cancelled&) {
    throw;
  } catch (const Corrupt& e) {
    context.log.warning("an unusable note is dropped; `pgstow sync` looks at all backups",
                        {{"store", holder.name()}, {"cause", e.what()}});
    write_missed(holder, key, {});
  } catch (const Error& e) {
    not_delivered(holder, e, undelivered, context);
  }
}

}  // namespace

Synced run_sync(const SyncJob& job, const Stores& stores, const Context& context,
                Progress& progress) {
  if (!job.dry_run) clear_leftovers(stores.delivering(), IfNotCleared::kSayNothing, context);
  Listing listing = list_backups(stores.all(), context);
  const std::vector<Store*> sources =
      job.from.empty() ? stores.all() : std::vector<Store*>{&stores.named(job.from)};
  const std::vector<Store*> targets =
      job.to.empty() ? stores.delivering() : std::vector<Store*>{&stores.named(job.to)};
  Synced synced{.steps = {}, .failures = std::move(listing.failures)};
  const auto reachable = [&](const Store& store) {
    return std::ranges::find(synced.failures, store.name(), &StoreFailure::store) ==
           synced.failures.end();
  };
  const std::vector<Reasons> kept = reasons_to_copy(listing.backups, job, context);
  for (std::size_t i = 0; i < listing.backups.size(); ++i) {
    const Backup& backup = listing.backups[i];
    if (kept[i].empty()) continue;
    if (!job.database.empty() && backup.database() != job.database) continue;
    for (Store* to : targets) {
      const std::string why = lacks(backup, *to);
      if (why.empty() || !reachable(*to)) continue;
      check_stop(context.stop);
      const std::vector<Store*> from = whole_copies(backup, sources);
      SyncStep step{.key = backup.key,
                    .from = from.empty() ? "" : from.front()->name(),
                    .to = to->name(),
                    .why = why,
                    .bytes = backup.bytes,
                    .problem = from.empty() ? "no whole copy to take it from" : ""};
      const bool taken = is_taken(listing, backup, *to);
      if (taken) step.problem = taken_text(backup, *to);
      if (!job.dry_run && !taken) run_step(step, backup, from, *to, context, progress);
      synced.steps.push_back(std::move(step));
    }
  }
  return synced;
}

void note_missed(const Backup& backup, const std::vector<StoreFailure>& failures,
                 const Context& context) {
  if (failures.empty()) return;
  std::vector<std::string> names;
  for (const StoreFailure& failure : failures) {
    if (std::ranges::find(names, failure.store) == names.end()) names.push_back(failure.store);
  }
  try {
    write_missed(backup.store(), missed_key(backup.key), names);
  } catch (const Cancelled&) {
    throw;
  } catch (const Error& e) {
    context.log.warning("could not be noted: `pgstow sync` will still find it",
                        {{"backup", backup.key}, {"cause", e.what()}});
  }
}

std::vector<StoreFailure> deliver_missed(const std::vector<Store*>& stores, const Context& context,
                                         Progress& progress) {
  Undelivered undelivered;
  for (Store* holder : stores) {
    try {
      const std::vector<std::string> notes = missed_notes(*holder);
      if (notes.empty()) continue;
      const Listing listing = list_backups(stores, context);
      for (const std::string& key : notes) {
        deliver_noted(*holder, key, listing, stores, undelivered, context, progress);
      }
    } catch (const Cancelled&) {
      throw;
    } catch (const Error& e) {
      not_delivered(*holder, e, undelivered, context);
    }
  }
  return undelivered;
}

}  // namespace pgstow
