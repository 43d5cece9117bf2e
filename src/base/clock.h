// The wall clock, passed in so that tests can stand in for it, and times as people and files write
// them. Durations are measured with std::chrono::steady_clock directly.
#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

namespace pgstow {

using Time = std::chrono::sys_time<std::chrono::milliseconds>;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time now() const = 0;
  // Throws Cancelled when a stop is asked for meanwhile.
  virtual void sleep(std::chrono::milliseconds duration, const std::stop_token& stop) const = 0;
};

class SystemClock final : public Clock {
 public:
  Time now() const override;
  void sleep(std::chrono::milliseconds duration, const std::stop_token& stop) const override;
};

// "20261122_210528", local time of this host (TZ): the stamp in a backup's name.
std::string stamp(Time time);
// The inverse; nothing when the text is not exactly such a stamp of a day that exists.
std::optional<Time> parse_stamp(std::string_view text);

// "2026-11-22 21:05:28", local time, for people.
std::string local_time(Time time);
// RFC 3339 with milliseconds and the local offset: "2026-11-22T22:05:28.123+01:00".
std::string rfc3339(Time time);
// The inverse, for any offset; nothing when the text is no RFC 3339 time.
std::optional<Time> parse_rfc3339(std::string_view text);

}  // namespace pgstow
