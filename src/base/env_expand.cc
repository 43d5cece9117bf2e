#include "base/env_expand.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace pgstow {
namespace {

constexpr int kMaxDepth = 16;
// Lines that double a variable each would otherwise grow without end.
constexpr std::size_t kMaxValue = 1u << 20;

bool is_name_start(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_'; }
bool is_name_part(char c) { return is_name_start(c) || (c >= '0' && c <= '9'); }

// One walk over a raw value. `live` is false in words that are read but not used, as the default of
// a variable that is set: nothing is raised or noted there.
class Expansion {
 public:
  Expansion(std::string_view raw, bool with_escapes, const Lookup& lookup)
      : raw_(raw), with_escapes_(with_escapes), lookup_(lookup) {}

  Expanded run() {
    std::string value = text(false, true, 0);
    return {.value = std::move(value), .unset = std::move(unset_)};
  }

 private:
  bool at_end() const { return at_ == raw_.size(); }
  char peek() const { return at_end() ? '\0' : raw_[at_]; }
  bool take(char c) {
    if (at_end() || raw_[at_] != c) return false;
    ++at_;
    return true;
  }

  // Up to the end, or up to the } of the braces it stands in.
  std::string text(bool in_braces, bool live, int depth) {
    if (depth > kMaxDepth) throw ConfigError("variables are nested too deeply");
    std::string out;
    while (!at_end() && !(in_braces && peek() == '}')) {
      const char c = raw_[at_++];
      if (c == '\\' && with_escapes_) {
        out += escape();
      } else if (c == '$') {
        out += dollar(live, depth);
      } else {
        out += c;
      }
      if (out.size() > kMaxValue) throw ConfigError("the value is longer than 1 MiB");
    }
    return out;
  }

  std::string escape() {
    constexpr std::string_view kWritten = "nrt\\\"$";
    constexpr std::string_view kMeant = "\n\r\t\\\"$";
    const std::size_t which = at_end() ? std::string_view::npos : kWritten.find(peek());
    if (which == std::string_view::npos) return "\\";
    ++at_;
    return {kMeant[which]};
  }

  std::string dollar(bool live, int depth) {
    if (take('$')) return "$";
    if (take('{')) return braces(live, depth);
    const std::string name = take_name();
    return name.empty() ? "$" : value_of(name, live);
  }

  std::string take_name() {
    const std::size_t begin = at_;
    if (is_name_start(peek())) {
      while (is_name_part(peek())) ++at_;
    }
    return std::string(raw_.substr(begin, at_ - begin));
  }

  std::string value_of(const std::string& name, bool live) {
    const auto value = lookup_(name);
    if (!value && live) unset_.push_back(name);
    return value.value_or("");
  }

  std::string braces(bool live, int depth) {
    const std::string name = take_name();
    if (name.empty()) throw ConfigError("${ without a variable's name", kDollarHint);
    if (take('}')) return value_of(name, live);
    const bool colon = take(':');
    const char what = peek();
    if (what != '-' && what != '?' && what != '+') {
      throw ConfigError(fmt::format("${{{} is not closed by }}", name), kDollarHint);
    }
    ++at_;
    const auto value = lookup_(name);
    const bool set = value && !(colon && value->empty());
    const bool word_counts = live && (what == '+') == set;
    std::string word = text(true, word_counts, depth + 1);
    if (!take('}')) throw ConfigError(fmt::format("${{{} is not closed by }}", name), kDollarHint);
    if (what == '+') return set ? word : "";
    if (set) return *value;
    if (what == '?' && live) {
      throw ConfigError(fmt::format("{}: {}", name, word.empty() ? "is not set" : word));
    }
    return word;
  }

  static constexpr const char* kDollarHint = "write $$ for a $ that is part of the value";

  const std::string_view raw_;
  const bool with_escapes_;
  const Lookup& lookup_;
  std::size_t at_ = 0;
  std::vector<std::string> unset_;
};

}  // namespace

bool is_variable_name(std::string_view name) {
  return !name.empty() && is_name_start(name.front()) && std::ranges::all_of(name, is_name_part);
}

Expanded expand_variables(std::string_view raw, bool with_escapes, const Lookup& lookup) {
  return Expansion(raw, with_escapes, lookup).run();
}

}  // namespace pgstow
