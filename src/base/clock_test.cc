#include "base/clock.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cstdlib>
#include <ctime>
#include <optional>

#include "base/error.h"

namespace pgstow {
namespace {

// The host's zone for the time of a test.
class Zone {
 public:
  explicit Zone(const char* name) {
    if (const char* old = std::getenv("TZ")) before_ = old;
    ::setenv("TZ", name, 1);
    ::tzset();
  }
  Zone(const Zone&) = delete;
  ~Zone() {
    if (before_) {
      ::setenv("TZ", before_->c_str(), 1);
    } else {
      ::unsetenv("TZ");
    }
    ::tzset();
  }

 private:
  std::optional<std::string> before_;
};

Time at(std::int64_t seconds, int milliseconds = 0) {
  return Time(std::chrono::seconds(seconds) + std::chrono::milliseconds(milliseconds));
}

constexpr std::int64_t kNovember = 1795381528;  // 2026-11-22 21:05:28 UTC (date -u -d @...)

TEST(Clock, WritesTimesInTheHostsZone) {
  const Zone zone("Europe/Berlin");
  EXPECT_EQ(stamp(at(kNovember)), "20261122_220528");
  EXPECT_EQ(local_time(at(kNovember)), "2026-11-22 22:05:28");
  EXPECT_EQ(rfc3339(at(kNovember, 123)), "2026-11-22T22:05:28.123+01:00");
}

TEST(Clock, WritesNegativeAndOddOffsets) {
  const Zone zone("America/St_Johns");
  EXPECT_EQ(rfc3339(at(kNovember, 7)), "2026-11-22T17:35:28.007-03:30");
}

TEST(Clock, WritesTimesBefore1970) {
  const Zone zone("UTC");
  EXPECT_EQ(rfc3339(at(-1, 999)), "1969-12-31T23:59:59.999+00:00");
}

TEST(Clock, ReadsStampsOfDaysThatExist) {
  const Zone zone("Europe/Berlin");
  EXPECT_EQ(parse_stamp("20261122_220528"), at(kNovember));
  for (const char* wrong :
       {"", "20261122_22052", "20261122_2205280", "20261122-220528", "20260230_000000",
        "20261322_220528", "20261100_220528", "20261122_240000", "20261122_226028",
        "20261122_220560", "2026112a_220528", "+0261122_220528"}) {
    EXPECT_EQ(parse_stamp(wrong), std::nullopt) << wrong;
  }
  EXPECT_TRUE(parse_stamp("20240229_000000"));
  EXPECT_FALSE(parse_stamp("20230229_000000"));
}

TEST(Clock, ReadsRfc3339OfAnyOffset) {
  EXPECT_EQ(parse_rfc3339("2026-11-22T21:05:28Z"), at(kNovember));
  EXPECT_EQ(parse_rfc3339("2026-11-22T22:05:28.5+01:00"), at(kNovember, 500));
  EXPECT_EQ(parse_rfc3339("2026-11-22 17:35:28.123456-03:30"), at(kNovember, 123));
  for (const char* wrong :
       {"", "2026-11-22", "2026-11-22T21:05:28", "2026-11-22T21:05:28.Z",
        "2026-11-22T21:05:28+0100", "2026-11-22T21:05:28+01:00x", "2026-02-30T00:00:00Z",
        "2026-11-22T24:00:00Z", "2026-11-22T21:05:28z1", "2026/11/22T21:05:28Z",
        "2026-11-22T21:05:28+24:00", "2026-11-22T21:05:28+01:60", "2026-11-22T21:05:28.1"}) {
    EXPECT_EQ(parse_rfc3339(wrong), std::nullopt) << wrong;
  }
}

TEST(Clock, EveryTimeSurvivesBeingWritten) {
  for (const char* name : {"UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu"}) {
    const Zone zone(name);
    EXPECT_TRUE(rc::check(name, [] {
      // 1990 to 2100: zones with offsets of whole minutes.
      const Time time(
          std::chrono::milliseconds(*rc::gen::inRange<std::int64_t>(631152000000, 4102444800000)));
      RC_ASSERT(parse_rfc3339(rfc3339(time)) == time);
      const auto read = parse_stamp(stamp(time));
      RC_ASSERT(read.has_value());
      RC_ASSERT(stamp(*read) == stamp(time));  // the hour that comes twice has one stamp
    }));
  }
}

TEST(SystemClock, SleepEndsByAStop) {
  const SystemClock clock;
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THROW(clock.sleep(std::chrono::hours(1), stop.get_token()), Cancelled);
  const Time before = clock.now();
  clock.sleep(std::chrono::milliseconds(20), {});
  EXPECT_GE(clock.now() - before, std::chrono::milliseconds(10));
}

}  // namespace
}  // namespace pgstow
