// The manual page, pgstow(1), in roff (man(7)): all of it comes from the command line's definitions
// and the table of settings.
#pragma once

#include <span>
#include <string>

#include "base/clock.h"
#include "base/settings.h"
#include "cli/command_model.h"

namespace pgstow::cli {

std::string man_page(const ProgramModel& program, std::span<const Setting> settings, Time date);

}  // namespace pgstow::cli
