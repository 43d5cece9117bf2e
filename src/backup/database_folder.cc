#include "backup/database_folder.h"

#include <fmt/format.h>

namespace pgstow {
namespace {

constexpr std::string_view kPlain =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
constexpr std::string_view kHex = "0123456789ABCDEF";

}  // namespace

std::string folder_of_database(std::string_view database) {
  std::string folder;
  for (const char c : database) {
    const bool hidden = folder.empty() && c == '.';
    if (kPlain.find(c) != std::string_view::npos && !hidden) {
      folder += c;
    } else {
      folder += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return folder;
}

std::optional<std::string> database_of_folder(std::string_view folder) {
  std::string database;
  for (std::size_t at = 0; at < folder.size(); ++at) {
    if (folder[at] != '%') {
      database += folder[at];
      continue;
    }
    if (at + 2 >= folder.size()) return std::nullopt;
    const std::size_t high = kHex.find(folder[at + 1]);
    const std::size_t low = kHex.find(folder[at + 2]);
    if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
    database += static_cast<char>(high * 16 + low);
    at += 2;
  }
  if (database.empty() || folder_of_database(database) != folder) return std::nullopt;
  return database;
}

}  // namespace pgstow
