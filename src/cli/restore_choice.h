// Which backup a restore takes, and whether it may begin: what all kinds of restore ask.
#pragma once

#include <string>
#include <vector>

#include "backup/catalogue.h"
#include "backup/selection.h"
#include "cli/commands.h"

namespace pgstow::cli {

// Whether a terminal is there to ask on.
bool somebody_to_ask();

// Asks on the terminal, unless --yes was given. Throws ConfigError where there is none.
bool confirmed(const Session& session, const std::string& question);

// What is newer and passed over by "latest" is not passed over in silence.
void warn_of_passed_over(const Session& session, const std::vector<Backup>& backups,
                         const Backup& selected);

// With --yes nobody is asked, so another database's backup is taken by its name only, and so is
// another server's where there are several it could be of.
void refuse_unnamed(const Session& session, const std::vector<Backup>& backups,
                    const Backup& backup, const Wanted& wanted);

void tell_of_other_server(const Session& session, const std::vector<Backup>& backups,
                          const Backup& backup, const Wanted& wanted);

// Whether the flags speak of tables rather than of a whole database. Throws ConfigError for flags
// that don't go together.
bool wants_tables(const Arguments& arguments);

int restore_tables_command(const Session& session);

}  // namespace pgstow::cli
