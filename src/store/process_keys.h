// Keys from a program of the user's: `credential_process` of a profile. Source: AWS SDKs and Tools
// Reference Guide, "Process credential provider".
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "store/key_source.h"

namespace pgstow {

// The words of a command line, as the AWS command line splits it (Python's shlex, POSIX): blanks
// separate; '...' is taken as it stands; in "..." a backslash only escapes " and \; elsewhere it
// escapes any character. Nothing else means anything: there is no shell. Throws ConfigError,
// without its text, for a quote that is never closed.
std::vector<std::string> split_command_line(std::string_view line);

// Runs the program, with our variables that AWS tools know, and reads what it prints: JSON,
// version 1. `from` is what errors name. Throws ConfigError when it can't be started, ProcessFailed
// with what it wrote to standard error when it fails, Transient when it prints nothing for the
// `stall`, Error when it prints something else or too much. What it prints is never shown.
AwsKeys process_keys(std::string_view command_line, const KeyTools& tools, std::string_view from,
                     std::chrono::milliseconds stall = std::chrono::minutes(1));

}  // namespace pgstow
