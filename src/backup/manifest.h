// The manifest: the JSON beside an archive, written last, that makes it a backup with a proof.
//
// Format "pgstow.manifest/1" (docs/DESIGN.md, "Manifest"): one JSON object whose last member,
// manifest_sha256, is the SHA-256 of all bytes of the file before the line that holds it.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "pg/archive.h"
#include "pg/server.h"

namespace pgstow {

struct StreamFacts {
  std::uint64_t bytes = 0;
  std::string sha256;  // 64 hexadecimal digits
};

// The server's globals that lie beside the archive (globals.h).
struct GlobalsFacts {
  StreamFacts stored;
  bool passwords = false;  // the hashes of the roles' passwords are in them
};

// Where the rows of a table lie, so that they can be read without what is before and behind them.
struct RowsAt {
  std::uint64_t raw = 0;     // first byte of their block, in the archive
  std::uint64_t bytes = 0;   // of the block
  std::uint64_t member = 0;  // first byte, in the file, of the member that it begins in
  std::uint64_t skip = 0;    // bytes of the archive in that member before it
};

struct TableProof {
  std::string schema;
  std::string name;
  pg::Proof proof;
  std::optional<RowsAt> at = {};
};

struct Manifest {
  std::string archive;  // key of the archive it belongs to
  std::string pgstow_version;
  std::string database;
  std::string server_version;
  int server_version_number = 0;
  std::string system_identifier;
  std::string encoding;
  bool standby = false;
  Time snapshot_time;
  std::string snapshot_time_text;  // RFC 3339 with the offset of the host that made it
  std::string snapshot_lsn;
  std::string pg_dump_version;
  std::string compression;  // "gzip:2"
  StreamFacts raw;          // the archive itself
  StreamFacts stored;       // the file
  std::vector<TableProof> tables;
  pg::Proof large_objects;
  pg::SessionSettings settings;
  std::optional<GlobalsFacts> globals;
  std::vector<std::string> warnings;
  Time started;
  std::chrono::milliseconds duration{0};

  std::uint64_t rows() const;
};

// The file's whole text.
std::string to_json(const Manifest& manifest);

// Throws Corrupt, naming `name`, when any byte is not as it was written.
Manifest parse_manifest(std::string_view text, const std::string& name);

// The tables of an archive with their proofs, for the manifest, in the order of its table of
// contents; `at` is by dump id of TABLE DATA.
std::vector<TableProof> table_proofs(const pg::ArchiveHeader& archive,
                                     const pg::ArchiveProof& proof,
                                     const std::map<int, RowsAt>& at = {});

// The way back: the manifest's tables by the dump id of their TABLE DATA in its archive. Nothing
// where they are not the archive's. They point into `manifest`.
std::optional<std::map<int, const TableProof*>> tables_by_id(const Manifest& manifest,
                                                             const pg::ArchiveHeader& archive);

}  // namespace pgstow
