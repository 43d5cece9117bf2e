#include "backup/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>
#include <vector>

#include "backup/archive_contents.h"
#include "backup/globals.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/text.h"
#include "pg/archive_proof.h"
#include "pg/block_inflater.h"
#include "stream/sha256.h"
#include "stream/unpack.h"

namespace pgstow {
namespace {

constexpr std::size_t kReadBytes = 1 << 20;

// Reads it all once, checking what can be checked without a manifest.
Verified read_archive(Source& object, std::uint64_t bytes, unsigned jobs, const Context& context,
                      Progress& progress) {
  HashSource stored(object);
  const std::unique_ptr<Source> unpacked = open_unpacked(stored, Decoder::kIndependent, jobs);
  HashSource raw(*unpacked);
  pg::ProofTaker taker;
  pg::BlockInflater inflater(taker);
  pg::ArchiveParser parser(inflater);

  std::vector<char> buffer(kReadBytes);
  ProgressState state{.phase = "verifying"};
  while (const std::size_t n = raw.read(buffer)) {
    check_stop(context.stop);
    parser.write({buffer.data(), n});
    state.bytes = raw.bytes();
    state.rows = taker.rows();
    state.fraction = static_cast<double>(stored.bytes()) / static_cast<double>(bytes);
    progress.update(state);
  }
  parser.finish();
  progress.done();
  return {.archive = taker.header(),
          .proof = taker.finish(),
          .raw = {.bytes = raw.bytes(), .sha256 = raw.digest()},
          .stored = {.bytes = stored.bytes(), .sha256 = stored.digest()}};
}

void compare_stream(std::string_view what, const StreamFacts& expected, const StreamFacts& found) {
  if (expected.bytes != found.bytes) {
    throw Corrupt(fmt::format("{}: {} bytes instead of {}", what, found.bytes, expected.bytes));
  }
  if (expected.sha256 != found.sha256) throw Corrupt(fmt::format("{}: SHA-256 differs", what));
}

// Names that are no UTF-8 (SQL_ASCII databases) are in the manifest as JSON can say them, where two
// of them may have become the same text: so tables are compared as a sorted list, not by name.
using NamedProof = std::tuple<std::string, std::uint64_t, std::uint64_t, std::string>;

std::vector<NamedProof> sorted_proofs(const std::vector<TableProof>& tables) {
  std::vector<NamedProof> sorted;
  for (const TableProof& table : tables) {
    sorted.emplace_back(json_string(table.schema) + "." + json_string(table.name), table.proof.rows,
                        table.proof.bytes, pg::to_string(table.proof.digest));
  }
  std::ranges::sort(sorted);
  return sorted;
}

void compare_tables(const Manifest& manifest, const Verified& found) {
  const std::vector<NamedProof> actual = sorted_proofs(table_proofs(found.archive, found.proof));
  const std::vector<NamedProof> expected = sorted_proofs(manifest.tables);
  if (actual.size() != expected.size()) {
    throw Corrupt(fmt::format("{} tables instead of {}", actual.size(), expected.size()));
  }
  const auto [differing, other] = std::ranges::mismatch(expected, actual);
  if (differing != expected.end()) {
    throw Corrupt(
        fmt::format("table {} is not as the manifest says", printable(std::get<0>(*differing))));
  }
  if (found.proof.large_objects != manifest.large_objects) {
    throw Corrupt("large objects are not as the manifest says");
  }
}

void compare_manifest(const Manifest& manifest, const Verified& found) {
  compare_stream("stored file", manifest.stored, found.stored);
  compare_stream("archive", manifest.raw, found.raw);
  compare_tables(manifest, found);
}

// The backup of the database is sound without them, so nothing is thrown for them.
std::string problem_of_globals(Store& store, const Backup& backup, const Context& context) {
  if (!backup.manifest || !backup.manifest->globals) return {};
  try {
    static_cast<void>(read_packed_globals(store, backup));
    return {};
  } catch (const Cancelled&) {
    throw;
  } catch (const Transient&) {
    throw;
  } catch (const Error& e) {
    context.log.warning("the backup is whole, but its globals are not", {{"cause", e.what()}});
    return e.what();
  }
}

void record(Store& store, const Backup& backup, const Verification& result,
            const Context& context) {
  try {
    record_verification(store, backup.key, result);
  } catch (const Error& e) {  // a read-only store can be verified as well
    context.log.warning("the result of the verification could not be kept",
                        {{"backup", backup.key}, {"cause", e.what()}});
  }
}

void record_damaged(Store& store, const Backup& backup, const std::string& problem,
                    const Context& context) {
  record(store, backup,
         {.time = context.clock.now(),
          .good = false,
          .bytes = backup.bytes,
          .sha256 = {},
          .problem = problem},
         context);
}

}  // namespace

Verified verify_bytes(Store& store, const Backup& backup, unsigned jobs, const Context& context,
                      Progress& progress) {
  try {
    if (!backup.manifest_problem.empty()) {
      throw Corrupt(
          backup.manifest_problem,
          "without that manifest (move it away) the archive can be verified and restored, "
          "but carries no proof");
    }
    if (backup.manifest && backup.manifest->stored.bytes != backup.bytes) {
      throw Corrupt(
          fmt::format("{} bytes instead of {}", backup.bytes, backup.manifest->stored.bytes));
    }
    const std::unique_ptr<Source> object = store.open(backup.key);
    Verified found = read_archive(*object, backup.bytes, jobs, context, progress);
    if (backup.manifest) compare_manifest(*backup.manifest, found);
    return found;
  } catch (Error& e) {
    e.within(store.location(backup.key));
    throw;
  }
}

Verified verify_part(Source& part, std::uint64_t bytes, const std::map<int, pg::Proof>& expected,
                     unsigned jobs, const Context& context, Progress& progress) {
  Verified found = read_archive(part, bytes, jobs, context, progress);
  if (found.proof.tables == expected) return found;
  for (const auto& [id, proof] : found.proof.tables) {
    const auto due = expected.find(id);
    if (due != expected.end() && due->second == proof) continue;
    const pg::TocEntry* entry = found.archive.find(id);
    throw Corrupt(
        fmt::format("table {} is not as the manifest says",
                    printable(entry == nullptr ? std::to_string(id)
                                               : entry->schema.value_or("") + "." + entry->tag)));
  }
  throw Corrupt("a table that the manifest has is missing");
}

std::optional<Verified> promised(Store& store, const Backup& backup, const Context& context) try {
  if (!backup.manifest || !backup.manifest_problem.empty()) return {};
  const Manifest& manifest = *backup.manifest;
  if (manifest.stored.bytes != backup.bytes) return {};
  pg::ArchiveHeader archive = read_archive_header(store, backup.key, context);
  const auto tables = tables_by_id(manifest, archive);
  if (!tables) return {};
  pg::ArchiveProof proof{.tables = {}, .large_objects = manifest.large_objects, .complete = true};
  for (const auto& [id, table] : *tables) proof.tables.emplace(id, table->proof);
  return Verified{.archive = std::move(archive),
                  .proof = std::move(proof),
                  .raw = manifest.raw,
                  .stored = manifest.stored,
                  .unread = true};
} catch (const Corrupt&) {
  return {};
}

std::string record_sound(Store& store, const Backup& backup, const std::string& sha256,
                         const Context& context) {
  std::string globals_problem = problem_of_globals(store, backup, context);
  record(store, backup,
         {.time = context.clock.now(),
          .good = true,
          .bytes = backup.bytes,
          .sha256 = sha256,
          .problem = {},
          .globals_problem = globals_problem},
         context);
  return globals_problem;
}

Verified run_verify(Store& store, const Backup& backup, unsigned jobs, const Context& context,
                    Progress& progress) {
  // What is wrong with a manifest is seen at every listing; the record is about the archive.
  if (!backup.manifest_problem.empty()) return verify_bytes(store, backup, jobs, context, progress);
  try {
    Verified found = verify_bytes(store, backup, jobs, context, progress);
    found.globals_problem = record_sound(store, backup, found.stored.sha256, context);
    return found;
  } catch (const Corrupt& e) {
    record_damaged(store, backup, e.what(), context);
    throw;
  }
}

}  // namespace pgstow
