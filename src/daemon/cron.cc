#include "daemon/cron.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "base/error.h"
#include "base/text.h"

namespace pgstow {
namespace {

using std::chrono::days;
using std::chrono::local_days;
using std::chrono::sys_seconds;

constexpr std::array<std::string_view, 12> kMonths{"jan", "feb", "mar", "apr", "may", "jun",
                                                   "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 7> kDays{"sun", "mon", "tue", "wed", "thu", "fri", "sat"};
constexpr std::array<std::string_view, 12> kMonthNames{
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December"};
constexpr std::array<std::string_view, 7> kDayNames{"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                    "Thursday", "Friday", "Saturday"};
// 29 February falls on a given weekday at least once in 40 years, also across 2100.
constexpr days kLongestWait{41 * 366};

struct Field {
  std::string_view name;
  int least;
  int most;
  std::span<const std::string_view> names;
};

constexpr std::array<Field, 5> kFields{
    Field{"minute", 0, 59, {}}, Field{"hour", 0, 23, {}}, Field{"day of month", 1, 31, {}},
    Field{"month", 1, 12, kMonths}, Field{"day of week", 0, 7, kDays}};

constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kNicknames{{
    {"@hourly", "0 * * * *"},
    {"@daily", "0 0 * * *"},
    {"@midnight", "0 0 * * *"},
    {"@weekly", "0 0 * * 0"},
    {"@monthly", "0 0 1 * *"},
    {"@yearly", "0 0 1 1 *"},
    {"@annually", "0 0 1 1 *"},
}};

[[noreturn]] void refuse_field(const Field& field, std::string_view text, std::string_view why) {
  throw ConfigError(
      fmt::format("{}: \"{}\": {}", field.name, printable(text), why),
      fmt::format("allowed are *, {} to {}, ranges (a-b), steps (*/n, a-b/n) and lists of them{}",
                  field.least, field.most,
                  field.names.empty()
                      ? std::string()
                      : fmt::format(", also {} to {}", field.names.front(), field.names.back())));
}

int read_value(const Field& field, std::string_view text, std::string_view whole) {
  const std::string name = lower(text);
  const auto known = std::ranges::find(field.names, name);
  if (known != field.names.end()) {
    return static_cast<int>(known - field.names.begin()) + (field.least == 1 ? 1 : 0);
  }
  const auto value = parse_int(text);
  if (!value) refuse_field(field, whole, fmt::format("\"{}\" is no number", printable(text)));
  if (*value < field.least || *value > field.most) {
    refuse_field(field, whole, fmt::format("{} is out of range", *value));
  }
  return static_cast<int>(*value);
}

struct Span {
  int first;
  int last;
};

Span read_span(const Field& field, std::string_view text, std::string_view whole) {
  if (text == "*") return {field.least, field.most};
  const std::size_t dash = text.find('-');
  const int first = read_value(field, text.substr(0, dash), whole);
  if (dash == std::string_view::npos) return {first, first};
  int last = read_value(field, text.substr(dash + 1), whole);
  if (field.most == 7 && last == 0 && first > 0) last = 7;  // fri-sun
  if (last < first) refuse_field(field, whole, "the range runs backwards");
  return {first, last};
}

// Calls back with each value that the field's text lists.
template <typename Add>
void read_field(const Field& field, std::string_view text, const Add& add) {
  for (const std::string_view part : split(text, ',')) {
    const std::size_t slash = part.find('/');
    const std::string_view range = part.substr(0, slash);
    if (range.empty()) refuse_field(field, text, "something is missing");
    const Span span = read_span(field, range, text);
    std::int64_t step = 1;
    if (slash != std::string_view::npos) {
      const auto value = parse_int(part.substr(slash + 1));
      if (!value || *value < 1 || *value > field.most) {
        refuse_field(field, text, "the step is no number that fits");
      }
      if (range != "*" && range.find('-') == std::string_view::npos) {
        refuse_field(field, text, "a step needs * or a range before it");
      }
      step = *value;
    }
    for (std::int64_t value = span.first; value <= span.last; value += step) {
      add(static_cast<std::size_t>(value));
    }
  }
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  while (!(text = trim(text)).empty()) {
    const std::size_t end = std::min(text.find_first_of(" \t"), text.size());
    words.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return words;
}

std::string_view expand_nickname(std::string_view text) {
  const std::string name = lower(text);
  for (const auto& [nickname, fields] : kNicknames) {
    if (name == nickname) return fields;
  }
  throw ConfigError(fmt::format("\"{}\" is not known", printable(text)),
                    "known are @hourly, @daily, @weekly, @monthly and @yearly");
}

// ---- in words -------------------------------------------------------------------------------

template <std::size_t N>
std::vector<std::size_t> members(const std::bitset<N>& set) {
  std::vector<std::size_t> list;
  for (std::size_t i = 0; i < N; ++i) {
    if (set[i]) list.push_back(i);
  }
  return list;
}

std::string and_list(const std::vector<std::string>& words) {
  if (words.size() < 2) return words.empty() ? "" : words.front();
  const std::vector<std::string> most(words.begin(), words.end() - 1);
  return join(most, ", ") + " and " + words.back();
}

// The distance of values that divide the whole evenly and begin with 0; nothing if there is none.
std::optional<std::size_t> even_step(const std::vector<std::size_t>& values, std::size_t whole) {
  if (values.size() < 2 || values[0] != 0 || whole % values.size() != 0) return std::nullopt;
  const std::size_t step = whole / values.size();
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] != i * step) return std::nullopt;
  }
  return step;
}

std::string minutes_in_words(const std::vector<std::size_t>& minutes) {
  if (const auto step = even_step(minutes, 60)) {
    return *step == 1 ? "every minute" : fmt::format("every {} minutes", *step);
  }
  std::vector<std::string> list;
  for (const std::size_t minute : minutes) list.push_back(std::to_string(minute));
  return fmt::format("at minute {}", and_list(list));
}

std::string times_in_words(const std::vector<std::size_t>& hours,
                           const std::vector<std::size_t>& minutes) {
  if (hours.size() == 24) {
    if (minutes.size() == 1) return fmt::format("every hour at minute {}", minutes[0]);
    return minutes_in_words(minutes);
  }
  if (const auto step = even_step(hours, 24); step && minutes.size() == 1) {
    return fmt::format("every {} hours at minute {}", *step, minutes[0]);
  }
  std::vector<std::string> list;
  if (hours.size() * minutes.size() <= 12) {
    for (const std::size_t hour : hours) {
      for (const std::size_t minute : minutes)
        list.push_back(fmt::format("{:02}:{:02}", hour, minute));
    }
    return "at " + and_list(list);
  }
  for (const std::size_t hour : hours) list.push_back(std::to_string(hour));
  return fmt::format("{} of the hours {}", minutes_in_words(minutes), and_list(list));
}

std::string weekdays_in_words(const std::vector<std::size_t>& weekdays) {
  std::vector<std::string> list;
  for (const std::size_t day : weekdays) list.push_back(std::string(kDayNames.at(day)) + "s");
  return and_list(list);
}

std::string days_in_words(const std::vector<std::size_t>& numbers) {
  std::vector<std::string> list;
  for (const std::size_t day : numbers) list.push_back(std::to_string(day));
  return (numbers.size() == 1 ? "day " : "days ") + and_list(list) + " of the month";
}

}  // namespace

CronSchedule CronSchedule::parse(std::string_view text, const Zone& zone) {
  const std::string_view whole = trim(text);
  try {
    std::string_view rest = whole;
    std::optional<Zone> own;
    for (const std::string_view prefix : {"CRON_TZ=", "TZ="}) {
      if (own || !rest.starts_with(prefix)) continue;
      const std::size_t end = std::min(rest.find_first_of(" \t"), rest.size());
      own = Zone::load(rest.substr(prefix.size(), end - prefix.size()));
      rest = trim(rest.substr(end));
    }
    CronSchedule schedule{std::string(whole), own.value_or(zone)};
    if (rest.starts_with('@')) rest = expand_nickname(rest);
    const std::vector<std::string_view> fields = words_of(rest);
    if (fields.size() != kFields.size()) {
      throw ConfigError(
          fmt::format("it has {} fields instead of 5", fields.size()),
          "the fields are minute, hour, day of month, month and day of week: \"0 3 * * *\"");
    }
    read_field(kFields[0], fields[0], [&](std::size_t i) { schedule.minutes_.set(i); });
    read_field(kFields[1], fields[1], [&](std::size_t i) { schedule.hours_.set(i); });
    read_field(kFields[2], fields[2], [&](std::size_t i) { schedule.days_.set(i); });
    read_field(kFields[3], fields[3], [&](std::size_t i) { schedule.months_.set(i); });
    read_field(kFields[4], fields[4], [&](std::size_t i) { schedule.weekdays_.set(i % 7); });
    schedule.any_day_ = fields[2].starts_with('*');
    schedule.any_weekday_ = fields[4].starts_with('*');
    if (!schedule.search(sys_seconds(std::chrono::sys_days(std::chrono::year(2024) / 1 / 1)))) {
      throw ConfigError("it is never due", "that day does not exist in any of these months");
    }
    return schedule;
  } catch (Error& e) {
    e.within(fmt::format("schedule \"{}\"", printable(whole)));
    throw;
  }
}

bool CronSchedule::is_day(local_days day) const {
  const std::chrono::year_month_day date(day);
  if (!months_[static_cast<unsigned>(date.month())]) return false;
  const bool in_month = days_[static_cast<unsigned>(date.day())];
  const bool in_week = weekdays_[std::chrono::weekday(day).c_encoding()];
  return any_day_ || any_weekday_ ? in_month && in_week : in_month || in_week;
}

std::optional<sys_seconds> CronSchedule::first_on(local_days day, sys_seconds after) const {
  for (std::size_t hour = 0; hour < hours_.size(); ++hour) {
    if (!hours_[hour]) continue;
    for (std::size_t minute = 0; minute < minutes_.size(); ++minute) {
      if (!minutes_[minute]) continue;
      const sys_seconds due =
          zone_.to_instant(day + std::chrono::hours(hour) + std::chrono::minutes(minute));
      if (due > after) return due;
    }
  }
  return std::nullopt;
}

std::optional<sys_seconds> CronSchedule::search(sys_seconds after) const {
  // From the day before: its late times may have been moved past midnight by a gap.
  const auto today = std::chrono::floor<days>(zone_.to_local(after));
  for (local_days day = today - days(1); day <= today + kLongestWait; day += days(1)) {
    if (!is_day(day)) continue;
    if (const auto due = first_on(day, after)) return due;
  }
  return std::nullopt;
}

sys_seconds CronSchedule::next(sys_seconds time) const {
  const auto due = search(time);
  if (!due) throw Error(fmt::format("schedule \"{}\" is never due again", text_));
  return *due;
}

std::string CronSchedule::in_words() const {
  std::vector<std::string> parts{times_in_words(members(hours_), members(minutes_))};
  const bool every_day = days_.count() == 31;
  const bool every_weekday = weekdays_.count() == 7;
  const std::string between = any_day_ || any_weekday_ ? " if it is one of the " : " and on ";
  if (every_day && every_weekday) {
    if (parts[0].starts_with("at ")) parts.insert(parts.begin(), "every day");
  } else if (every_day) {
    parts.insert(parts.begin(), "on " + weekdays_in_words(members(weekdays_)));
  } else if (every_weekday) {
    parts.insert(parts.begin(), "on " + days_in_words(members(days_)));
  } else {
    parts.insert(parts.begin(), "on " + days_in_words(members(days_)) + between +
                                    weekdays_in_words(members(weekdays_)));
  }
  if (months_.count() < 12) {
    std::vector<std::string> list;
    for (const std::size_t month : members(months_)) list.emplace_back(kMonthNames.at(month - 1));
    parts.push_back("in " + and_list(list));
  }
  return join(parts, " ");
}

std::vector<CronSchedule> parse_schedules(std::string_view text, const Zone& zone) {
  std::vector<CronSchedule> schedules;
  for (const std::string_view part : split(text, ';')) {
    if (trim(part).empty()) continue;
    schedules.push_back(CronSchedule::parse(part, zone));
  }
  if (schedules.empty())
    throw ConfigError("there is no schedule", "\"0 3 * * *\" is every day at 3");
  return schedules;
}

sys_seconds next_of(const std::vector<CronSchedule>& schedules, sys_seconds time) {
  sys_seconds earliest = sys_seconds::max();
  for (const CronSchedule& schedule : schedules) earliest = std::min(earliest, schedule.next(time));
  return earliest;
}

}  // namespace pgstow
