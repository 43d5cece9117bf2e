// Large objects: which of them readers take over from pg_dump, and how a session reads them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pg/connection.h"

namespace pgstow::pg {

struct LargeObjects {
  struct Owner {
    std::string name;     // in the archive's encoding
    std::size_t end = 0;  // his objects are those from the last owner's end up to here
  };
  std::vector<std::uint32_t> oids;  // one owner's after the other's
  std::vector<Owner> owners;
  std::uint64_t bytes = 0;  // of all, as the server stores them
};

struct LargeObjectChoice {
  std::size_t least;          // objects; where they are fewer and
  std::uint64_t least_bytes;  // take less, they are pg_dump's
  std::string encoding;       // of the archive
};

// All of the database, of the snapshot that the leader's transaction has; or none, where they are
// few, or where one has more than an owner and contents (privileges, a comment, a label): what
// pg_dump makes of that is its own.
LargeObjects choose_large_objects(Connection& leader, const LargeObjectChoice& choice);

// Called with an object's contents, in pieces of at most 1 MiB, in their order; `begins` with the
// first one of each object, which may be empty. The view is lent for the call.
using ObjectPieces = std::function<void(std::uint32_t oid, bool begins, std::string_view contents)>;

// Reads these objects in their order, many small ones with one statement (lo_get(), PostgreSQL 9.4
// and later). Throws ServerError for one that is not there, or may not be read.
void read_large_objects(Connection& session, std::span<const std::uint32_t> oids,
                        const ObjectPieces& to);

}  // namespace pgstow::pg
