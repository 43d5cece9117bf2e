// A restore that reads the stored backup once: its bytes are checked as they are loaded.
#pragma once

#include <functional>

#include "backup/catalogue.h"
#include "backup/progress.h"
#include "backup/restore.h"
#include "backup/restore_checks.h"
#include "base/context.h"

namespace pgstow {

// What `restore` makes of the nearest copy that turns out whole. It is given one of which is known
// what it has to hold, and must call the copy's when_proven; for a copy of which that is not known
// beforehand, or that is noted as damaged, every byte is read and checked before.
//
// What `restore` throws ends it all, unless it is the copy's fault: its store fails, or a second
// reading, as a whole, finds and notes damage. Then the next one's turn comes, of which a warning
// tells; what is thrown for the last one is thrown.
Restored restore_reading_once(const Backup& backup, unsigned jobs, const Context& context,
                              Progress& progress,
                              const std::function<Restored(const SoundCopy&)>& restore);

}  // namespace pgstow
