#include "daemon/cron.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <chrono>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"

namespace pgstow {
namespace {

using namespace std::chrono;

const Zone& utc_zone() {
  static const Zone zone = Zone::load("UTC");
  return zone;
}

sys_seconds utc(int y, unsigned m, unsigned d, int hour = 0, int minute = 0) {
  return sys_days(year(y) / month(m) / day(d)) + hours(hour) + minutes(minute);
}

CronSchedule cron(const std::string& text) { return CronSchedule::parse(text, utc_zone()); }

std::string shown(sys_seconds time, const Zone& zone = utc_zone()) {
  const local_seconds local = zone.to_local(time);
  const local_days day = floor<days>(local);
  const year_month_day date(day);
  const hh_mm_ss clock(local - day);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count());
}

std::vector<std::string> due(const CronSchedule& schedule, sys_seconds from, int count) {
  std::vector<std::string> list;
  for (int i = 0; i < count; ++i) {
    from = schedule.next(from);
    list.push_back(shown(from, schedule.zone()));
  }
  return list;
}

using ::testing::ElementsAre;

TEST(Cron, TheGuidesExamples) {
  EXPECT_THAT(due(cron("0 3 * * *"), utc(2026, 11, 24, 3), 2),
              ElementsAre("2026-11-25 03:00", "2026-11-26 03:00"));
  EXPECT_THAT(due(cron("0 2 * * 0"), utc(2026, 11, 24), 2),
              ElementsAre("2026-11-29 02:00", "2026-12-06 02:00"));
  EXPECT_THAT(due(cron("0 */6 * * *"), utc(2026, 11, 24, 17, 59), 3),
              ElementsAre("2026-11-24 18:00", "2026-11-25 00:00", "2026-11-25 06:00"));
  EXPECT_THAT(due(cron("0 0 1 * *"), utc(2026, 11, 24), 2),
              ElementsAre("2026-12-01 00:00", "2027-01-01 00:00"));
}

TEST(Cron, DayOfMonthOrDayOfWeek) {
  EXPECT_THAT(
      due(cron("0 0 13 * fri"), utc(2026, 11, 10), 4),
      ElementsAre("2026-11-13 00:00", "2026-11-20 00:00", "2026-11-27 00:00", "2026-12-04 00:00"));
  // A field that begins with * restricts nothing, or both must agree (crontab(5)).
  EXPECT_THAT(due(cron("0 0 */2 * mon"), utc(2026, 11, 1), 2),
              ElementsAre("2026-11-09 00:00", "2026-11-23 00:00"));
}

TEST(Cron, NamesRangesListsAndNicknames) {
  EXPECT_THAT(due(cron("30 8-10/2,22 * FEB-mar Mon-fri"), utc(2026, 1, 31), 3),
              ElementsAre("2026-02-02 08:30", "2026-02-02 10:30", "2026-02-02 22:30"));
  EXPECT_THAT(due(cron("0 0 * * fri-sun"), utc(2026, 11, 24), 3),
              ElementsAre("2026-11-27 00:00", "2026-11-28 00:00", "2026-11-29 00:00"));
  EXPECT_THAT(due(cron("0 0 * * 7"), utc(2026, 11, 24), 1), ElementsAre("2026-11-29 00:00"));
  EXPECT_THAT(due(cron("@weekly"), utc(2026, 11, 24), 1), ElementsAre("2026-11-29 00:00"));
  EXPECT_THAT(due(cron("@Daily"), utc(2026, 11, 24), 1), ElementsAre("2026-11-25 00:00"));
  EXPECT_THAT(due(cron("0 0 29 2 *"), utc(2026, 11, 24), 2),
              ElementsAre("2028-02-29 00:00", "2032-02-29 00:00"));
}

TEST(Cron, ItsOwnZone) {
  const CronSchedule tokyo = cron("CRON_TZ=Asia/Tokyo 0 3 * * *");
  EXPECT_EQ(tokyo.next(utc(2026, 11, 24)), utc(2026, 11, 24, 18));
  EXPECT_EQ(cron("TZ=Asia/Tokyo 0 3 * * *").next(utc(2026, 11, 24)), utc(2026, 11, 24, 18));
}

TEST(Cron, DaylightSaving) {
  const CronSchedule berlin = cron("CRON_TZ=Europe/Berlin 30 2 * * *");
  EXPECT_THAT(due(berlin, utc(2026, 3, 28), 3),
              ElementsAre("2026-03-28 02:30", "2026-03-29 03:00", "2026-03-30 02:30"));
  EXPECT_EQ(berlin.next(utc(2026, 10, 24, 12)), utc(2026, 10, 25, 0, 30));
  EXPECT_EQ(berlin.next(utc(2026, 10, 25, 0, 30)), utc(2026, 10, 26, 1, 30));
  // Several that fall into the gap are due once.
  EXPECT_THAT(
      due(cron("CRON_TZ=Europe/Berlin */20 2,3 * * *"), utc(2026, 3, 29), 4),
      ElementsAre("2026-03-29 03:00", "2026-03-29 03:20", "2026-03-29 03:40", "2026-03-30 02:00"));
}

TEST(Cron, RefusesWhatIsNoSchedule) {
  const auto refusal = [](const std::string& text) -> std::string {
    try {
      cron(text);
    } catch (const ConfigError& e) {
      EXPECT_FALSE(e.hint().empty()) << text;
      return e.what();
    }
    return "taken";
  };
  EXPECT_EQ(refusal("61 * * * *"), "schedule \"61 * * * *\": minute: \"61\": 61 is out of range");
  EXPECT_EQ(refusal("0 3 * *"), "schedule \"0 3 * *\": it has 4 fields instead of 5");
  EXPECT_EQ(refusal("0 0 3 * * *"), "schedule \"0 0 3 * * *\": it has 6 fields instead of 5");
  EXPECT_EQ(refusal("0 0 30 2 *"), "schedule \"0 0 30 2 *\": it is never due");
  for (const char* text : {"", "@reboot", "* * * * mo", "*/0 * * * *", "5/10 * * * *", "0 24 * * *",
                           "0 0 0 * *", "0 0 * 13 *", "0 0 * * 8", "1-  * * * *", "9-3 * * * *",
                           ", * * * *", "0 0 L * *", "0 0 * * 5#2", "? * * * *", "1.5 * * * *",
                           "-1 * * * *", "*-5 * * * *", "CRON_TZ=Nowhere/X 0 3 * * *"}) {
    EXPECT_NE(refusal(text), "taken") << text;
  }
}

TEST(Cron, InWords) {
  EXPECT_EQ(cron("0 3 * * *").in_words(), "every day at 03:00");
  EXPECT_EQ(cron("0 2 * * 0").in_words(), "on Sundays at 02:00");
  EXPECT_EQ(cron("0 */6 * * *").in_words(), "every 6 hours at minute 0");
  EXPECT_EQ(cron("0 0 1 * *").in_words(), "on day 1 of the month at 00:00");
  EXPECT_EQ(cron("*/15 * * * *").in_words(), "every 15 minutes");
  EXPECT_EQ(cron("* * * * *").in_words(), "every minute");
  EXPECT_EQ(cron("5 * * * *").in_words(), "every hour at minute 5");
  EXPECT_EQ(cron("0,30 3 * jan,jul mon,fri").in_words(),
            "on Mondays and Fridays at 03:00 and 03:30 in January and July");
  EXPECT_EQ(cron("0 0 13 * 5").in_words(), "on day 13 of the month and on Fridays at 00:00");
  EXPECT_EQ(cron("*/10 9-17 * * *").in_words(),
            "every 10 minutes of the hours 9, 10, 11, 12, 13, 14, 15, 16 and 17");
}

TEST(Cron, SeveralSchedules) {
  const auto schedules = parse_schedules("0 3 * * *; 0 15 * * sat;", utc_zone());
  ASSERT_EQ(schedules.size(), 2U);
  EXPECT_EQ(next_of(schedules, utc(2026, 11, 28, 4)), utc(2026, 11, 28, 15));
  EXPECT_EQ(next_of(schedules, utc(2026, 11, 28, 15)), utc(2026, 11, 29, 3));
  EXPECT_THROW(parse_schedules(" ; ", utc_zone()), ConfigError);
}

// The oracle: look at every minute of the zone's own clocks.
std::set<sys_seconds> minute_by_minute(const Zone& zone, int hour, int minute, sys_seconds from,
                                       sys_seconds to) {
  std::set<sys_seconds> list;
  local_seconds latest = zone.to_local(from - minutes(1));  // shown so far
  for (sys_seconds t = from; t < to; t += minutes(1)) {
    const local_seconds shows = zone.to_local(t);
    for (local_seconds l = latest + minutes(1); l <= shows; l += minutes(1)) {
      const auto time = l - floor<days>(l);
      if (time == hours(hour) + minutes(minute)) list.insert(t);
    }
    latest = std::max(latest, shows);
  }
  return list;
}

TEST(Cron, EveryZoneRunsADailyJobOncePerDay) {
  std::ifstream file("/usr/share/zoneinfo/tzdata.zi");
  std::string line;
  int zones = 0;
  while (std::getline(file, line)) {
    if (!line.starts_with("Z ")) continue;
    const Zone zone = Zone::load(line.substr(2, line.find(' ', 2) - 2));
    ++zones;
    for (auto t = zone.next_transition(utc(2020, 1, 1)); t && *t < utc(2041, 1, 1);
         t = zone.next_transition(*t)) {
      const sys_seconds from = floor<minutes>(*t) - hours(30);
      const sys_seconds to = from + hours(60);
      const local_seconds at = zone.to_local(*t - seconds(1)) + seconds(1);
      const auto of_day = floor<minutes>(at - floor<days>(at));
      for (const minutes shift : {minutes(-30), minutes(0), minutes(30)}) {
        const minutes time = (of_day + shift + hours(24)) % hours(24);
        const int hour = static_cast<int>(time / hours(1));
        const int minute = static_cast<int>((time % hours(1)).count());
        const CronSchedule daily =
            CronSchedule::parse(fmt::format("{} {} * * *", minute, hour), zone);
        std::set<sys_seconds> ours;
        for (sys_seconds next = daily.next(from - seconds(1)); next < to; next = daily.next(next)) {
          ours.insert(next);
        }
        ASSERT_EQ(ours, minute_by_minute(zone, hour, minute, from, to))
            << zone.name() << " " << hour << ":" << minute << " around " << shown(*t);
      }
    }
  }
  EXPECT_GT(zones, 300);
}

TEST(Cron, NextIsTheLeastThatIsDue) {
  rc::check([] {
    const int minute = *rc::gen::inRange(0, 60);
    const int step = *rc::gen::inRange(1, 24);
    const sys_seconds from = utc(2020, 1, 1) + minutes(*rc::gen::inRange(0, 10'000'000));
    const CronSchedule schedule = cron(fmt::format("{} */{} * * *", minute, step));
    sys_seconds expected = from + minutes(1);
    const auto matches = [&](sys_seconds t) {
      const hh_mm_ss time(t - floor<days>(t));
      return time.minutes().count() == minute && time.hours().count() % step == 0;
    };
    while (!matches(expected)) expected += minutes(1);
    RC_ASSERT(schedule.next(from) == expected);
  });
}

}  // namespace
}  // namespace pgstow
