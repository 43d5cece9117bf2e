// Parts: the hidden files that objects are written to before they get their name.
//
// A part lies beside the object to be, ".<key>.part", or ".<key>.<16 hex digits>.part" where
// several writers of one key may work at once. Its writer holds an flock on it for its whole life.
// The kernel frees that lock however the writer ends, so a part whose lock is free belongs to a
// dead run. Only who holds a part's lock may rename or unlink it; that makes looking first and
// acting then safe.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "store/store.h"

namespace pgstow {

// The longest key whose part name still fits into the 255 bytes of a file name.
constexpr std::size_t kMaxKeyBytes = 255 - (1 + 1 + 16 + 5);

struct Part {
  std::string name;
  Fd file;  // open for writing, empty, mode 0600, locked
};

// Makes a new part for the key. With kRefuse there is one part of a key at most: throws Exists when
// a living run has it; a dead run's is cleared. With kReplace every call makes another part.
Part make_part(const Fd& folder, std::string_view key, Existing existing, std::string_view where);

// Unlinks the part if it still is ours to unlink. Never throws: what stays is cleared by a later
// run.
void drop_part(const Fd& folder, const Part& part) noexcept;

// Unlinks every part of a dead run; returns how many. Files of others are left alone.
int clear_dead_parts(const Fd& folder, std::string_view where);

}  // namespace pgstow
