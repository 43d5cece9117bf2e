// Backups for tests, made without a database: an archive of any content and its manifest.
#pragma once

#include <string>

#include "backup/catalogue.h"
#include "stream/sha256.h"

namespace pgstow::testing_backup {

inline Manifest manifest_of(const std::string& stem, const std::string& database,
                            const std::string& content) {
  Sha256 hash;
  hash.update(content);
  Manifest m;
  m.archive = stem + ".dump.gz";
  m.database = database;
  m.snapshot_time = *parse_stamp(stem.substr(stem.find('_') + 1));
  m.snapshot_time_text = rfc3339(m.snapshot_time);
  m.stored = {.bytes = content.size(), .sha256 = hash.finish()};
  return m;
}

inline void add(Store& store, const std::string& stem, const std::string& database,
                const std::string& content) {
  const Manifest m = manifest_of(stem, database, content);
  write_object(store, m.archive, content, Existing::kRefuse);
  write_object(store, manifest_key(m.archive), to_json(m), Existing::kRefuse);
}

}  // namespace pgstow::testing_backup
