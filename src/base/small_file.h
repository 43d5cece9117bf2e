// Files that are read whole: configuration, tokens, secrets that somebody else writes.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>

namespace pgstow {

// The file's content; nothing when there is no such file. Throws ConfigError, naming the file, when
// it can't be read or is longer than `most` bytes. What is in it is never shown.
std::optional<std::string> read_small_file(const std::filesystem::path& path, std::size_t most);

}  // namespace pgstow
