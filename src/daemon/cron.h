// Cron schedules: five fields, in a time zone.
//
// The language is that of Debian's crontab(5): minute, hour, day of month, month, day of week; each
// `*`, a number, a range `a-b`, either with a step `/n`, or a list of them with commas; names for
// months and days (jan, mon), Sunday as 0 and 7; @hourly, @daily, @midnight, @weekly, @monthly,
// @yearly,
// @annually. When day of month and day of week are both restricted (neither begins with `*`),
// either one is enough. `CRON_TZ=Zone` or `TZ=Zone` may stand before it.
//
// Daylight saving: a time that the clocks jump over is due at the first instant after the gap, and
// several that are jumped over are due once together; a time that comes twice is due the first
// time.
#pragma once

#include <bitset>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/zone.h"

namespace pgstow {

class CronSchedule {
 public:
  // `zone` counts where the text names none. Throws ConfigError, saying which field is wrong and
  // what is allowed, also for a schedule that is never due (30 February).
  static CronSchedule parse(std::string_view text, const Zone& zone);

  const std::string& text() const { return text_; }
  const Zone& zone() const { return zone_; }

  // The first instant after `time` at which it is due.
  std::chrono::sys_seconds next(std::chrono::sys_seconds time) const;
  // "every day at 03:00", "on Sundays at 02:00".
  std::string in_words() const;

 private:
  CronSchedule(std::string text, Zone zone) : text_(std::move(text)), zone_(std::move(zone)) {}

  bool is_day(std::chrono::local_days day) const;
  std::optional<std::chrono::sys_seconds> first_on(std::chrono::local_days day,
                                                   std::chrono::sys_seconds after) const;
  std::optional<std::chrono::sys_seconds> search(std::chrono::sys_seconds after) const;

  std::string text_;
  Zone zone_;
  std::bitset<60> minutes_;
  std::bitset<24> hours_;
  std::bitset<32> days_;     // of the month, from 1
  std::bitset<13> months_;   // from 1
  std::bitset<7> weekdays_;  // from Sunday
  bool any_day_ = false;     // the field begins with *
  bool any_weekday_ = false;
};

// Schedules separated by ';'. At least one.
std::vector<CronSchedule> parse_schedules(std::string_view text, const Zone& zone);

// The earliest next one of all of them.
std::chrono::sys_seconds next_of(const std::vector<CronSchedule>& schedules,
                                 std::chrono::sys_seconds time);

}  // namespace pgstow
