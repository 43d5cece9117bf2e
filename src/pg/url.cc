#include "pg/url.h"

#include <algorithm>

#include "base/text.h"

namespace pgstow::pg {
namespace {

constexpr std::string_view kJdbc = "jdbc:";

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

bool has_jdbc(std::string_view text) { return lower(text.substr(0, kJdbc.size())) == kJdbc; }

// Cuts off and returns what stands before the first of `ends`.
std::string take_until(std::string_view& text, std::string_view ends) {
  const std::size_t end = std::min(text.find_first_of(ends), text.size());
  const std::string taken(text.substr(0, end));
  text.remove_prefix(end);
  return taken;
}

// "host:5432,[::1]:5433": nothing in it can be a password whose "@host" was forgotten.
bool is_host_list(std::string_view authority) {
  return std::ranges::all_of(split(authority, ','), [](std::string_view host) {
    if (host.starts_with('[')) host.remove_prefix(std::min(host.find(']'), host.size()));
    const std::size_t colon = host.find(':');
    return colon == std::string_view::npos || std::ranges::all_of(host.substr(colon + 1), is_digit);
  });
}

}  // namespace

bool is_url(std::string_view text) {
  if (has_jdbc(text)) text.remove_prefix(kJdbc.size());
  const std::string_view scheme = text.substr(0, text.find("://"));
  const auto fits = [](char c) {
    return is_letter(c) || is_digit(c) || c == '+' || c == '-' || c == '.';
  };
  return scheme.size() < text.size() && !scheme.empty() && is_letter(scheme.front()) &&
         std::ranges::all_of(scheme, fits);
}

Url split_url(std::string_view text) {
  Url url;
  if (has_jdbc(text)) {
    url.driver = kJdbc;
    text.remove_prefix(kJdbc.size());
  }
  url.scheme = lower(take_until(text, "+:"));
  url.driver += take_until(text, ":");
  text.remove_prefix(3);
  // As libpq does it: user and password end at the first "@", even behind a "?", unless a "/" comes
  // first; only then hosts, path and query begin.
  const std::size_t at = text.find_first_of("@/");
  if (at != std::string_view::npos && text[at] == '@') {
    url.authority = text.substr(0, at + 1);
    text.remove_prefix(at + 1);
  }
  url.authority += take_until(text, "/?");
  url.path = take_until(text, "?");
  if (!text.empty()) url.query = text.substr(1);
  return url;
}

bool has_sound_escapes(std::string_view text) {
  for (std::size_t at = 0; (at = text.find('%', at)) != std::string_view::npos; at += 3) {
    if (at + 2 >= text.size() || !is_hex(text[at + 1]) || !is_hex(text[at + 2])) return false;
    if (text.substr(at + 1, 2) == "00") return false;
  }
  return true;
}

bool has_sound_authority(const Url& url) {
  const auto signs = std::ranges::count(url.authority, '@');
  return url.path.find('@') == std::string::npos && url.query.find('@') == std::string::npos &&
         (signs == 0 ? is_host_list(url.authority) : signs == 1);
}

}  // namespace pgstow::pg
