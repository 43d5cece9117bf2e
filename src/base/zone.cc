#include "base/zone.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "base/error.h"
#include "base/text.h"

namespace pgstow {
namespace {

using std::chrono::local_seconds;
using std::chrono::seconds;
using std::chrono::sys_days;
using std::chrono::sys_seconds;

constexpr std::size_t kLargestFile = 1 << 20;
constexpr seconds kLargestOffset{26 * 3600};

// Takes big-endian numbers off the front of a text.
class Bytes {
 public:
  explicit Bytes(std::string_view text) : text_(text) {}

  std::string_view take(std::size_t n) {
    if (n > text_.size()) throw Corrupt("the file is cut short");
    const std::string_view taken = text_.substr(0, n);
    text_.remove_prefix(n);
    return taken;
  }

  std::int64_t number(std::size_t bytes) {
    std::uint64_t value = 0;
    const std::string_view taken = take(bytes);
    for (const char c : taken) value = value << 8 | static_cast<unsigned char>(c);
    if (bytes == 4) return static_cast<std::int32_t>(static_cast<std::uint32_t>(value));
    return static_cast<std::int64_t>(value);
  }

  std::string_view rest() const { return text_; }

 private:
  std::string_view text_;
};

struct Header {
  char version = 0;
  std::size_t ut = 0, standard = 0, leaps = 0, times = 0, types = 0, chars = 0;

  std::size_t data_bytes(std::size_t time_bytes) const {
    return times * (time_bytes + 1) + types * 6 + chars + leaps * (time_bytes + 4) + standard + ut;
  }
};

Header read_header(Bytes& bytes) {
  if (bytes.take(4) != "TZif") throw Corrupt("it is no zone file");
  Header header;
  header.version = bytes.take(1)[0];
  bytes.take(15);
  for (std::size_t* count :
       {&header.ut, &header.standard, &header.leaps, &header.times, &header.types, &header.chars}) {
    const std::int64_t value = bytes.number(4);
    if (value < 0 || value > 100'000) throw Corrupt("a count in its header is absurd");
    *count = static_cast<std::size_t>(value);
  }
  if (header.types == 0) throw Corrupt("it has no types of local time");
  return header;
}

// The parts of a POSIX TZ string, taken off the front one by one.
class RuleText {
 public:
  explicit RuleText(std::string_view text) : text_(text) {}

  bool done() const { return text_.empty(); }

  bool take(char c) {
    if (text_.empty() || text_.front() != c) return false;
    text_.remove_prefix(1);
    return true;
  }

  bool name() {
    if (take('<')) {
      const std::size_t end = text_.find('>');
      if (end == std::string_view::npos || end < 3) return false;
      text_.remove_prefix(end + 1);
      return true;
    }
    const std::size_t end =
        std::min(text_.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"),
                 text_.size());
    text_.remove_prefix(end);
    return end >= 3;
  }

  std::optional<int> number(int least, int most) {
    const std::size_t digits = std::min(text_.find_first_not_of("0123456789"), text_.size());
    const auto value = parse_int(text_.substr(0, digits));
    if (!value || *value < least || *value > most) return std::nullopt;
    text_.remove_prefix(digits);
    return static_cast<int>(*value);
  }

  // [+-]hh[:mm[:ss]]
  std::optional<seconds> time(int most_hours) {
    const bool negative = take('-');
    if (!negative) take('+');
    const auto hours = number(0, most_hours);
    if (!hours) return std::nullopt;
    seconds value = std::chrono::hours(*hours);
    for (const int unit : {60, 1}) {
      if (!take(':')) break;
      const auto part = number(0, 59);
      if (!part) return std::nullopt;
      value += seconds(*part * unit);
    }
    return negative ? -value : value;
  }

  std::optional<YearlyChange> change() {
    YearlyChange change;
    if (!take(',')) return std::nullopt;
    if (take('M')) {
      change.kind = YearlyChange::Kind::kMonthWeekDay;
      const auto month = number(1, 12);
      const auto week = take('.') ? number(1, 5) : std::nullopt;
      const auto weekday = take('.') ? number(0, 6) : std::nullopt;
      if (!month || !week || !weekday) return std::nullopt;
      change.month = *month;
      change.week = *week;
      change.weekday = *weekday;
    } else {
      const bool julian = take('J');
      change.kind = julian ? YearlyChange::Kind::kJulian : YearlyChange::Kind::kDayOfYear;
      const auto day = number(julian ? 1 : 0, 365);
      if (!day) return std::nullopt;
      change.day = *day;
    }
    if (take('/')) {
      const auto at = time(167);  // RFC 8536, 3.3.1: a week either way
      if (!at) return std::nullopt;
      change.time = *at;
    }
    return change;
  }

 private:
  std::string_view text_;
};

sys_days day_of(const YearlyChange& change, std::chrono::year year) {
  using namespace std::chrono;
  const sys_days first = sys_days(year / January / 1);
  switch (change.kind) {
    case YearlyChange::Kind::kDayOfYear:
      return first + days(change.day);
    case YearlyChange::Kind::kJulian:
      return first + days(change.day - 1 + (year.is_leap() && change.day >= 60 ? 1 : 0));
    case YearlyChange::Kind::kMonthWeekDay:
      break;
  }
  const month in(static_cast<unsigned>(change.month));
  const weekday day(static_cast<unsigned>(change.weekday));
  if (change.week == 5) return sys_days(year / in / day[last]);
  return sys_days(year / in / day[static_cast<unsigned>(change.week)]);
}

std::string zone_folder() {
  for (const char* variable : {"ZONEINFO", "TZDIR"}) {
    const char* value = std::getenv(variable);
    if (value != nullptr && *value != '\0') return value;
  }
  return "/usr/share/zoneinfo";
}

std::optional<std::string> read_small_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::string content(kLargestFile, '\0');
  file.read(content.data(), static_cast<std::streamsize>(content.size()));
  if (file.bad() || (file.fail() && !file.eof())) return std::nullopt;
  content.resize(static_cast<std::size_t>(file.gcount()));
  return content;
}

// Nothing that leads out of the folder.
bool is_zone_name(std::string_view name) {
  return !name.empty() && name.front() != '/' && name.find("..") == std::string_view::npos &&
         std::ranges::all_of(name, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '/' || c == '_' || c == '-' || c == '+';
         });
}

}  // namespace

std::optional<ZoneRule> parse_zone_rule(std::string_view text) {
  RuleText rest(text);
  ZoneRule rule;
  if (!rest.name()) return std::nullopt;
  const auto standard = rest.time(24);
  if (!standard) return std::nullopt;
  rule.standard = -*standard;  // POSIX counts to the west
  if (rest.done()) return rule;
  if (!rest.name()) return std::nullopt;
  rule.summer = rule.standard + std::chrono::hours(1);
  RuleText before = rest;
  if (const auto summer = rest.time(24)) {
    rule.summer = -*summer;
  } else {
    rest = before;
  }
  const auto begin = rest.change();
  const auto end = rest.change();
  if (!begin || !end || !rest.done()) return std::nullopt;
  rule.begin = *begin;
  rule.end = *end;
  return rule;
}

Zone Zone::parse(std::string_view tzif, std::string name) {
  Bytes bytes(tzif);
  Header header = read_header(bytes);
  std::size_t time_bytes = 4;
  if (header.version >= '2') {  // the first block is for readers that know no other
    bytes.take(header.data_bytes(4));
    header = read_header(bytes);
    time_bytes = 8;
  }
  Zone zone;
  zone.name_ = std::move(name);
  std::vector<sys_seconds> times;
  for (std::size_t i = 0; i < header.times; ++i) {
    times.emplace_back(seconds(bytes.number(time_bytes)));
  }
  const std::string_view indices = bytes.take(header.times);
  std::vector<seconds> offsets;
  for (std::size_t i = 0; i < header.types; ++i) {
    offsets.emplace_back(bytes.number(4));
    bytes.take(2);
    if (std::chrono::abs(offsets.back()) > kLargestOffset) throw Corrupt("an offset is absurd");
  }
  bytes.take(header.chars + header.leaps * (time_bytes + 4) + header.standard + header.ut);
  zone.first_offset_ = offsets.front();
  for (std::size_t i = 0; i < header.times; ++i) {
    const auto index = static_cast<unsigned char>(indices[i]);
    if (index >= offsets.size()) throw Corrupt("a transition leads to a type that is not there");
    if (i > 0 && times[i] <= times[i - 1]) throw Corrupt("its transitions are not in order");
    zone.transitions_.push_back({times[i], offsets[index]});
  }
  const std::string_view footer = trim(bytes.rest());
  if (time_bytes == 8 && !footer.empty()) {
    zone.rule_ = parse_zone_rule(footer);
    if (!zone.rule_) throw Corrupt("its last line is no rule");
  }
  return zone;
}

Zone Zone::load(std::string_view name) {
  if (name.starts_with(':')) name.remove_prefix(1);
  if (is_zone_name(name)) {
    const std::string path = fmt::format("{}/{}", zone_folder(), name);
    if (const auto content = read_small_file(path)) {
      try {
        return parse(*content, std::string(name));
      } catch (Error& e) {
        throw ConfigError(fmt::format("time zone {}: {}: {}", name, path, e.what()));
      }
    }
  }
  if (name == "UTC" || name == "Etc/UTC") name = "UTC0";  // images without zone files
  if (auto rule = parse_zone_rule(name)) {
    Zone zone;
    zone.name_ = name == "UTC0" ? "UTC" : std::string(name);
    zone.first_offset_ = rule->standard;
    zone.rule_ = rule;
    return zone;
  }
  throw ConfigError(
      fmt::format("there is no time zone \"{}\" in {}", printable(name), zone_folder()),
      "names are like Europe/Berlin or UTC; the zones are Debian's package tzdata");
}

Zone Zone::local_to_host() {
  const char* variable = std::getenv("TZ");
  if (variable != nullptr && *variable != '\0') {
    const std::string_view name(variable);
    if (!name.starts_with('/') && !name.starts_with(":/")) return load(name);
    const std::string path(name.substr(name.starts_with(':') ? 1 : 0));
    const auto content = read_small_file(path);
    if (!content) throw ConfigError(fmt::format("TZ: {} can't be read", printable(path)));
    return parse(*content, path);
  }
  if (const auto content = read_small_file("/etc/localtime")) return parse(*content, "local time");
  return load("UTC");
}

// After the last transition that is written out, only the rule knows.
bool Zone::is_ruled(sys_seconds time) const {
  return rule_ && (transitions_.empty() || time >= transitions_.back().time);
}

// Those of the years around, in order, which may lie at the same instant: the one into summer then
// comes last (all-year summer time is written so).
std::vector<Zone::Transition> Zone::rule_transitions(sys_seconds around) const {
  using namespace std::chrono;
  std::vector<Transition> list;
  if (!rule_->summer) return list;
  const year middle = year_month_day(floor<days>(around)).year();
  for (year y = middle - years(1); y <= middle + years(2); ++y) {
    list.push_back({day_of(rule_->end, y) + rule_->end.time - *rule_->summer, rule_->standard});
    list.push_back({day_of(rule_->begin, y) + rule_->begin.time - rule_->standard, *rule_->summer});
  }
  std::ranges::stable_sort(list, [&](const Transition& a, const Transition& b) {
    if (a.time != b.time) return a.time < b.time;
    return a.offset == rule_->standard && b.offset != rule_->standard;
  });
  return list;
}

seconds Zone::offset_at(sys_seconds time) const {
  if (is_ruled(time)) {
    seconds offset = rule_->standard;
    for (const Transition& transition : rule_transitions(time)) {
      if (transition.time <= time) offset = transition.offset;
    }
    return offset;
  }
  const auto after = std::ranges::upper_bound(transitions_, time, {}, &Transition::time);
  return after == transitions_.begin() ? first_offset_ : std::prev(after)->offset;
}

std::optional<sys_seconds> Zone::next_transition(sys_seconds time) const {
  const auto written = std::ranges::upper_bound(transitions_, time, {}, &Transition::time);
  if (written != transitions_.end()) return written->time;
  if (!rule_) return std::nullopt;
  for (const Transition& transition : rule_transitions(time)) {
    if (transition.time > time) return transition.time;
  }
  return std::nullopt;
}

local_seconds Zone::to_local(sys_seconds time) const {
  return local_seconds(time.time_since_epoch() + offset_at(time));
}

sys_seconds Zone::to_instant(local_seconds local) const {
  // From a moment that is before it in every zone, one stretch of constant offset after the other.
  sys_seconds begin(local.time_since_epoch() - kLargestOffset);
  for (;;) {
    const sys_seconds candidate(local.time_since_epoch() - offset_at(begin));
    if (candidate < begin) return begin;  // the clocks jumped over it
    const auto end = next_transition(begin);
    if (!end || candidate < *end) return candidate;
    begin = *end;
  }
}

}  // namespace pgstow
