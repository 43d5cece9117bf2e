#include "base/zone.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <time.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "base/error.h"

namespace pgstow {
namespace {

using namespace std::chrono;

sys_seconds utc(int y, unsigned m, unsigned d, int hour = 0, int minute = 0) {
  return sys_days(year(y) / month(m) / day(d)) + hours(hour) + minutes(minute);
}

local_seconds local(int y, unsigned m, unsigned d, int hour = 0, int minute = 0) {
  return local_days(year(y) / month(m) / day(d)) + hours(hour) + minutes(minute);
}

// glibc as the oracle: one zone at a time.
class Glibc {
 public:
  explicit Glibc(const std::string& name) {
    ::setenv("TZ", (":" + name).c_str(), 1);
    ::tzset();
  }
  Glibc(const Glibc&) = delete;
  Glibc& operator=(const Glibc&) = delete;
  ~Glibc() {
    ::unsetenv("TZ");
    ::tzset();
  }

  seconds offset_at(sys_seconds time) const {
    const time_t t = time.time_since_epoch().count();
    struct tm parts{};
    ::localtime_r(&t, &parts);
    return seconds(parts.tm_gmtoff);
  }
};

// The names in tzdata's own table: those that people use.
std::vector<std::string> all_zones() {
  std::vector<std::string> names;
  for (const char* table : {"/usr/share/zoneinfo/tzdata.zi"}) {
    std::ifstream file(table);
    std::string line;
    while (std::getline(file, line)) {
      if (line.starts_with("Z ")) names.push_back(line.substr(2, line.find(' ', 2) - 2));
      if (line.starts_with("L ")) names.push_back(line.substr(line.rfind(' ') + 1));
    }
  }
  return names;
}

TEST(Zone, EveryZoneIsAsGlibcHasIt) {
  const std::vector<std::string> names = all_zones();
  ASSERT_GT(names.size(), 400U);
  for (const std::string& name : names) {
    const Zone zone = Zone::load(name);
    const Glibc glibc(name);
    for (sys_seconds t = utc(1900, 1, 1); t < utc(2150, 1, 1); t += hours(24 * 23) + minutes(17)) {
      ASSERT_EQ(zone.offset_at(t), glibc.offset_at(t))
          << name << " " << t.time_since_epoch().count();
    }
    for (auto t = zone.next_transition(utc(2015, 1, 1)); t && *t < utc(2045, 1, 1);
         t = zone.next_transition(*t)) {
      ASSERT_EQ(zone.offset_at(*t), glibc.offset_at(*t)) << name;
      ASSERT_EQ(zone.offset_at(*t - seconds(1)), glibc.offset_at(*t - seconds(1))) << name;
    }
  }
}

TEST(Zone, SlimFilesAreReadByTheirRule) {
  // What `zic -b slim` leaves of Europe/Berlin after 1996: no transition, only the rule.
  std::string file = "TZif2" + std::string(15, '\0');
  const std::string counts("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\4", 24);
  const std::string type(
      "\0\0\x0e\x10\0\0"
      "CET\0",
      10);
  file += counts + type + "TZif2" + std::string(15, '\0') + counts + type;
  file += "\nCET-1CEST,M3.5.0,M10.5.0/3\n";
  const Zone zone = Zone::parse(file, "slim");
  const Zone fat = Zone::load("Europe/Berlin");
  for (sys_seconds t = utc(1997, 1, 1); t < utc(2100, 1, 1); t += hours(11)) {
    ASSERT_EQ(zone.offset_at(t), fat.offset_at(t)) << t.time_since_epoch().count();
  }
}

TEST(Zone, CutFilesAreRefusedNotMisread) {
  std::ifstream stream("/usr/share/zoneinfo/Europe/Berlin", std::ios::binary);
  const std::string whole((std::istreambuf_iterator<char>(stream)), {});
  const std::size_t footer = whole.rfind('\n', whole.size() - 2);
  ASSERT_GT(footer, 1000U);
  for (std::size_t size = 0; size < footer; ++size) {
    EXPECT_THROW(Zone::parse(whole.substr(0, size), "cut"), Corrupt) << size;
  }
  std::string absurd = whole;
  absurd[32] = '\x7f';  // the count of transitions
  EXPECT_THROW(Zone::parse(absurd, "absurd"), Corrupt);
}

TEST(Zone, GapsAndOverlaps) {
  const Zone berlin = Zone::load("Europe/Berlin");
  EXPECT_EQ(berlin.to_instant(local(2026, 3, 29, 1, 59)), utc(2026, 3, 29, 0, 59));
  EXPECT_EQ(berlin.to_instant(local(2026, 3, 29, 2, 0)), utc(2026, 3, 29, 1, 0));   // in the gap
  EXPECT_EQ(berlin.to_instant(local(2026, 3, 29, 2, 30)), utc(2026, 3, 29, 1, 0));  // in the gap
  EXPECT_EQ(berlin.to_instant(local(2026, 3, 29, 3, 0)), utc(2026, 3, 29, 1, 0));
  EXPECT_EQ(berlin.to_instant(local(2026, 10, 25, 2, 30)), utc(2026, 10, 25, 0, 30));  // the first
  EXPECT_EQ(berlin.to_instant(local(2026, 10, 25, 3, 0)), utc(2026, 10, 25, 2, 0));
  EXPECT_EQ(berlin.to_instant(local(2050, 7, 1, 12, 0)), utc(2050, 7, 1, 10, 0));
}

TEST(Zone, ToInstantIsTheFirstTimeTheClocksShowIt) {
  for (const char* name :
       {"America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Gaza", "America/Nuuk",
        "Pacific/Apia", "UTC", "EST5EDT,0/0,J365/25"}) {
    const Zone zone = Zone::load(name);
    for (auto t = zone.next_transition(utc(2005, 1, 1)); t && *t < utc(2041, 1, 1);
         t = zone.next_transition(*t)) {
      const local_seconds from = zone.to_local(*t) - hours(3);
      for (local_seconds l = from; l < from + hours(6); l += minutes(10)) {
        const sys_seconds instant = zone.to_instant(l);
        ASSERT_GE(zone.to_local(instant), l) << name;
        for (sys_seconds before = instant - hours(26); before < instant; before += minutes(10)) {
          ASSERT_LT(zone.to_local(before), l) << name;
        }
      }
    }
  }
}

TEST(Zone, PosixTextsAreZonesToo) {
  EXPECT_EQ(Zone::load("EST5").offset_at(utc(2026, 7, 1)), hours(-5));
  const Zone new_york = Zone::load("EST5EDT,M3.2.0,M11.1.0");
  EXPECT_EQ(new_york.offset_at(utc(2026, 7, 1)), hours(-4));
  EXPECT_EQ(new_york.offset_at(utc(2026, 1, 1)), hours(-5));
  EXPECT_EQ(Zone::load("<+0330>-3:30").offset_at(utc(2026, 1, 1)), minutes(210));
  EXPECT_EQ(Zone::load("EST5EDT,0/0,J365/25").offset_at(utc(2026, 1, 1, 5)), hours(-4));
  EXPECT_EQ(Zone::load("EST5EDT,0/0,J365/25").offset_at(utc(2026, 12, 31, 12)), hours(-4));
}

TEST(Zone, RefusesNamesThatAreNone) {
  for (const char* name :
       {"", "Europe/Berlim", "../../../etc/passwd", "/etc/localtime", "E5", "EST", "EST5EDT",
        "EST5EDT,M13.1.0,M3.1.0", "EST5EDT,M3.2.0", "EST5x", "<a>5"}) {
    if (std::filesystem::is_regular_file(std::string("/usr/share/zoneinfo/") + name)) continue;
    EXPECT_THROW(Zone::load(name), ConfigError) << name;
  }
}

}  // namespace
}  // namespace pgstow
