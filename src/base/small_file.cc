#include "base/small_file.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "base/error.h"
#include "base/fd.h"

namespace pgstow {
namespace {

std::string read_at_most(const Fd& fd, std::size_t most, const std::string& name) {
  std::string text;
  std::array<char, 16384> buffer;
  while (const std::size_t n = read_some(fd, buffer, {}, name)) {
    text.append(buffer.data(), n);
    if (text.size() > most) throw Error(fmt::format("{}: longer than {} bytes", name, most));
  }
  return text;
}

}  // namespace

std::optional<std::string> read_small_file(const std::filesystem::path& path, std::size_t most) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd && (errno == ENOENT || errno == ENOTDIR)) return std::nullopt;
  if (!fd) {
    throw ConfigError(fmt::format("{}: {}", path.native(), std::generic_category().message(errno)));
  }
  try {
    return read_at_most(fd, most, path.native());
  } catch (const Error& e) {  // a directory, say
    throw ConfigError(e.what(), e.hint());
  }
}

}  // namespace pgstow
