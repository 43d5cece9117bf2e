// mask_url(): what `pgstow config` and the log show of a connection string.
#include <fmt/format.h>
#include <libpq-fe.h>

#include <memory>

#include "base/text.h"
#include "pg/conninfo.h"
#include "pg/sql_text.h"
#include "pg/url.h"

namespace pgstow::pg {
namespace {

constexpr std::string_view kMask = "********";

bool is_secret(std::string_view keyword) {
  const std::string name = lower(keyword);
  const auto holds = [&](std::string_view part) { return name.find(part) != std::string::npos; };
  return name != "passfile" && (holds("pass") || holds("secret") || holds("scram"));
}

std::string mask_authority(const std::string& authority) {
  const std::size_t at = authority.find('@');
  const std::size_t colon = authority.find(':');
  if (at == std::string::npos || colon > at) return authority;
  return fmt::format("{}:{}{}", authority.substr(0, colon), kMask, authority.substr(at));
}

// Behind a password nothing is shown: it may be its second half, after an unescaped "&".
std::string mask_query(const std::string& query) {
  std::string out;
  for (const std::string_view pair : split(query, '&')) {
    const std::string_view name = pair.substr(0, pair.find('='));
    out += out.empty() ? '?' : '&';
    if (is_secret(name)) return fmt::format("{}{}={}", out, name, kMask);
    out += pair;
  }
  return out;
}

std::string mask_keywords(const std::string& text) {
  const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> options(
      PQconninfoParse(text.c_str(), nullptr), PQconninfoFree);
  if (!options) return std::string(kMask);
  std::vector<std::string> shown;
  for (const PQconninfoOption* o = options.get(); o->keyword != nullptr; ++o) {
    if (o->val == nullptr) continue;
    const std::string_view value(o->val);
    const bool plain = !value.empty() && value.find_first_of(" \t\n'\\") == std::string_view::npos;
    shown.push_back(fmt::format("{}={}", o->keyword,
                                is_secret(o->keyword) ? std::string(kMask)
                                : plain               ? std::string(value)
                                                      : quote_conninfo(value)));
  }
  return join(shown, " ");
}

bool is_scheme_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
         c == '.' || c == ':';
}

// Where the scheme before the first "://" begins.
std::size_t find_url(std::string_view word) {
  std::size_t begin = word.find("://");
  if (begin == std::string_view::npos) return begin;
  while (begin > 0 && is_scheme_character(word[begin - 1])) --begin;
  return begin;
}

// The end of the first "password" that a = follows, in whatever case.
std::size_t find_password(std::string_view word) {
  constexpr std::string_view kKeyword = "password";
  const std::string text = lower(word);
  for (std::size_t at = 0; (at = text.find(kKeyword, at)) != std::string::npos;) {
    at += kKeyword.size();
    if (trim(text.substr(at)).starts_with('=')) return at;
  }
  return std::string_view::npos;
}

}  // namespace

std::string mask_word(std::string_view word) {
  const std::size_t url = find_url(word);
  const std::size_t password = find_password(word);
  if (url == std::string_view::npos && password == std::string_view::npos) {
    return std::string(word);
  }
  if (password < url) return fmt::format("{}={}", word.substr(0, password), kMask);
  const std::string_view rest = word.substr(url);
  return std::string(word.substr(0, url)) + (is_url(rest) ? mask_url(rest) : std::string(kMask));
}

std::string mask_url(std::string_view text) {
  text = trim(text);
  if (!is_url(text)) return mask_keywords(std::string(text));
  const Url url = split_url(text);
  const std::string begin(text.substr(0, text.find("://") + 3));
  if (!has_sound_authority(url)) return begin + std::string(kMask);
  return begin + mask_authority(url.authority) + url.path +
         (url.query.empty() ? "" : mask_query(url.query));
}

}  // namespace pgstow::pg
