// Time zones by name, read from the system's zone files.
//
// TZif, versions 1 to 4 (RFC 8536), with the rule in the footer (POSIX TZ string) for all times
// after the last transition that is written out. The folder is ZONEINFO's or TZDIR's, or
// /usr/share/zoneinfo. A Zone is a value, immutable, and may be used by several threads.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pgstow {

// One rule of a POSIX TZ string for when daylight-saving time begins or ends.
struct YearlyChange {
  enum class Kind { kMonthWeekDay, kJulian, kDayOfYear };
  Kind kind = Kind::kDayOfYear;
  int month = 1, week = 1, weekday = 0;  // M: week 5 is the last one, weekday 0 is Sunday
  int day = 0;                           // J: 1 to 365, 29 February not counted; else 0 to 365
  std::chrono::seconds time{7200};       // after that day's midnight; may be negative
};

// The footer: an offset east of UTC, and another one in summer.
struct ZoneRule {
  std::chrono::seconds standard{0};
  std::optional<std::chrono::seconds> summer;
  YearlyChange begin;
  YearlyChange end;
};

// "CET-1CEST,M3.5.0,M10.5.0/3" and the like; nothing when it is no such text.
std::optional<ZoneRule> parse_zone_rule(std::string_view text);

class Zone {
 public:
  // "Europe/Berlin", "UTC", also ":Europe/Berlin" and a POSIX TZ string such as
  // "EST5EDT,M3.2.0,M11.1.0". Throws ConfigError when there is none of that name, or its file can't
  // be read or is damaged.
  static Zone load(std::string_view name);
  // This host's: TZ of the environment, else /etc/localtime, else UTC.
  static Zone local_to_host();
  // The content of a zone file. Throws Corrupt.
  static Zone parse(std::string_view tzif, std::string name);

  const std::string& name() const { return name_; }

  // East of UTC.
  std::chrono::seconds offset_at(std::chrono::sys_seconds time) const;
  std::chrono::local_seconds to_local(std::chrono::sys_seconds time) const;
  // When the clocks show `local`: the first time, if they do twice; the first instant after the
  // gap, if they never do.
  std::chrono::sys_seconds to_instant(std::chrono::local_seconds local) const;
  // The next instant after `time` at which the offset may change.
  std::optional<std::chrono::sys_seconds> next_transition(std::chrono::sys_seconds time) const;

 private:
  struct Transition {
    std::chrono::sys_seconds time;
    std::chrono::seconds offset;  // from then on
  };

  std::vector<Transition> rule_transitions(std::chrono::sys_seconds around) const;
  bool is_ruled(std::chrono::sys_seconds time) const;

  std::string name_;
  std::chrono::seconds first_offset_{0};  // before all transitions
  std::vector<Transition> transitions_;   // in order
  std::optional<ZoneRule> rule_;
};

}  // namespace pgstow
