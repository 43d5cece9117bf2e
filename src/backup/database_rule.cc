#include "backup/database_rule.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/text.h"

namespace pgstow {
namespace {

constexpr const char* kHint =
    "names and patterns, separated by commas: shop,blog or *,!test_*; a name with , * ? or ! in "
    "it stands in double quotes";

// The entries, without the white space around them; a comma in quotes separates nothing.
std::vector<std::string_view> entries_of(std::string_view text) {
  std::vector<std::string_view> entries;
  bool quoted = false;
  std::size_t start = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '"') quoted = !quoted;
    if (text[at] != ',' || quoted) continue;
    entries.push_back(trim(text.substr(start, at - start)));
    start = at + 1;
  }
  if (quoted) throw ConfigError("a double quote is not closed", kHint);
  entries.push_back(trim(text.substr(start)));
  return entries;
}

std::string unquoted(std::string_view entry) {
  std::string name;
  for (std::size_t at = 1; at + 1 < entry.size(); ++at) {
    name += entry[at];
    if (entry[at] != '"') continue;
    ++at;
    if (at + 1 >= entry.size() || entry[at] != '"') {
      throw ConfigError("a double quote within a name has to be doubled", kHint);
    }
  }
  return name;
}

// Of what a star may stand for, the shortest that lets the rest fit: going back to the last star is
// enough.
bool glob(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;
  std::size_t resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && pattern[p] == '?') {
      ++p;
      t += std::max<std::size_t>(utf8_length(text.substr(t)), 1);
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

}  // namespace

DatabaseRule DatabaseRule::parse(std::string_view text) {
  DatabaseRule rule;
  for (std::string_view entry : entries_of(text)) {
    const bool out = entry.starts_with('!');
    if (out) entry = trim(entry.substr(1));
    const bool quoted = entry.size() >= 2 && entry.front() == '"' && entry.back() == '"';
    const std::string name = quoted ? unquoted(entry) : std::string(entry);
    if (name.empty()) throw ConfigError("an entry is empty", kHint);
    if (!quoted && name.find('"') != std::string::npos) {
      throw ConfigError("a double quote stands within an entry", kHint);
    }
    const bool pattern = !quoted && name.find_first_of("*?") != std::string::npos;
    (out ? rule.left_out_ : rule.taken_).push_back({.text = name, .pattern = pattern});
  }
  if (rule.taken_.empty()) throw ConfigError("nothing is taken", "to leave some out: *,!NAME");
  return rule;
}

bool DatabaseRule::fits(const Entry& entry, std::string_view name) {
  return entry.pattern ? glob(entry.text, name) : entry.text == name;
}

std::vector<std::string> DatabaseRule::choose(const std::vector<std::string>& on_server) const {
  std::set<std::string> chosen;
  const auto any_fits = [](const std::vector<Entry>& entries, const std::string& name) {
    return std::ranges::any_of(entries, [&](const Entry& entry) { return fits(entry, name); });
  };
  for (const std::string& name : on_server) {
    if (any_fits(taken_, name)) chosen.insert(name);
  }
  for (const Entry& entry : taken_) {
    if (!entry.pattern) chosen.insert(entry.text);
  }
  std::erase_if(chosen, [&](const std::string& name) { return any_fits(left_out_, name); });
  return {chosen.begin(), chosen.end()};
}

}  // namespace pgstow
