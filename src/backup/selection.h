// Which backup a word of the user means.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "backup/catalogue.h"

namespace pgstow {

// What the backup is wanted for.
struct Wanted {
  std::string database = {};  // empty: any
  // Of the server it is restored to, empty if the server does not tell; nothing: any server's.
  std::optional<std::string> system_identifier = std::nullopt;
};

// "latest" or "": see below; "3": the third in the list; otherwise a key, its stem, or an
// unambiguous beginning of one. Throws NotFound.
//
// The latest is the newest backup of the wanted database that has a manifest and was made of the
// wanted server. Where none of its backups was, but all were made of one other server (the volume
// is gone, the database moved), it is the newest of these; of several others, ConfigError. Without
// any, it is the newest file that has no manifest, whose time and database are not sure. It is
// never a damaged one: where only these are left, Corrupt names them.
const Backup& select_backup(const std::vector<Backup>& backups, const std::string& choice,
                            const Wanted& wanted = {});

// Whether the backup tells that it was made of another server than the wanted one.
bool is_of_other_server(const Backup& backup, const Wanted& wanted);

// Whether all backups of the wanted database that tell their server tell the same one: then none
// can be taken for another's.
bool all_of_one_server(const std::vector<Backup>& backups, const Wanted& wanted);

}  // namespace pgstow
