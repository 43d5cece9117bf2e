// Words as a POSIX shell splits and quotes them, without its expansions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pgstow {

// The words of `text`: white space divides them; '...', "..." and \ keep it (POSIX.1-2017, Shell
// Command Language, 2.2 Quoting). Nothing is expanded: $, ` and * stand for themselves. Throws
// ConfigError for a quote that is not closed, or a \ at the end.
std::vector<std::string> split_words(std::string_view text);

// The word as one word of a shell's command line, whatever stands in it.
std::string shell_quoted(std::string_view word);

// The words as a shell's command line.
std::string shell_line(const std::vector<std::string>& words);

}  // namespace pgstow
