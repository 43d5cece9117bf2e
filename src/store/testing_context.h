// What a job is handed, in the hands of a test: a clock that goes when it is told to, a log that
// can be read, a stop to ask for.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <memory>
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "base/context.h"
#include "base/fd.h"
#include "base/log.h"

namespace pgstow::test {

// Thread-safe. sleep() returns at once, the time gone by.
class ManualClock final : public Clock {
 public:
  Time now() const override { return start_ + std::chrono::milliseconds(passed_); }
  void sleep(std::chrono::milliseconds duration, const std::stop_token& stop) const override {
    check_stop(stop);
    passed_ += duration.count();
  }
  void advance(std::chrono::milliseconds by) { passed_ += by.count(); }

 private:
  // 2026-11-22 21:05:28 UTC
  const Time start_{std::chrono::milliseconds(1'795'381'528'000)};
  mutable std::atomic<std::chrono::milliseconds::rep> passed_{0};
};

class TestContext {
 public:
  Context context() { return {.log = log_, .clock = clock, .stop = stop.get_token()}; }

  // All that was logged.
  std::string logged() const {
    std::string text;
    std::array<char, 4096> buffer{};
    if (std::fseek(file_.get(), 0, SEEK_SET) != 0) return "the log can't be read";
    while (const std::size_t n = std::fread(buffer.data(), 1, buffer.size(), file_.get())) {
      text.append(buffer.data(), n);
    }
    return text;
  }

  ManualClock clock;
  std::stop_source stop;

 private:
  struct Close {
    void operator()(std::FILE* file) const { static_cast<void>(std::fclose(file)); }
  };
  std::unique_ptr<std::FILE, Close> file_{std::tmpfile()};
  Log log_{clock, LogFormat::kText, Level::kDebug, file_.get()};
};

}  // namespace pgstow::test
