#include "base/clock.h"

#include <fmt/format.h>

#include <cstdio>
#include <ctime>

#include "base/fd.h"
#include "base/pause.h"
#include "base/text.h"

namespace pgstow {
namespace {

std::tm local_fields(Time time) {
  const auto t = static_cast<std::time_t>(
      std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count());
  std::tm fields{};
  static_cast<void>(::localtime_r(&t, &fields));
  return fields;
}

std::string format_fields(const std::tm& fields, const char* pattern) {
  char buffer[64];
  const std::size_t n = std::strftime(buffer, sizeof buffer, pattern, &fields);
  return {buffer, n};
}

std::optional<int> digits(std::string_view text, std::size_t at, std::size_t count) {
  if (at + count > text.size()) return std::nullopt;
  int value = 0;
  for (const char c : text.substr(at, count)) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

struct Fields {
  int year, month, day, hour, minute, second;
};

bool exists(const Fields& f) {
  using namespace std::chrono;
  const year_month_day date{year(f.year), month(static_cast<unsigned>(f.month)),
                            day(static_cast<unsigned>(f.day))};
  return date.ok() && f.hour < 24 && f.minute < 60 && f.second < 60;
}

// The fields at the given offsets in text, if they are digits and a time that exists.
std::optional<Fields> fields_at(std::string_view text, const std::size_t (&at)[6]) {
  const auto year = digits(text, at[0], 4);
  const auto month = digits(text, at[1], 2);
  const auto day = digits(text, at[2], 2);
  const auto hour = digits(text, at[3], 2);
  const auto minute = digits(text, at[4], 2);
  const auto second = digits(text, at[5], 2);
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  const Fields f{*year, *month, *day, *hour, *minute, *second};
  if (!exists(f)) return std::nullopt;
  return f;
}

Time utc(const Fields& f) {
  using namespace std::chrono;
  const year_month_day date{year(f.year), month(static_cast<unsigned>(f.month)),
                            day(static_cast<unsigned>(f.day))};
  return Time(sys_days(date)) + hours(f.hour) + minutes(f.minute) + seconds(f.second);
}

}  // namespace

Time SystemClock::now() const {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

void SystemClock::sleep(std::chrono::milliseconds duration, const std::stop_token& stop) const {
  if (!pause_until(std::chrono::steady_clock::now() + duration, stop)) check_stop(stop);
}

std::string stamp(Time time) { return format_fields(local_fields(time), "%Y%m%d_%H%M%S"); }

std::optional<Time> parse_stamp(std::string_view text) {
  if (text.size() != 15 || text[8] != '_') return std::nullopt;
  const auto f = fields_at(text, {0, 4, 6, 9, 11, 13});
  if (!f) return std::nullopt;
  std::tm fields{};
  fields.tm_year = f->year - 1900;
  fields.tm_mon = f->month - 1;
  fields.tm_mday = f->day;
  fields.tm_hour = f->hour;
  fields.tm_min = f->minute;
  fields.tm_sec = f->second;
  fields.tm_isdst = -1;
  return Time(std::chrono::seconds(std::mktime(&fields)));
}

std::string local_time(Time time) { return format_fields(local_fields(time), "%F %T"); }

std::string rfc3339(Time time) {
  const std::tm fields = local_fields(time);
  const auto ms = (time - std::chrono::floor<std::chrono::seconds>(time)).count();
  const long offset = fields.tm_gmtoff / 60;
  return fmt::format("{}.{:03}{}{:02}:{:02}", format_fields(fields, "%FT%T"), ms,
                     offset < 0 ? '-' : '+', std::abs(offset) / 60, std::abs(offset) % 60);
}

std::optional<Time> parse_rfc3339(std::string_view text) {
  const auto f = fields_at(text, {0, 5, 8, 11, 14, 17});
  if (!f || text.size() < 20 || text[4] != '-' || text[7] != '-' || text[13] != ':' ||
      text[16] != ':' || (text[10] != 'T' && text[10] != ' ')) {
    return std::nullopt;
  }
  Time time = utc(*f);
  std::string_view rest = text.substr(19);
  if (rest.front() == '.') {
    std::size_t end = rest.find_first_not_of("0123456789", 1);
    if (end == std::string_view::npos || end < 2) return std::nullopt;
    const std::string millis = (std::string(rest.substr(1, end - 1)) + "000").substr(0, 3);
    time += std::chrono::milliseconds(*parse_int(millis));
    rest.remove_prefix(end);
  }
  if (rest == "Z") return time;
  const auto hour = digits(rest, 1, 2);
  const auto minute = digits(rest, 4, 2);
  if (rest.size() != 6 || rest[3] != ':' || !hour || !minute) return std::nullopt;
  if ((rest[0] != '+' && rest[0] != '-') || *hour > 23 || *minute > 59) return std::nullopt;
  const std::chrono::minutes offset(*hour * 60 + *minute);
  return rest[0] == '+' ? time - offset : time + offset;
}

}  // namespace pgstow
