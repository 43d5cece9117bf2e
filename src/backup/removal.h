// Removing a backup so that it is whole or gone, wherever the run that does it may die.
#pragma once

#include <string>
#include <string_view>

#include "store/store.h"

namespace pgstow {

// Whether this is the text of a mark: it lies in the place of a manifest and says that the backup's
// removal has begun.
bool is_removal_mark(std::string_view manifest_text);

// Throws when the store would not let anything be removed; asked before anything is.
void check_removable(Store& store);

// First a mark takes the place of the manifest: with that, it is no backup any more. Then go the
// archive, the globals and the notes beside it, and last the mark.
void remove_backup(Store& store, const std::string& archive_key);

// Ends the removals that dead runs began; returns how many. Throws as check_removable() before
// anything is removed.
int finish_removals(Store& store);

}  // namespace pgstow
