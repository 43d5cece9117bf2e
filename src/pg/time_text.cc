#include "pg/time_text.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <string>

#include "base/text.h"

namespace pgstow::pg {
namespace {

constexpr std::int64_t kSecond = 1'000'000;  // microseconds
constexpr std::int64_t kMinute = 60;         // seconds
constexpr std::int64_t kHour = 60 * kMinute;
constexpr std::int64_t kDay = 24 * kHour;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The value of so many digits from `at` on; none if there is anything else.
std::optional<int> digits(std::string_view text, std::size_t at, std::size_t count) {
  if (text.size() < at + count) return std::nullopt;
  int value = 0;
  for (const char c : text.substr(at, count)) {
    if (!is_digit(c)) return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

// Seconds east of UTC of `+05:30`, `-08` or `+00:53:28`.
std::optional<std::int64_t> zone_offset(std::string_view text) {
  if (text.size() != 3 && text.size() != 6 && text.size() != 9) return std::nullopt;
  std::int64_t value = 0;
  std::int64_t unit = kHour;
  for (std::size_t at = 0; at < text.size(); at += 3, unit /= 60) {
    const std::optional<int> part = digits(text, at + 1, 2);
    if (!part || *part >= (at == 0 ? 16 : 60) || (at > 0 && text[at] != ':')) return std::nullopt;
    value += *part * unit;
  }
  if (text[0] != '+' && text[0] != '-') return std::nullopt;
  return text[0] == '+' ? value : -value;
}

// `-04:05:06.5`, `+100:00:00`: of an interval, whose hours may be many.
std::optional<std::int64_t> signed_time(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon < 2 || colon > 7) return std::nullopt;
  const std::optional<int> hours = digits(text, 0, colon);
  const std::optional<std::int64_t> rest = microseconds_of("00" + std::string(text.substr(colon)));
  if (!hours || !rest) return std::nullopt;
  const std::int64_t value = *hours * kHour * kSecond + *rest;
  return negative ? -value : value;
}

struct Unit {
  std::string_view one;
  std::string_view many;
  std::int32_t Interval::* part;
  std::int32_t worth;
};

// In the order in which they are written.
constexpr std::array<Unit, 3> kUnits{{{"year", "years", &Interval::months, 12},
                                      {"mon", "mons", &Interval::months, 1},
                                      {"day", "days", &Interval::days, 1}}};
constexpr std::int64_t kMostOfUnit = 9'999'999;

// Takes a word off the front, and the space after it.
std::string_view take_word(std::string_view& text) {
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(std::min(word.size() + 1, text.size()));
  return word;
}

}  // namespace

std::optional<std::int32_t> days_of(std::string_view text) {
  using namespace std::chrono;
  const std::optional<int> y = digits(text, 0, 4);
  const std::optional<int> m = digits(text, 5, 2);
  const std::optional<int> d = digits(text, 8, 2);
  if (text.size() != 10 || !y || !m || !d || text[4] != '-' || text[7] != '-') return std::nullopt;
  const year_month_day date{year{*y}, month{static_cast<unsigned>(*m)},
                            day{static_cast<unsigned>(*d)}};
  if (!date.ok() || *y == 0) return std::nullopt;
  return (sys_days{date} - sys_days{year{2000} / January / 1}).count();
}

std::optional<std::int64_t> microseconds_of(std::string_view text) {
  const std::optional<int> h = digits(text, 0, 2);
  const std::optional<int> m = digits(text, 3, 2);
  const std::optional<int> s = digits(text, 6, 2);
  if (!h || !m || !s || text[2] != ':' || text[5] != ':') return std::nullopt;
  if (*h > 23 || *m > 59 || *s > 59) return std::nullopt;
  std::int64_t value = (*h * kHour + *m * kMinute + *s) * kSecond;
  text.remove_prefix(8);
  if (text.empty()) return value;
  if (text[0] != '.' || text.size() < 2 || text.size() > 7) return std::nullopt;
  const std::optional<int> fraction = digits(text, 1, text.size() - 1);
  if (!fraction) return std::nullopt;
  std::int64_t part = *fraction;
  for (std::size_t i = text.size(); i < 7; ++i) part *= 10;
  return value + part;
}

std::optional<std::int64_t> timestamp_of(std::string_view text) {
  if (text.size() < 19 || text[10] != ' ') return std::nullopt;
  const std::optional<std::int32_t> day = days_of(text.substr(0, 10));
  const std::optional<std::int64_t> time = microseconds_of(text.substr(11));
  if (!day || !time) return std::nullopt;
  return *day * kDay * kSecond + *time;
}

std::optional<std::int64_t> timestamp_tz_of(std::string_view text) {
  const std::size_t zone = text.find_first_of("+-", std::min<std::size_t>(text.size(), 19));
  if (zone == std::string_view::npos) return std::nullopt;
  const std::optional<std::int64_t> local = timestamp_of(text.substr(0, zone));
  const std::optional<std::int64_t> offset = zone_offset(text.substr(zone));
  if (!local || !offset) return std::nullopt;
  return *local - *offset * kSecond;
}

std::optional<Interval> interval_of(std::string_view text) {
  if (text.empty() || text.ends_with(' ')) return std::nullopt;
  Interval value;
  const auto* next = kUnits.begin();
  while (!text.empty()) {
    const std::string_view word = take_word(text);
    if (text.empty()) {
      const std::optional<std::int64_t> time = signed_time(word);
      value.microseconds = time.value_or(0);
      return time ? std::optional(value) : std::nullopt;
    }
    const auto number =
        parse_int(word.substr(word.starts_with('+') && !word.starts_with("+-") ? 1 : 0));
    if (!number || *number > kMostOfUnit || *number < -kMostOfUnit) return std::nullopt;
    const std::string_view name = take_word(text);
    next = std::find_if(next, kUnits.end(),
                        [&](const Unit& unit) { return name == unit.one || name == unit.many; });
    if (next == kUnits.end()) return std::nullopt;
    value.*(next->part) += static_cast<std::int32_t>(*number) * next->worth;
    ++next;
  }
  return value;
}

}  // namespace pgstow::pg
