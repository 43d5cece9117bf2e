// Dates and times as PostgreSQL writes them for pg_dump (DateStyle ISO, IntervalStyle postgres),
// and as it keeps them.
//
// Source: EncodeDateTime and EncodeInterval in src/backend/utils/adt/datetime.c. All of these take
// only what the server writes, and of that not the years before 1 and after 9999, nor intervals
// with more than seven digits of a unit: none for any other text.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace pgstow::pg {

// Days since 2000-01-01 of `2026-11-28`.
std::optional<std::int32_t> days_of(std::string_view date);

// Microseconds of `23:59:59.5`.
std::optional<std::int64_t> microseconds_of(std::string_view time);

// Microseconds since 2000-01-01 of `2026-11-28 21:14:00.25`, in UTC of `2026-11-28
// 21:14:00.25+05:30`.
std::optional<std::int64_t> timestamp_of(std::string_view text);
std::optional<std::int64_t> timestamp_tz_of(std::string_view text);

struct Interval {
  std::int64_t microseconds = 0;
  std::int32_t days = 0;
  std::int32_t months = 0;
};

// `1 year 2 mons -3 days +04:05:06`
std::optional<Interval> interval_of(std::string_view text);

}  // namespace pgstow::pg
