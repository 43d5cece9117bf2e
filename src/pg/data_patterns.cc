#include "pg/data_patterns.h"

#include <cstddef>
#include <string_view>

namespace pgstow::pg {
namespace {

constexpr std::size_t kMostBytes = std::size_t{16} << 10;  // and one name

// The length of the quoted name that it begins with. A quote inside is doubled.
std::size_t name_length(std::string_view relation) {
  std::size_t i = 1;
  while (relation.substr(i, 2) != "\".") i += relation[i] == '"' ? 2 : 1;
  return i + 1;
}

}  // namespace

std::vector<std::string> data_patterns(const std::vector<std::string>& relations) {
  std::vector<std::string> patterns;
  std::string_view schema;
  for (const std::string& relation : relations) {
    const std::size_t length = name_length(relation);
    const std::string_view its_schema = std::string_view(relation).substr(0, length);
    const std::string_view name = std::string_view(relation).substr(length + 1);
    if (its_schema == schema && patterns.back().size() < kMostBytes) {
      patterns.back().back() = '|';
      patterns.back().append(name).append(")");
    } else {
      schema = its_schema;
      patterns.push_back(std::string(schema).append(".(").append(name).append(")"));
    }
  }
  return patterns;
}

}  // namespace pgstow::pg
