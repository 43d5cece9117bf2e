// The catalogue: what a store's listing says about backups.
//
// A backup is an archive (backup_YYYYMMDD_HHMMSS.dump.gz, or any other *.dump.gz, *.dump.zst,
// *.dump that lies there) and, if pgstow made it, a manifest beside it with the same stem.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backup/manifest.h"
#include "store/store.h"

namespace pgstow {

// The result of the last verification, kept beside the backup as STEM.verified.json.
struct Verification {
  Time time;
  bool good = false;
  std::uint64_t bytes = 0;  // of the archive when it was verified
  std::string sha256;
  std::string problem;               // when not good
  std::string globals_problem = {};  // of what lies beside the archive; empty: none was found
};

// Where a backup lies, and what is known of the copy there.
struct Copy {
  Store* store = nullptr;
  std::string state;  // as Backup::state()
  // The server's globals are missing beside it, or not what the manifest says. The backup of the
  // database is as good without them.
  bool lacks_globals = false;
};

struct Backup {
  std::string key;  // of the archive
  std::uint64_t bytes = 0;
  Time time;  // of the snapshot; of the name, or of the file, if there is no manifest
  std::optional<Manifest> manifest;
  std::string manifest_problem;  // why a manifest that is there can't be used
  std::optional<Verification> verification;
  bool unreadable = false;  // the manifest may be sound, but could not be read just now
  // There is a verification, of which nobody knows just now whether it was good.
  bool verification_unknown = false;
  bool pinned = false;  // retention never removes it
  bool missed = false;  // a store does not have it yet (sync.h)
  // Every copy of these bytes, the one described here first: the nearest that is not damaged.
  std::vector<Copy> copies;

  Store& store() const { return *copies.front().store; }
  std::string database() const { return manifest ? manifest->database : ""; }
  // It has a manifest, or a name as only we give it: not somebody else's file that lies there.
  bool is_ours() const;
  // In one word: "verified", "unverified", "no proof", "damaged".
  std::string state() const;
};

// "backup_20261122_210528" of "backup_20261122_210528.dump.gz"; nothing if the key is no archive's.
std::optional<std::string> archive_stem(std::string_view key);
// The same of "backup_20261122_210528.json", but not of the notes that lie beside it.
std::optional<std::string> manifest_stem(std::string_view key);
std::string manifest_key(std::string_view archive_key);
std::string verification_key(std::string_view archive_key);
// The server's globals that were kept with a backup (globals.h).
std::string globals_key(std::string_view archive_key);
// The note of which stores a backup could not be delivered to (sync.h).
std::string missed_key(std::string_view archive_key);
// The pin that keeps retention from removing a backup.
std::string pin_key(std::string_view archive_key);
// Whether the pin of that key holds. One that says that it is off, as it lies where nothing may be
// removed, does not, nor does one that is not there; one that can't be read does.
bool is_pinned(Store& store, const std::string& key);

// The store's notes of that kind: keys.
std::vector<std::string> missed_notes(Store& store);

// All backups of the store, newest first. Files that are no backups are left out, and so are
// backups whose removal has begun. Throws when the store can't be read.
std::vector<Backup> list_backups(Store& store);

// Manifests whose archive is gone: keys. Marks of removals (removal.h) are none.
std::vector<std::string> orphaned_manifests(Store& store);

void record_verification(Store& store, const std::string& archive_key,
                         const Verification& verification);

// A small object's whole content; throws Corrupt above 256 MiB.
std::string read_object(Store& store, const std::string& key);
void write_object(Store& store, const std::string& key, std::string_view content,
                  Existing existing);

}  // namespace pgstow
