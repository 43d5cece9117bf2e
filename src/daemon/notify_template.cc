#include "daemon/notify_template.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/text.h"

namespace pgstow {
namespace {

std::string listed(std::span<const std::string_view> names) {
  std::string text;
  for (const std::string_view name : names) text += fmt::format(" {{{}}}", name);
  return text;
}

[[noreturn]] void refuse_name(std::string_view name, std::span<const std::string_view> names) {
  const auto close = nearest(name, {names.begin(), names.end()});
  throw ConfigError(
      fmt::format("there is no placeholder {{{}}}{}", printable(name.substr(0, 40)),
                  close ? fmt::format(": did you mean {{{}}}?", *close) : std::string()),
      "there are" + listed(names));
}

[[noreturn]] void refuse_brace(char brace) {
  throw ConfigError(fmt::format("a {} stands alone", brace),
                    fmt::format("write {0}{0} for a brace", brace));
}

}  // namespace

NotifyTemplate NotifyTemplate::parse(std::string_view text,
                                     std::span<const std::string_view> names) {
  NotifyTemplate made;
  std::string plain;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    const bool twice = at + 1 < text.size() && text[at + 1] == c;
    if ((c == '{' || c == '}') && twice) {
      plain += c;
      ++at;
    } else if (c == '\\' && at + 1 < text.size() && text[at + 1] == 'n') {
      plain += '\n';
      ++at;
    } else if (c == '}') {
      refuse_brace(c);
    } else if (c == '{') {
      const std::size_t end = text.find('}', at);
      if (end == std::string_view::npos) refuse_brace(c);
      const std::string_view name = text.substr(at + 1, end - at - 1);
      if (std::ranges::find(names, name) == names.end()) refuse_name(name, names);
      made.parts_.push_back({.text = std::exchange(plain, {})});
      made.parts_.push_back({.text = std::string(name), .is_name = true});
      at = end;
    } else {
      plain += c;
    }
  }
  made.parts_.push_back({.text = std::move(plain)});
  return made;
}

std::string NotifyTemplate::fill(
    const std::function<std::string(std::string_view name)>& value) const {
  std::string text;
  for (const Part& part : parts_) text += part.is_name ? value(part.text) : part.text;
  return text;
}

}  // namespace pgstow
