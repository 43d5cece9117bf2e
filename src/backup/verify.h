// The story of a verification: are the stored bytes the bytes that were written, and an archive?
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "backup/catalogue.h"
#include "backup/progress.h"
#include "base/context.h"
#include "pg/archive.h"
#include "store/store.h"
#include "stream/stream.h"

namespace pgstow {

// What a sound backup was found to hold or, if it is `unread`, has to hold: only its table of
// contents was read.
struct Verified {
  pg::ArchiveHeader archive;
  pg::ArchiveProof proof;
  StreamFacts raw;
  StreamFacts stored;
  std::string globals_problem = {};  // of the server's globals beside it; empty: none
  bool unread = false;
};

// Reads the whole backup from its store and checks its length, SHA-256, every member's checksum
// (with another library than the one that wrote it), the archive's structure from first byte to
// last and, if there is a manifest, every table's rows and digest. Throws Corrupt naming the file.
Verified verify_bytes(Store& store, const Backup& backup, unsigned jobs, const Context& context,
                      Progress& progress);

// The same for a part of an archive (part.h), of which there are no digests but those of its rows:
// by the dump id of TABLE DATA.
Verified verify_part(Source& part, std::uint64_t bytes, const std::map<int, pg::Proof>& expected,
                     unsigned jobs, const Context& context, Progress& progress);

// What the manifest says the backup holds, with the archive's table of contents, for which only its
// beginning is read: unread. Whoever reads the bytes to their end has to compare them (load()).
// Nothing where only verify_bytes() can tell: without a manifest, or where one of the two is
// damaged or does not fit the other.
std::optional<Verified> promised(Store& store, const Backup& backup, const Context& context);

// Records beside the backup, where the store can be written, that its bytes are as they were
// written, after a look at the globals; returns what is wrong with those.
std::string record_sound(Store& store, const Backup& backup, const std::string& sha256,
                         const Context& context);

// verify_bytes(), a look at the globals beside the backup (what is wrong with them is told in the
// answer), and a record of the result (where the store can be written).
Verified run_verify(Store& store, const Backup& backup, unsigned jobs, const Context& context,
                    Progress& progress);

}  // namespace pgstow
