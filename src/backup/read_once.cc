#include "backup/read_once.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "backup/nearest_copy.h"
#include "backup/verify.h"
#include "base/error.h"

namespace pgstow {
namespace {

// Lent for the run.
struct Run {
  const Backup& backup;
  unsigned jobs;
  const Context& context;
  Progress& progress;
  const std::function<Restored(const SoundCopy&)>& restore;
};

// Keeps what the store failed of, which may reach the caller as another's failure.
class WatchedSource final : public Source {
 public:
  WatchedSource(std::unique_ptr<Source> object, std::exception_ptr& failure)
      : object_(std::move(object)), failure_(failure) {}

  std::size_t read(std::span<char> into) override {
    try {
      return object_->read(into);
    } catch (const Error&) {
      failure_ = std::current_exception();
      throw;
    }
  }

 private:
  const std::unique_ptr<Source> object_;
  std::exception_ptr& failure_;
};

// One copy, and what has come of it so far.
struct Reading {
  SoundCopy copy = {};
  bool in_doubt = false;  // the bytes, from their opening until the rows are proven
  std::exception_ptr store_failure = {};
};

std::unique_ptr<Source> open_watched(Reading& reading, const std::string& key) {
  reading.in_doubt = reading.copy.verified.unread;
  try {
    return std::make_unique<WatchedSource>(reading.copy.store->open(key), reading.store_failure);
  } catch (const Error&) {
    reading.store_failure = std::current_exception();
    throw;
  }
}

// A note that fails must not fail the restore.
void note_sound(const Run& run, const SoundCopy& copy) {
  const std::string where = copy.store->location(run.backup.key);
  run.context.log.info("the stored bytes are as they were written", {{"backup", where}});
  try {
    record_sound(*copy.store, run.backup, copy.verified.stored.sha256, run.context);
  } catch (const Error& e) {
    run.context.log.warning("that the backup is sound could not be noted",
                            {{"backup", where}, {"cause", e.what()}});
  }
}

bool is_noted_as_damaged(const Backup& backup, const Store& store) {
  return std::ranges::any_of(backup.copies, [&](const Copy& copy) {
    return copy.store == &store && copy.state == "damaged";
  });
}

// Makes the reading's copy one of which is known what it holds, or has to.
void begin(Reading& reading, const Run& run, Store& store) {
  SoundCopy& copy = reading.copy;
  copy.store = &store;
  copy.open = [&reading, key = run.backup.key] { return open_watched(reading, key); };
  std::optional<Verified> said;
  if (!is_noted_as_damaged(run.backup, store)) said = promised(store, run.backup, run.context);
  if (!said) {
    copy.verified = run_verify(store, run.backup, run.jobs, run.context, run.progress);
    return tell_of_sound(store, run.backup, run.context);
  }
  copy.verified = *std::move(said);
  copy.when_proven = [&reading, &run] {
    reading.in_doubt = false;
    note_sound(run, reading.copy);
  };
  run.context.log.info("the stored bytes are checked as they are loaded",
                       {{"backup", store.location(run.backup.key)}});
}

// Damage may be what a restore failed of, whoever met it first: only the whole tells. Throws if it
// is the copy that can't be used.
void look_for_damage(const Run& run, Store& store, const Error& failure) {
  run.context.log.warning("loading failed: are the stored bytes to blame?",
                          {{"backup", store.location(run.backup.key)}, {"cause", failure.what()}});
  const bool met_damage = dynamic_cast<const Corrupt*>(&failure) != nullptr;
  try {
    run_verify(store, run.backup, run.jobs, run.context, run.progress);
    tell_of_sound(store, run.backup, run.context);
  } catch (const Cancelled&) {
    throw;
  } catch (const Corrupt&) {
    throw;
  } catch (const Error& e) {
    run.context.log.warning("the stored bytes could not be checked", {{"cause", e.what()}});
    if (met_damage) throw;
    return;
  }
  if (!met_damage) return;
  throw Error(fmt::format("{}; read again it is sound", failure.what()),
              "start the restore again; unless the copy was repaired meanwhile, this host's memory "
              "or its way to the store can't be trusted");
}

// What became of a copy: a restored database, or a failure that another copy would not mend.
struct Attempt {
  std::optional<Restored> restored = {};
  std::exception_ptr failure = {};
};

// Throws if it is the copy that can't be used.
Attempt attempt(const Run& run, Store& store) {
  Reading reading;
  begin(reading, run, store);
  try {
    return {.restored = run.restore(reading.copy)};
  } catch (const Cancelled&) {
    throw;
  } catch (const Error& e) {
    if (reading.store_failure) std::rethrow_exception(reading.store_failure);
    const bool may_pass = dynamic_cast<const Transient*>(&e) != nullptr;
    if (reading.in_doubt && !may_pass) look_for_damage(run, store, e);
    return {.failure = std::current_exception()};
  }
}

}  // namespace

Restored restore_reading_once(const Backup& backup, unsigned jobs, const Context& context,
                              Progress& progress,
                              const std::function<Restored(const SoundCopy&)>& restore) {
  const Run run{backup, jobs, context, progress, restore};
  Attempt done =
      of_nearest_copy(backup, "copy", context, [&](Store& store) { return attempt(run, store); });
  if (done.failure) std::rethrow_exception(done.failure);
  return *std::move(done.restored);
}

}  // namespace pgstow
