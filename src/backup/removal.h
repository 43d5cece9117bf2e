// Removing a backup so that it is whole or gone, wherever the run that does it may die.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "store/store.h"

namespace pgstow {

// Whether this is the text of a mark: it lies in the place of a manifest and says that the backup's
// removal has begun.
bool is_removal_mark(std::string_view manifest_text);

// Throws when the store would not let anything be removed; asked before anything is.
void check_removable(Store& store);

enum class Removal {
  kDone,
  kPinned,  // since it was judged: it stays as it is
};

// First a mark takes the place of the manifest: with that, it is no backup any more. Then go the
// archive, the globals and the notes beside it, and last the mark. An archive that can't be removed
// gets its manifest back before this throws; where nobody knows whether it was (Transient), the
// mark stays.
Removal remove_backup(Store& store, const std::string& archive_key);

// What could not be removed, and why.
struct NotRemoved {
  std::string key;
  std::string problem;
  std::string hint;
};

struct Finished {
  int removals = 0;
  std::vector<NotRemoved> failures = {};
};

// Ends the removals that dead runs began; one that can't be ended does not keep it from the others.
// Throws as check_removable() before anything is removed, and Transient.
Finished finish_removals(Store& store);

}  // namespace pgstow
