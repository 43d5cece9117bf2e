#include "backup/load.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "pg/archive_writer.h"
#include "pg/block_filter.h"
#include "pg/block_inflater.h"
#include "pg/early_indexes.h"
#include "pg/large_objects.h"
#include "pg/loaders.h"
#include "pg/restore.h"
#include "pg/toc_parts.h"
#include "stream/sha256.h"
#include "stream/unpack.h"

namespace pgstow {
namespace {

constexpr std::size_t kReadBytes = 1 << 20;
constexpr unsigned kLoadersAnIndexWorker = 4;
constexpr std::uint64_t kManyObjects = 100;

pg::RestoreOptions restore_options(const LoadJob& job, const Context& context) {
  return {.pg_restore = job.pg_restore,
          .server = job.server,
          .no_owner = job.no_owner,
          .no_privileges = job.no_privileges,
          .stop_at_error = job.stop_at_error,
          .durable = job.durable,
          .stop = context.stop};
}

// Reads all of the object's archive; `take` is given each piece, and told what is being read.
void read_archive(Source& object, const Verified& verified, unsigned threads,
                  const Context& context, Progress& progress,
                  const std::function<std::string(std::string_view)>& take) {
  HashSource stored(object);
  const std::unique_ptr<Source> unpacked = open_unpacked(stored, Decoder::kFast, threads);
  std::vector<char> buffer(kReadBytes);
  ProgressState state{.phase = "loading"};
  while (const std::size_t n = unpacked->read(buffer)) {
    check_stop(context.stop);
    state.table = take({buffer.data(), n});
    state.bytes += n;
    state.fraction = static_cast<double>(state.bytes) / static_cast<double>(verified.raw.bytes);
    progress.update(state);
  }
  if (stored.digest() != verified.stored.sha256) {
    throw Corrupt(verified.unread ? "stored file: SHA-256 differs"
                                  : "the stored file changed between verification and loading");
  }
}

// A part of an archive has a table of contents of its own, the whole that which was read before.
pg::BlockFilter::Wanted wanted(const Verified& verified) {
  return verified.unread ? pg::BlockFilter::Wanted::kWhole : pg::BlockFilter::Wanted::kPart;
}

// `keys`: how many are built as indexes are.
void tell_of_indexes(const Context& context, Progress& progress, std::size_t keys) {
  progress.update({.phase = "building indexes and constraints"});
  context.log.info("building indexes and constraints", {{"keys_among_them", std::to_string(keys)}});
}

// What our loaders can't read goes through pg_restore as a whole.
void load_by_pg_restore(const LoadJob& job, Source& object, const Verified& verified,
                        const Context& context, Progress& progress) {
  context.log.info("rows are compressed inside, or are INSERT statements: pg_restore loads them");
  pg::RestoreSink sink(restore_options(job, context));
  pg::ArchiveWriter writer(sink);
  pg::BlockFilter filter(writer, verified.archive, wanted(verified));
  pg::ArchiveParser parser(filter);
  read_archive(object, verified, job.threads, context, progress, [&](std::string_view bytes) {
    parser.write(bytes);
    return std::string();
  });
  parser.finish();
  tell_of_indexes(context, progress, 0);
  sink.finish();
}

pg::Connection open_loader(const LoadJob& job, const Verified& verified, std::stop_token stop) {
  pg::Connection session = open_session(job, std::move(stop));
  pg::prepare_loading(session, verified.archive);
  return session;
}

// Pieces point into the feeder's header: when something is thrown, no loader may outlive it.
struct StopFirst {
  pg::Loaders& loaders;
  ~StopFirst() { loaders.stop(); }
};

void load_rows(const LoadJob& job, Source& object, const Verified& verified,
               const std::map<int, std::uint64_t>& bytes, const Context& context,
               Progress& progress, pg::EarlyIndexes& indexes) {
  // The first session asks before it loads: the server may have room for no more than one.
  std::optional<pg::Connection> asking = open_loader(job, verified, context.stop);
  const pg::ValueForms forms =
      pg::value_forms(*asking, verified.archive, bytes, job.least_binary_bytes);
  pg::Loaders loaders(
      [&](std::stop_token stop) {
        if (!asking) return open_loader(job, verified, std::move(stop));
        pg::Connection session = std::move(*asking);
        asking.reset();
        session.stop_by(std::move(stop));
        return session;
      },
      job.sessions,
      {.forms = forms,
       .stall = job.stall,
       .stop_at_error = job.stop_at_error,
       .on_table_loaded = [&](const pg::TocEntry& rows) { indexes.on_rows(rows.dump_id); }},
      context.stop);
  context.log.info("loading rows", {{"sessions", std::to_string(loaders.size())},
                                    {"binary_tables", std::to_string(forms.size())}});
  pg::RowFeeder feeder(loaders, job.piece_bytes);
  const StopFirst first{loaders};
  read_blocks(object, verified, job.threads, context, progress, feeder,
              [&] { return feeder.current() == nullptr ? "" : feeder.current()->tag; });
  loaders.finish();
}

// Large objects, where they are many, are not left to pg_restore, which makes one at a time; but it
// goes on after one that can't be made.
void make_schema(const LoadJob& job, const Verified& verified, const pg::RestoreOptions& options,
                 const Context& context) {
  if (!job.stop_at_error || verified.proof.large_objects.rows < kManyObjects) {
    return pg::restore_before_rows(options, verified.archive);
  }
  {
    pg::Connection session = open_loader(job, verified, context.stop);
    pg::create_large_objects(session, verified.archive, !job.no_owner);
  }  // the server may have room for no more sessions than one
  pg::restore_before_rows(options, pg::with_objects_made(verified.archive));
}

std::map<int, std::uint64_t> bytes_of_tables(const pg::ArchiveProof& proof) {
  std::map<int, std::uint64_t> bytes;
  for (const auto& [id, table] : proof.tables) bytes[id] = table.bytes;
  return bytes;
}

// Runs the steps one after the other. Where errors are not the end, a step's error is kept, what
// can be done after it is done, and the first error thrown at the end; the log has the others.
void run_steps(bool stop_at_error, const Context& context,
               const std::vector<std::function<void()>>& steps) {
  std::exception_ptr first;
  for (const std::function<void()>& step : steps) {
    try {
      step();
    } catch (const Cancelled&) {
      throw;
    } catch (const Error& e) {
      if (stop_at_error) throw;
      if (first) {
        context.log.error("failed, too", {{"cause", e.what()}});
      } else {
        first = std::current_exception();
      }
    }
  }
  if (first) std::rethrow_exception(first);
}

}  // namespace

pg::Connection open_session(const LoadJob& job, std::stop_token stop) {
  pg::Connection session = pg::Connection::open(job.server, std::move(stop));
  if (!job.durable) session.query("set synchronous_commit = off");
  return session;
}

void read_blocks(Source& object, const Verified& verified, unsigned threads, const Context& context,
                 Progress& progress, pg::ArchiveVisitor& to,
                 const std::function<std::string()>& table) {
  pg::BlockInflater inflater(to);
  pg::BlockFilter filter(inflater, verified.archive, wanted(verified));
  pg::ArchiveParser parser(filter);
  read_archive(object, verified, threads, context, progress, [&](std::string_view bytes) {
    parser.write(bytes);
    return table();
  });
  parser.finish();
}

void load(const LoadJob& job, Source& object, const Verified& verified, const Context& context,
          Progress& progress) {
  if (!pg::can_load_rows(verified.archive, verified.proof.complete)) {
    load_by_pg_restore(job, object, verified, context, progress);
    return progress.done();
  }
  const pg::RestoreOptions options = restore_options(job, context);
  const std::map<int, std::uint64_t> bytes = bytes_of_tables(verified.proof);
  pg::EarlyIndexes indexes(
      options, verified.archive, bytes,
      {.workers = job.sessions == 1 ? 0 : std::max(1U, job.sessions / kLoadersAnIndexWorker),
       .least_work = job.least_early_work,
       .on_begin = [&](const std::string& name) {
         context.log.info("building an index while rows are loaded", {{"index", name}});
       }});
  const Context until_one_fails{.log = context.log, .clock = context.clock, .stop = indexes.stop()};
  pg::RestoreOptions after = options;
  after.stop = indexes.stop();
  try {
    run_steps(job.stop_at_error, context,
              {[&] { make_schema(job, verified, options, context); },
               [&] { load_rows(job, object, verified, bytes, until_one_fails, progress, indexes); },
               [&] {
                 pg::ArchiveHeader rest = verified.archive;
                 if (job.sessions > 1) {
                   rest = pg::with_key_indexes(
                       std::move(rest), bytes,
                       {.server_version = job.server_version, .least_bytes = job.least_key_bytes});
                 }
                 tell_of_indexes(context, progress, rest.toc.size() - verified.archive.toc.size());
                 indexes.take_begun(rest);
                 pg::restore_after_rows(after, rest, bytes, job.sessions);
               },
               [&] { indexes.finish(); }});
  } catch (const Cancelled&) {
    indexes.finish();  // throws what it was stopped for, when one of them failed
    throw;
  }
  progress.done();
}

}  // namespace pgstow
