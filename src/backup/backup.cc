#include "backup/backup.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "backup/delivery.h"
#include "backup/globals.h"
#include "backup/leftovers.h"
#include "backup/meter.h"
#include "backup/newest.h"
#include "backup/readiness.h"
#include "backup/sync.h"
#include "base/error.h"
#include "base/kept_memory.h"
#include "base/text.h"
#include "pg/archive_proof.h"
#include "pg/archive_writer.h"
#include "pg/open_dump.h"
#include "pg/server.h"
#include "pg/splicer.h"
#include "pg/tools.h"
#include "store/lock.h"
#include "stream/pack.h"
#include "stream/sha256.h"

namespace pgstow {
namespace {

constexpr std::size_t kReadBytes = 1 << 20;
constexpr std::chrono::milliseconds kNextName{100};
constexpr int kNameTries = 600;
constexpr int kSilentTries = 30;
constexpr unsigned kLeastForReaders = 2;  // with one job, pg_dump reads all tables

// The objects under the first name of a second that nobody else uses: two backups in the same
// second both live. The manifest is begun together with the archive, since another archive of that
// second may end with .zst and still want the same manifest.
struct Claim {
  std::string key;
  std::unique_ptr<Delivery> manifest;
  std::unique_ptr<Delivery> object;
};

// As far as can be seen: a store that fails here is given up when the object is begun there.
bool name_is_free(const std::vector<Store*>& stores, const std::string& stem) {
  return std::ranges::all_of(stores, [&](Store* store) {
    try {
      return store->list(stem).empty();
    } catch (const Cancelled&) {
      throw;
    } catch (const Error&) {
      return true;
    }
  });
}

// In one order, whatever the configurations say, so that of two hosts one gets all. Where nothing
// can be reserved, finish() still keeps them apart.
void reserve(std::vector<Store*> stores, const std::string& stem, const Context& context) {
  std::ranges::sort(stores, {}, [](const Store* store) { return store->location(""); });
  for (Store* store : stores) {
    try {
      store->reserve(stem);
    } catch (const Exists&) {
      throw;
    } catch (const Cancelled&) {
      throw;
    } catch (const Error& e) {
      context.log.debug("the name can't be reserved",
                        {{"store", store->name()}, {"cause", e.what()}});
    }
  }
}

Claim claim_name(const std::vector<Store*>& stores, Compression compression,
                 const Context& context) {
  for (int tries = 0; tries < kNameTries; ++tries) {
    const std::string stem = "backup_" + stamp(context.clock.now());
    const std::string key = stem + ".dump" + std::string(suffix(compression));
    try {
      if (name_is_free(stores, stem)) {
        reserve(stores, stem, context);
        auto manifest = std::make_unique<Delivery>(stores, manifest_key(key), context);
        auto object = std::make_unique<Delivery>(manifest->stores(), key, context);
        return {key, std::move(manifest), std::move(object)};
      }
    } catch (const Exists&) {
      context.log.debug("name is taken, waiting for the next second", {{"name", key}});
    }
    if (tries == kSilentTries) context.log.warning("waiting for a free name", {{"name", key}});
    context.clock.sleep(kNextName, context.stop);
  }
  throw Error("no free name for a backup, second after second",
              "are two of the stores one place, or is another host writing there all the time?");
}

// Among the runs of this host: tells at once who else is at work. Where no lock can lie, the one
// that the server keeps is enough.
std::optional<FileLock> lock_here(const BackupJob& job, const std::string& database, Time started,
                                  const Context& context) {
  if (job.lock_folder.empty()) return std::nullopt;
  try {
    return FileLock::acquire(job.lock_folder, database, "a backup of " + printable(database),
                             lock_holder(started, "backup"));
  } catch (const Locked&) {
    throw;
  } catch (const Error& e) {
    context.log.warning("no lock in the local folder; the server's alone keeps other runs out",
                        {{"cause", e.what()}});
    return std::nullopt;
  }
}

// Clears what dead runs left in each store; one that can't be listed is given up for this run.
std::vector<Store*> prepare(const std::vector<Store*>& stores, std::vector<StoreFailure>& failures,
                            const Context& context) {
  std::vector<Store*> usable;
  for (Store* store : stores) {
    clear_leftovers({store}, IfNotCleared::kWarn, context);
    try {
      static_cast<void>(store->list("backup_doctor"));  // reachable, and may be listed
      usable.push_back(store);
    } catch (const Cancelled&) {
      throw;
    } catch (const Error& e) {
      if (stores.size() == failures.size() + 1) throw;  // the last hope
      failures.push_back(note_failure(*store, e, context));
    }
  }
  return usable;
}

// Passes bytes on. That the stream has ended well is told by publish(), to one store after the
// other.
class LeftOpen final : public Sink {
 public:
  explicit LeftOpen(Sink& next) : next_(next) {}
  void write(std::string_view bytes) override { next_.write(bytes); }
  void finish() override {}

 private:
  Sink& next_;
};

// What went by on the way from pg_dump to the store.
struct Written {
  pg::ArchiveHeader archive;
  pg::ArchiveProof proof;
  std::map<int, RowsAt> rows_at;  // by dump id
  StreamFacts raw;
  StreamFacts stored;
  std::vector<std::string> warnings;
};

std::map<int, RowsAt> rows_at(const pg::ArchiveWriter& writer, const Packer& packer) {
  std::map<int, RowsAt> all;
  for (std::size_t i = 0; i < packer.marks().size(); ++i) {
    const pg::WrittenBlock& block = writer.blocks()[i];
    const Mark& mark = packer.marks()[i];
    all[block.dump_id] = {.raw = block.begin,
                          .bytes = block.bytes,
                          .member = mark.member_stored,
                          .skip = mark.at - mark.member_at};
  }
  return all;
}

Written write_archive(pg::Dump& dump, Sink& object, const BackupJob& job,
                      std::map<std::string, pg::TableSize> sizes, Progress& progress) {
  const KeptMemory kept;
  LeftOpen open(object);
  HashSink stored(open);
  Packer packer(stored, job.compression, job.jobs);
  pg::ArchiveWriter writer(packer);
  Meter meter("dumping", std::move(sizes), &writer);
  pg::ProofTaker taker(&meter);
  pg::Splicer splicer(dump.locked.tables, dump.with_rows, dump.objects, dump.readers.get(), taker);
  pg::ArchiveParser parser(splicer);
  const auto tell = [&] {
    ProgressState state = meter.state();
    state.rows = taker.rows();
    progress.update(state);
  };

  std::vector<char> buffer(kReadBytes);
  try {
    while (const std::size_t n = dump.source->read(buffer)) {
      parser.write({buffer.data(), n});
      if (dump.readers) dump.readers->check();
      tell();
    }
    // pg_dump has ended well. Only an archive of sound structure is made visible.
    parser.finish();
    splicer.finish(tell);
  } catch (const Cancelled&) {
    pg::check_gave_way(dump);
    throw;
  } catch (const Corrupt& e) {  // no stored backup is damaged, which is what Corrupt tells
    throw ProcessFailed(std::string("pg_dump's answer is no whole archive: ") + e.what());
  }
  packer.finish();
  progress.done();
  return {.archive = taker.header(),
          .proof = taker.finish(),
          .rows_at = rows_at(writer, packer),
          .raw = {.bytes = packer.bytes_in(), .sha256 = packer.digest_in()},
          .stored = {.bytes = stored.bytes(), .sha256 = stored.digest()},
          .warnings = dump.source->warnings()};
}

pg::DumpPlan dump_plan(const BackupJob& job, const pg::Tool& pg_dump,
                       const pg::ServerFacts& server) {
  pg::DumpPlan plan{.pg_dump = pg_dump,
                    .encoding = server.encoding,
                    .lock_timeout = job.lock_timeout,
                    .stall_timeout = job.stall_timeout,
                    .give_way_after = job.give_way_after,
                    .readers = job.jobs >= kLeastForReaders ? job.jobs : 0};
  // Each reader has room for a slice.
  plan.buffer_bytes = std::max(plan.buffer_bytes, plan.slice_bytes * 2 * plan.readers);
  return plan;
}

Manifest make_manifest(const std::string& key, const pg::ServerFacts& server,
                       const pg::Snapshot& snapshot, const pg::Tool& pg_dump, const BackupJob& job,
                       Written written) {
  Manifest m;
  m.archive = key;
  m.pgstow_version = PGSTOW_VERSION;
  m.database = server.database;
  m.server_version = server.version;
  m.server_version_number = server.version_number;
  m.system_identifier = server.system_identifier;
  m.encoding = server.encoding;
  m.standby = server.standby;
  m.snapshot_time = snapshot.time;
  m.snapshot_time_text = rfc3339(snapshot.time);
  m.snapshot_lsn = snapshot.lsn;
  m.pg_dump_version = pg_dump.version;
  m.compression = to_string(job.compression);
  m.tables = table_proofs(written.archive, written.proof, written.rows_at);
  m.large_objects = written.proof.large_objects;
  m.raw = std::move(written.raw);
  m.stored = std::move(written.stored);
  m.warnings = std::move(written.warnings);
  return m;
}

std::vector<std::string> tool_warnings(const pg::Tool& pg_dump, const pg::ServerFacts& server) {
  if (pg::dumps_for(pg_dump, server.major())) return {};
  return {
      fmt::format("pg_dump {} made this archive, which can't be restored into a server of version "
                  "{} as this one is: install the package postgresql-client-{}",
                  pg_dump.version, server.major(), server.major())};
}

struct Published {
  std::vector<Store*> holders;  // of the whole backup
  std::exception_ptr stopped;   // while a further store was waited for
};

// In one store: the archive becomes visible, then the globals, then its manifest.
void publish_in(Claim& claim, Store& store, const Manifest& manifest,
                const std::optional<PackedGlobals>& globals) {
  const std::unique_ptr<Sink> archive = claim.object->release(store);
  const std::unique_ptr<Sink> beside = claim.manifest->release(store);
  archive->finish();
  try {
    if (globals) {
      write_object(store, globals_key(manifest.archive), globals->bytes, Existing::kRefuse);
    }
    beside->write(to_json(manifest));
    beside->finish();
  } catch (Error& e) {
    e.within(
        fmt::format("{} is whole, but its manifest could not be written, so it carries no proof",
                    manifest.archive));
    throw;
  }
}

// Store by store, the nearest first: one that hangs or fails does not keep the others from having a
// backup with its proof. Throws the last failure when there is no holder.
Published publish(Claim& claim, const Manifest& manifest,
                  const std::optional<PackedGlobals>& globals, std::vector<StoreFailure>& failures,
                  const Context& context) {
  for (const Delivery* begun : {claim.manifest.get(), claim.object.get()}) {
    failures.insert(failures.end(), begun->failures().begin(), begun->failures().end());
  }
  Published published;
  const std::vector<Store*> stores = claim.object->stores();
  for (Store* store : stores) {
    try {
      publish_in(claim, *store, manifest, globals);
      published.holders.push_back(store);
    } catch (const Cancelled&) {
      if (published.holders.empty()) throw;
      published.stopped = std::current_exception();
      failures.push_back({.store = store->name(), .problem = "the run was stopped", .hint = {}});
    } catch (const Error& e) {
      if (published.holders.empty() && store == stores.back()) throw;
      failures.push_back(note_failure(*store, e, context));
    }
  }
  return published;
}

void report(const std::vector<Store*>& stores, const Manifest& m, const Context& context) {
  for (const Store* store : stores) {
    if (store->name().starts_with("s3"))
      context.log.info("Uploaded to S3: " + store->location(m.archive));
  }
  const auto seconds = std::max<std::int64_t>(m.duration.count(), 1);
  for (const std::string& warning : m.warnings) context.log.warning(warning);
  context.log.info(
      "Backup completed successfully",
      {{"backup", stores.front()->location(m.archive)},
       {"database", m.database},
       {"size", human_bytes(m.stored.bytes)},
       {"raw", human_bytes(m.raw.bytes)},
       {"tables", std::to_string(m.tables.size())},
       {"rows", std::to_string(m.rows())},
       {"took", human_duration(m.duration)},
       {"rate", human_bytes(m.raw.bytes * 1000 / static_cast<std::uint64_t>(seconds)) + "/s"}});
}

// Uploads may go on for long, and the server should not keep old rows for them. The session stays,
// with the lock; where it was lost, the archive is as good as it was.
void release_snapshot(pg::Dump& dump, pg::Connection& leader, const Context& context) {
  try {
    pg::end_dump(dump, leader);
  } catch (const Cancelled&) {
    throw;
  } catch (const Error& e) {
    context.log.warning("the session that held the snapshot is lost; the dump had ended by then",
                        {{"cause", e.what()}});
  }
}

// The newest good backup of this database, if it is not older than asked for. What another host
// made a moment ago is there by now: we hold the lock that it held.
std::optional<Made> made_already(const BackupJob& job, const std::vector<Store*>& stores,
                                 const pg::ServerFacts& server,
                                 const std::vector<StoreFailure>& failures,
                                 const Context& context) {
  if (!job.covering_from) return std::nullopt;
  Listing listing = list_backups(stores, context);
  const Backup* newest =
      newest_good(listing.backups, server.database, server.system_identifier, context.clock.now());
  if (newest == nullptr || made_at(*newest) < *job.covering_from) return std::nullopt;
  context.log.info("a backup for this time is there already",
                   {{"backup", newest->store().location(newest->key)}});
  return Made{.backup = *newest, .failures = failures, .by_another = true};
}

}  // namespace

Made run_backup(const BackupJob& job, const Stores& stores, const Context& context,
                Progress& progress) {
  const auto began = std::chrono::steady_clock::now();
  const Time started = context.clock.now();
  const std::string database = pg::database_of(job.place, context);
  const std::optional<FileLock> lock = lock_here(job, database, started, context);
  context.log.info("Starting database backup...", {{"database", database}});
  const pg::Access access = pg::Access::open(job.place, context);
  pg::Connection leader = pg::Connection::open(access.server(), context.stop);
  pg::forbid_timeouts(leader);
  pg::lock_backup(leader);
  Made made;
  const std::vector<Store*> usable = prepare(stores.delivering(), made.failures, context);

  const pg::ServerFacts server = pg::server_facts(leader);
  if (auto already = made_already(job, usable, server, made.failures, context)) {
    already->undelivered = deliver_missed(usable, context, progress);
    return *std::move(already);
  }
  const pg::Tool pg_dump = ready_pg_dump(job, leader, server, access, context.stop);
  const pg::SessionSettings settings = pg::session_settings(leader);
  std::vector<std::string> globals_warnings;
  const std::optional<PackedGlobals> globals =
      read_globals(job, leader, pg_dump, server.encoding, globals_warnings, context);

  Claim claim = claim_name(usable, job.compression, context);
  const std::vector<std::string> left_out = pg::left_out(leader, server);
  std::map<std::string, pg::TableSize> sizes = pg::table_sizes(leader);
  const std::unique_ptr<pg::Dump> dump =
      pg::open_dump(leader, dump_plan(job, pg_dump, server), context);
  Written written = write_archive(*dump, *claim.object, job, std::move(sizes), progress);

  release_snapshot(*dump, leader, context);

  // From here the archive is complete in every store that did not fail, and gets its name there.
  Manifest manifest =
      make_manifest(claim.key, server, dump->locked.snapshot, pg_dump, job, std::move(written));
  manifest.settings = settings;
  if (globals) manifest.globals = globals->facts;
  for (const std::vector<std::string>& more :
       {left_out, tool_warnings(pg_dump, server), globals_warnings}) {
    manifest.warnings.insert(manifest.warnings.end(), more.begin(), more.end());
  }
  manifest.started = started;
  manifest.duration = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - began);
  const Published published = publish(claim, manifest, globals, made.failures, context);
  if (!published.stopped) report(published.holders, manifest, context);

  made.backup.key = claim.key;
  made.backup.bytes = manifest.stored.bytes;
  made.backup.time = manifest.snapshot_time;
  made.backup.manifest = std::move(manifest);
  for (Store* store : published.holders) {
    made.backup.copies.push_back({.store = store, .state = made.backup.state()});
  }
  note_missed(made.backup, made.failures, context);
  if (published.stopped) {
    context.log.warning("stopped: the backup is whole, but not in all stores",
                        {{"backup", made.backup.store().location(made.backup.key)}});
    std::rethrow_exception(published.stopped);
  }
  made.undelivered = deliver_missed(published.holders, context, progress);
  return made;
}

}  // namespace pgstow
