#include "pg/data_patterns.h"

#include <algorithm>
#include <map>
#include <span>
#include <string_view>

#include "pg/sql_text.h"

namespace pgstow::pg {
namespace {

constexpr std::size_t kMostBytes = std::size_t{16} << 10;  // of the names in one pattern

// A name without its quotes; `rest` begins with it, and then with what follows.
std::string take_name(std::string_view& rest) {
  std::string name;
  std::size_t i = 1;
  for (; rest.substr(i, 2) == "\"\"" || rest[i] != '"'; ++i) {
    if (rest[i] == '"') ++i;
    name += rest[i];
  }
  rest.remove_prefix(i + 1);
  return name;
}

// In each of PostgreSQL's server encodings a character ends where an ASCII one does.
bool is_ascii(char ch) { return static_cast<unsigned char>(ch) < 0x80; }

std::size_t common_prefix(std::string_view a, std::string_view b) {
  auto n = static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
  while (n > 0 && !is_ascii(a[n - 1])) --n;
  return n;
}

// What fits these names without their first `done` bytes, in which they agree. They are sorted.
std::string alternatives(std::span<const std::string> names, std::size_t done) {
  const auto rest = [&](const std::string& name) { return std::string_view(name).substr(done); };
  if (names.size() == 1) return rest(names[0]).empty() ? "" : quote_identifier(rest(names[0]));
  const std::size_t common = common_prefix(rest(names.front()), rest(names.back()));
  std::string text =
      common == 0 ? "(" : quote_identifier(rest(names.front()).substr(0, common)) + "(";
  done += common;
  while (!names.empty()) {
    std::size_t n = 1;
    const std::string_view first = rest(names[0]);
    if (!first.empty() && is_ascii(first[0])) {
      while (n < names.size() && rest(names[n])[0] == first[0]) ++n;
    }
    text += alternatives(names.first(n), done) + '|';
    names = names.subspan(n);
  }
  text.back() = ')';
  return text;
}

}  // namespace

std::vector<std::string> data_patterns(const std::vector<std::string>& relations) {
  std::map<std::string, std::vector<std::string>> schemas;
  for (std::string_view rest : relations) {
    std::vector<std::string>& names = schemas[take_name(rest)];
    rest.remove_prefix(1);
    names.push_back(take_name(rest));
  }
  std::vector<std::string> patterns;
  for (auto& [schema, names] : schemas) {
    std::ranges::sort(names);
    for (std::span<const std::string> left = names; !left.empty();) {
      std::size_t n = 0;
      for (std::size_t bytes = 0; n < left.size() && bytes < kMostBytes; ++n) {
        bytes += left[n].size();
      }
      patterns.push_back(quote_identifier(schema) + '.' + alternatives(left.first(n), 0));
      left = left.subspan(n);
    }
  }
  return patterns;
}

}  // namespace pgstow::pg
