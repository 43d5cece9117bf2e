// pgstow completion, pgstow man: what the program tells of itself. They need no configuration.
#pragma once

#include <string>

#include "cli/command_model.h"

namespace pgstow::cli {

// Prints the script for a shell; for "words", what completes the words on standard input, one a
// line, of which the last is being typed.
int completion_command(const ProgramModel& program, const std::string& shell);

int man_command(const ProgramModel& program, const std::string& unused);

}  // namespace pgstow::cli
