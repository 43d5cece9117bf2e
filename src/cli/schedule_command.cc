// pgstow schedule: what an expression means, and when it is due next.
#include <fmt/format.h>

#include <boost/json.hpp>

#include "base/json.h"
#include "base/text.h"
#include "cli/commands.h"
#include "daemon/service_config.h"

namespace pgstow::cli {
namespace {

// "Sat 2026-11-28 03:00:00 +01:00", as the clocks of that zone show it.
std::string zone_time(const Zone& zone, std::chrono::sys_seconds time) {
  using namespace std::chrono;
  const local_seconds local = zone.to_local(time);
  const local_days day = floor<days>(local);
  const year_month_day date(day);
  const hh_mm_ss clock(local - day);
  const seconds offset = zone.offset_at(time);
  constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  return fmt::format("{} {:04}-{:02}-{:02} {:02}:{:02}:{:02} {}{:02}:{:02}",
                     kDays[weekday(day).c_encoding()], static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     offset < seconds(0) ? '-' : '+', std::chrono::abs(offset) / hours(1),
                     std::chrono::abs(offset) % hours(1) / minutes(1));
}

struct Run {
  std::chrono::sys_seconds time;
  const CronSchedule* schedule;
};

std::vector<Run> next_runs(const std::vector<CronSchedule>& schedules, Time now, int count) {
  std::vector<Run> runs;
  std::chrono::sys_seconds time = std::chrono::floor<std::chrono::seconds>(now);
  for (int i = 0; i < count; ++i) {
    const std::chrono::sys_seconds next = next_of(schedules, time);
    const auto which = std::ranges::find_if(
        schedules, [&](const CronSchedule& schedule) { return schedule.next(time) == next; });
    runs.push_back({next, &*which});
    time = next;
  }
  return runs;
}

std::string in_text(const std::vector<CronSchedule>& schedules, const std::vector<Run>& runs,
                    Time now) {
  std::string text;
  for (const CronSchedule& schedule : schedules) {
    text += fmt::format("{}  {}, {}\n", printable(schedule.text()), schedule.in_words(),
                        printable(schedule.zone().name()));
  }
  for (const Run& run : runs) {
    text += fmt::format("  {}  in {}\n", zone_time(run.schedule->zone(), run.time),
                        human_duration(run.time - now));
  }
  return text;
}

std::string in_json(const std::vector<CronSchedule>& schedules, const std::vector<Run>& runs) {
  boost::json::array expressions;
  for (const CronSchedule& schedule : schedules) {
    expressions.push_back({{"expression", schedule.text()},
                           {"words", schedule.in_words()},
                           {"zone", schedule.zone().name()}});
  }
  boost::json::array next;
  for (const Run& run : runs) next.emplace_back(rfc3339(run.time));
  return pretty(boost::json::object{
             {"schema", "pgstow.schedule/1"}, {"schedules", expressions}, {"next", next}}) +
         "\n";
}

}  // namespace

int schedule_command(const Session& session) {
  const std::string& given = session.arguments.choice;
  const std::vector<CronSchedule> schedules =
      given.empty() ? read_schedules(session.config) : parse_schedules(given, session.config.zone);
  const Time now = session.context.clock.now();
  const std::vector<Run> runs = next_runs(schedules, now, session.arguments.count);
  print(session.arguments.json ? in_json(schedules, runs) : in_text(schedules, runs, now));
  return 0;
}

}  // namespace pgstow::cli
