// Large objects: which of them readers take over from pg_dump, how a session reads them, and how it
// makes those of an archive.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pg/archive.h"
#include "pg/connection.h"

namespace pgstow::pg {

struct LargeObjects {
  struct Owner {
    std::string name;     // in the archive's encoding
    std::size_t end = 0;  // his objects are those from the last owner's end up to here
  };
  std::vector<std::uint32_t> oids;  // one owner's after the other's
  std::vector<Owner> owners;
  std::uint64_t bytes = 0;  // of all, as the catalogue and the statistics guess them
};

struct LargeObjectChoice {
  std::size_t least;          // objects; where they are fewer and
  std::uint64_t least_bytes;  // take less, they are pg_dump's
  std::string encoding;       // of the archive
};

// All of the database, of the snapshot that the leader's transaction has; or none, where they are
// few, or where one has more than an owner and contents (privileges, a comment, a label): what
// pg_dump makes of that is its own. Nothing when somebody keeps their catalogue to himself (VACUUM
// FULL); then the transaction has failed.
std::optional<LargeObjects> choose_large_objects(Connection& leader,
                                                 const LargeObjectChoice& choice);

// Takes the locks that reading them needs, and keeps them to the transaction's end, so that no
// reader has to queue for one behind somebody who waits for another reader, or for the leader.
// Throws ServerError 55P03 (lock_not_available) when somebody is before us. Not by LOCK TABLE,
// which is a superuser's there.
void lock_large_objects(Connection& session, const LargeObjects& objects);

// Takes the first ones off, at most so many.
std::span<const std::uint32_t> take_first(std::span<const std::uint32_t>& oids, std::size_t most);

// Called with an object's contents, in pieces of at most 1 MiB, in their order; `begins` with the
// first one of each object, which may be empty. The view is lent for the call.
using ObjectPieces = std::function<void(std::uint32_t oid, bool begins, std::string_view contents)>;

// Reads these objects in their order, many small ones with one statement (lo_get(), PostgreSQL 9.4
// and later). Throws ServerError for one that is not there, or may not be read.
void read_large_objects(Connection& session, std::span<const std::uint32_t> oids,
                        const ObjectPieces& to);

// Makes the large objects that the archive's entries name, empty, and gives them to their owners,
// as pg_restore does one by one, in transactions of some hundred. The session is
// prepare_loading()'s.
void create_large_objects(Connection& session, const ArchiveHeader& archive, bool with_owners);

// The archive for whoever restores it after that.
ArchiveHeader with_objects_made(const ArchiveHeader& archive);

}  // namespace pgstow::pg
