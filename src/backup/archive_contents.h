// What an archive says it holds, without reading all of it.
#pragma once

#include <string>

#include "base/context.h"
#include "pg/archive.h"
#include "store/store.h"

namespace pgstow {

// The header and table of contents of a stored archive, which stand at its beginning: no more of it
// is read. Nothing of it is verified. Throws Corrupt for what is no archive.
pg::ArchiveHeader read_archive_header(Store& store, const std::string& key, const Context& context);

}  // namespace pgstow
