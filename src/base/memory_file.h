// A file that lives in memory only.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/fd.h"

namespace pgstow {

// A nameless file with these contents, at its start, followed by zeros up to `size` if that is
// more (they take no memory). It is never on a disk, readable by our user alone, and gone with the
// last descriptor, however its holders end. Close-on-exec: see Command::input.
Fd memory_file(std::string_view contents, std::uint64_t size = 0);

}  // namespace pgstow
