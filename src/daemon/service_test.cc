#include "daemon/service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <functional>

#include "backup/jobs.h"
#include "backup/testing_backup.h"
#include "base/error.h"
#include "harness/program.h"
#include "store/local.h"
#include "store/testing_context.h"

namespace pgstow {
namespace {

using namespace std::chrono;
using ::testing::ElementsAre;
using Kind = Event::Kind;

Stores one_store(const std::filesystem::path& folder) {
  std::vector<Place> places;
  places.push_back({.store = std::make_unique<LocalStore>(folder)});
  return Stores(std::move(places));
}

// A service whose clock flies, and whose backups are small files. It begins on 2026-11-22 21:05:28
// UTC, and ends when its script does.
class ServiceTest : public ::testing::Test {
 protected:
  JobDone backup() {
    const Time now = test_.clock.now();
    const std::string stem = "backup_" + stamp(now);
    Manifest m = testing_backup::manifest_of(stem, "shop", "content");
    m.started = now;
    m.system_identifier = "1";
    Store& store = *stores_.all().front();
    write_object(store, m.archive, "content", Existing::kRefuse);
    write_object(store, manifest_key(m.archive), to_json(m), Existing::kRefuse);
    Backup made;
    made.key = m.archive;
    made.bytes = 7;
    made.time = m.snapshot_time;
    made.manifest = m;
    made.copies.push_back({.store = &store, .state = "unverified"});
    return {.made = {.backup = made, .failures = {}}};
  }

  // Each job does the next of the script; the one after the last ends the service.
  ServiceEnd serve(std::deque<std::function<JobDone()>> script, const std::string& schedule) {
    settings_.schedules = parse_schedules(schedule, Zone::load("UTC"));
    const auto make = [this, script](const Job& job, const Context&, Progress&) mutable {
      starts_.push_back(test_.clock.now());
      asked_.push_back(job.backup.covering_from);
      if (script.empty()) {
        test_.stop.request_stop();
        throw Cancelled();
      }
      const auto next = script.front();
      script.pop_front();
      return next();
    };
    return run_service(settings_,
                       {.stores = stores_,
                        .state = state_,
                        .board = board_,
                        .make = make,
                        .deliver =
                            [this](const Context& context, Progress&) {
                              delivered_.push_back(test_.clock.now());
                              return deliver_(context);
                            },
                        .look =
                            [this](const std::string& server) {
                              Look look = look_into(stores_, "shop", server, test_.context());
                              look.databases = databases_;
                              return look;
                            },
                        .tell =
                            [this](const Event& event) {
                              events_.push_back(event);
                              if (event.kind != Kind::kStarted) kinds_.push_back(event.kind);
                            },
                        .look_ahead = look_ahead_,
                        .reload = [this] { return reload_; }},
                       test_.context());
  }

  std::function<JobDone()> good() {
    return [this] { return backup(); };
  }
  std::function<JobDone()> failing(const std::string& why) {
    return [why]() -> JobDone { throw Error(why, "a hint"); };
  }

  std::vector<std::string> start_times() const { return texts(starts_); }
  static std::vector<std::string> texts(const std::vector<Time>& instants) {
    std::vector<std::string> times;
    for (const Time time : instants) times.push_back(rfc3339(time).substr(0, 19));
    return times;
  }

  test::TempDir folder_;
  test::TestContext test_;
  Stores stores_ = one_store(folder_ / "backups");
  StateFile state_{folder_ / "state", "shop"};
  StandingBoard board_;
  ServiceSettings settings_{.database = "shop", .schedules = {}, .job = {}, .tick = hours(1)};
  bool reload_ = false;
  std::vector<DatabaseStanding> databases_;
  std::function<std::vector<StoreFailure>(const Context&)> deliver_ = [](const Context&) {
    return std::vector<StoreFailure>();
  };
  LookAhead look_ahead_ = [](const Context&) { return std::nullopt; };
  std::vector<Time> delivered_;
  std::vector<Time> starts_;
  std::vector<std::optional<Time>> asked_;
  std::vector<Event> events_;
  std::vector<Kind> kinds_;
};

TEST_F(ServiceTest, TellsByDayWhatWouldFailAtNight) {
  static_cast<void>(backup());  // so that nothing is due at once
  look_ahead_ = [](const Context&) {
    return Obstacle{"the server is too new", "install tools", 10};
  };
  serve({}, "0 3 * * *");
  ASSERT_THAT(kinds_, ElementsAre(Kind::kFailed));
  EXPECT_THAT(events_.front().error, ::testing::HasSubstr("the server is too new"));
  EXPECT_EQ(events_.front().hint, "install tools");
  EXPECT_EQ(events_.front().exit_code, 10);
  EXPECT_FALSE(events_.front().repeated);
  EXPECT_EQ(events_.front().next_run, starts_.front());
  EXPECT_TRUE(state_.read(test_.context()).bad);
}

TEST_F(ServiceTest, ADatabaseThatIsAwayWhenItBeginsIsNoFailure) {
  static_cast<void>(backup());
  look_ahead_ = [](const Context&) -> std::optional<Obstacle> {
    throw Transient("nobody answers");
  };
  serve({good()}, "0 3 * * *");
  EXPECT_THAT(kinds_, ElementsAre(Kind::kGood));
}

TEST_F(ServiceTest, MakesUpForWhatWasMissedThenEveryDay) {
  ::setenv("TZ", "UTC", 1);
  EXPECT_EQ(serve({good(), good(), good()}, "0 3 * * *"), ServiceEnd::kStopped);
  EXPECT_THAT(start_times(), ElementsAre("2026-11-22T21:05:28", "2026-11-23T03:00:00",
                                         "2026-11-24T03:00:00", "2026-11-25T03:00:00"));
  EXPECT_THAT(kinds_, ElementsAre(Kind::kGood, Kind::kGood, Kind::kGood));
  EXPECT_EQ(state_.read(test_.context()).jobs.good, 3U);
}

TEST_F(ServiceTest, WithoutCatchUpItWaitsForTheSchedule) {
  settings_.catch_up = false;
  serve({}, "0 3 * * *");
  EXPECT_THAT(start_times(), ElementsAre("2026-11-23T03:00:00"));
}

TEST_F(ServiceTest, WhatIsThereIsNotMadeAgain) {
  testing_backup::add(*stores_.all().front(), "backup_20261122_030010", "shop", "content");
  serve({}, "0 3 * * *");
  EXPECT_THAT(start_times(), ElementsAre("2026-11-23T03:00:00"));
}

TEST_F(ServiceTest, AnotherDatabasesBackupCountsForNothing) {
  testing_backup::add(*stores_.all().front(), "backup_20261122_030010", "shop_staging", "content");
  serve({}, "0 3 * * *");
  EXPECT_THAT(start_times(), ElementsAre("2026-11-22T21:05:28"));
}

TEST_F(ServiceTest, AFailedJobIsTriedAgainAndTheRecoveryTold) {
  settings_.catch_up = false;
  serve({failing("the server is gone"), failing("the server is gone"), good()}, "0 3 * * *");
  EXPECT_THAT(start_times(), ElementsAre("2026-11-23T03:00:00", "2026-11-23T03:01:00",
                                         "2026-11-23T03:03:00", "2026-11-24T03:00:00"));
  EXPECT_THAT(kinds_, ElementsAre(Kind::kFailed, Kind::kFailed, Kind::kRecovered));
  EXPECT_EQ(events_[1].error, "the server is gone");
  EXPECT_EQ(events_[1].hint, "a hint");
  EXPECT_EQ(events_[0].run_id, events_[1].run_id);
  EXPECT_NE(events_[0].run_id, events_[2].run_id);
  EXPECT_EQ(state_.read(test_.context()).failures_in_a_row, 0U);
  EXPECT_EQ(asked_[0], asked_[2]) << "all three are made for 3 o'clock";
}

TEST_F(ServiceTest, WhatAStoreMissedIsDeliveredBeforeTheNextBackup) {
  settings_.catch_up = false;
  const auto missed = [this] {
    JobDone done = backup();
    done.made.failures.push_back({.store = "s3", .problem = "is away", .hint = ""});
    return done;
  };
  deliver_ = [this](const Context&) -> std::vector<StoreFailure> {
    if (delivered_.size() == 3) return {};
    if (delivered_.size() == 2) throw std::bad_alloc();
    return {{.store = "s3", .problem = "is still away", .hint = ""}};
  };
  serve({missed, good()}, "0 3 * * *");
  EXPECT_THAT(texts(delivered_),
              ElementsAre("2026-11-23T03:01:00", "2026-11-23T03:03:00", "2026-11-23T03:07:00"));
  EXPECT_THAT(kinds_, ElementsAre(Kind::kIncomplete, Kind::kRecovered, Kind::kGood));
  const Event& recovered = events_[2];
  EXPECT_EQ(recovered.backup, events_[1].backup);
  EXPECT_EQ(recovered.run_id, events_[1].run_id);
  EXPECT_THAT(recovered.stores, ElementsAre("local"));
}

// A note of what a store misses may be lost; then nothing is left to deliver, and all the same
// the backup is not there.
TEST_F(ServiceTest, WhatIsNotInEveryStoreIsNotToldAsRecovered) {
  settings_.catch_up = false;
  std::vector<Place> places;
  places.push_back({.store = std::make_unique<LocalStore>(folder_ / "backups")});
  places.push_back({.store = std::make_unique<LocalStore>(folder_ / "far", "far")});
  stores_ = Stores(std::move(places));
  const auto missed = [this] {
    JobDone done = backup();
    done.made.failures.push_back({.store = "far", .problem = "is away", .hint = ""});
    return done;
  };
  serve({missed}, "0 3 * * *");
  EXPECT_THAT(texts(delivered_), ElementsAre("2026-11-23T03:01:00"));
  EXPECT_THAT(kinds_, ElementsAre(Kind::kIncomplete));
  EXPECT_TRUE(state_.read(test_.context()).bad);
}

TEST_F(ServiceTest, ADeliveryWithoutAnEndHoldsUpNoBackup) {
  settings_.catch_up = false;
  const auto missed = [this] {
    JobDone done = backup();
    done.made.failures.push_back({.store = "s3", .problem = "is away", .hint = ""});
    return done;
  };
  deliver_ = [this](const Context& context) -> std::vector<StoreFailure> {
    if (delivered_.size() > 1) return {};
    test_.clock.advance(hours(25));
    while (!context.stop.stop_requested()) std::this_thread::sleep_for(milliseconds(1));
    throw Cancelled();
  };
  serve({missed, good()}, "0 3 * * *");
  ASSERT_THAT(start_times(), ::testing::SizeIs(3));
  EXPECT_EQ(start_times()[1], "2026-11-24T04:01:00");
  EXPECT_EQ(kinds_[1], Kind::kRecovered);
}

TEST_F(ServiceTest, ANewDatabaseIsStaleOnlyWhenItHasHadNoneForTooLong) {
  settings_.catch_up = false;
  const auto another = [this] {
    databases_ = {{.name = "shop", .last_good = {}}, {.name = "new", .last_good = {}}};
    JobDone done = backup();
    databases_[0].last_good = good_backup(done.made.backup);
    return done;
  };
  serve({another, good(), good()}, "0 3 * * *");
  std::vector<std::string> told;
  for (const Event& event : events_) {
    if (event.kind == Kind::kStale) told.push_back(rfc3339(event.time).substr(0, 13));
  }
  ASSERT_FALSE(told.empty());
  EXPECT_EQ(told.front(), "2026-11-24T15") << "1.5 days after it was seen first";
}

TEST_F(ServiceTest, ADatabaseWithoutAnyGetsItsFirstWhenTheServiceBegins) {
  databases_ = {{.name = "shop", .last_good = good_backup(backup().made.backup)}, {.name = "new"}};
  serve({good()}, "0 3 * * *");
  EXPECT_EQ(start_times().front(), "2026-11-22T21:05:28");
}

// The failed database is tried again in its own time; the others' copies do not wait for it.
TEST_F(ServiceTest, WhatAStoreMissedOfTheGoodDatabasesIsDeliveredToo) {
  settings_.catch_up = false;
  const auto one_fails = [this]() -> JobDone {
    JobDone others = backup();
    others.made.failures.push_back({.store = "s3", .problem = "is away", .hint = ""});
    throw SomeFailed("1 of 2 databases failed", "", std::move(others));
  };
  serve({one_fails, one_fails, good()}, "0 3 * * *");
  EXPECT_THAT(texts(delivered_), ElementsAre("2026-11-23T03:02:00"));
  EXPECT_EQ(kinds_.front(), Kind::kFailed);
}

TEST_F(ServiceTest, AServiceThatBeginsAnewDeliversWhatWasMissed) {
  settings_.catch_up = false;
  state_.change(
      [&](State& state) {
        state.last_job = LastJob{.kind = Kind::kIncomplete, .ended = test_.clock.now()};
      },
      test_.context());
  serve({}, "0 3 * * *");
  EXPECT_THAT(texts(delivered_), ElementsAre("2026-11-22T21:06:28"));
}

TEST_F(ServiceTest, StaleIsToldOnceADayAndEndsWithAGoodOne) {
  settings_.catch_up = false;
  std::deque<std::function<JobDone()>> script(40, failing("the disk is full"));
  script.push_back(good());
  serve(script, "0 3 * * *");
  std::vector<std::string> told;
  for (const Event& event : events_) {
    if (event.kind == Kind::kStale) told.push_back(rfc3339(event.time).substr(0, 13));
  }
  // Nothing since 21:05 of the 22nd: 1.5 days later. The clock is looked at once an hour here.
  EXPECT_THAT(told, ElementsAre("2026-11-24T10"));
  EXPECT_EQ(kinds_.back(), Kind::kRecovered);
}

TEST_F(ServiceTest, WhileAnotherRunIsAtWorkItWaits) {
  settings_.catch_up = false;
  int tries = 0;
  const auto locked_twice = [&]() -> JobDone {
    if (++tries < 3) throw Locked("a backup of shop is already running: pid 1");
    JobDone done = backup();
    done.made.by_another = true;
    return done;
  };
  serve({locked_twice, locked_twice, locked_twice}, "0 3 * * *");
  EXPECT_THAT(start_times(), ElementsAre("2026-11-23T03:00:00", "2026-11-23T03:00:05",
                                         "2026-11-23T03:00:10", "2026-11-24T03:00:00"));
  EXPECT_EQ(state_.read(test_.context()).jobs.elsewhere, 1U);
  EXPECT_THAT(kinds_, ElementsAre(Kind::kGood));
}

TEST_F(ServiceTest, WhileAnotherRunIsAtWorkOnSomeDatabasesItWaits) {
  settings_.catch_up = false;
  int tries = 0;
  const auto busy_twice = [&]() -> JobDone {
    if (++tries < 3) throw SomeFailed("1 of 2 databases failed", "", backup(), true);
    test_.clock.advance(seconds(1));
    return backup();
  };
  serve({busy_twice, busy_twice, busy_twice}, "0 3 * * *");
  EXPECT_THAT(kinds_, ElementsAre(Kind::kGood));
}

TEST_F(ServiceTest, AJobThatOutlastsItsIntervalIsFollowedByTheNextDue) {
  settings_.catch_up = false;
  const auto slow = [this] {
    JobDone done = backup();
    test_.clock.advance(minutes(150));
    return done;
  };
  serve({slow}, "0 * * * *");
  EXPECT_THAT(start_times(), ElementsAre("2026-11-22T22:00:00", "2026-11-23T01:00:00"));
  EXPECT_NE(test_.logged().find("took longer"), std::string::npos);
}

TEST_F(ServiceTest, AnUnexpectedErrorEndsTheJobNotTheService) {
  settings_.catch_up = false;
  serve({[]() -> JobDone { throw std::bad_alloc(); }, good()}, "0 3 * * *");
  EXPECT_THAT(kinds_, ElementsAre(Kind::kFailed, Kind::kRecovered));
}

// As after the first NTP answer: a year ahead, then right again.
TEST_F(ServiceTest, AClockThatIsPutBackStopsNoBackups) {
  settings_.catch_up = false;
  const auto a_year_back = [this] {
    JobDone done = backup();
    test_.clock.advance(-hours(24 * 365));
    return done;
  };
  serve({a_year_back, good()}, "0 3 * * *");
  EXPECT_THAT(start_times(),
              ElementsAre("2026-11-23T03:00:00", "2025-11-24T03:00:00", "2025-11-25T03:00:00"));
}

TEST_F(ServiceTest, ADueIsNotDoneAgainWhenTheClockIsPutBackALittle) {
  settings_.catch_up = false;
  const auto back_an_hour = [this] {
    JobDone done = backup();
    test_.clock.advance(-hours(1));
    return done;
  };
  serve({back_an_hour}, "0 3 * * *");
  EXPECT_THAT(start_times(), ElementsAre("2026-11-23T03:00:00", "2026-11-24T03:00:00"));
}

// Longer than 1.5 intervals: no alarm just after it succeeded.
TEST_F(ServiceTest, ALongJobIsNotStaleWhenItEnds) {
  settings_.catch_up = false;
  settings_.tick = minutes(1);
  const auto long_one = [this] {
    JobDone done = backup();
    test_.clock.advance(minutes(125));
    return done;
  };
  serve({long_one, long_one}, "0 * * * *");
  EXPECT_THAT(kinds_, ElementsAre(Kind::kGood, Kind::kGood));
}

TEST_F(ServiceTest, AStopAtAnyMomentIsAStop) {
  test_.stop.request_stop();
  EXPECT_EQ(serve({}, "0 3 * * *"), ServiceEnd::kStopped);
}

TEST_F(ServiceTest, EndsForAReloadBetweenJobs) {
  reload_ = true;
  EXPECT_EQ(serve({}, "0 3 * * *"), ServiceEnd::kReload);
  EXPECT_TRUE(starts_.empty());
}

TEST_F(ServiceTest, TheBoardShowsHowThingsStand) {
  settings_.catch_up = false;
  serve({good(), failing("no")}, "0 3 * * *");
  const Standing standing = board_.get(test_.clock.now());
  EXPECT_EQ(standing.database, "shop");
  EXPECT_EQ(standing.jobs.good, 1U);
  EXPECT_EQ(standing.failures_in_a_row, 1U);
  ASSERT_TRUE(standing.last_good);
  EXPECT_EQ(standing.last_good->key, "backup_20261123_030000.dump.gz");
  ASSERT_EQ(standing.stores.size(), 1U);
  EXPECT_EQ(standing.stores[0].backups, 1U);
}

TEST_F(ServiceTest, ASchedulesYearsPassQuickly) {
  settings_.tick = hours(24);
  std::deque<std::function<JobDone()>> script(40, good());
  serve(script, "0 3 1 1 *");
  EXPECT_EQ(starts_.size(), 41U);
  EXPECT_EQ(start_times().back().substr(0, 10), "2066-01-01");
}

}  // namespace
}  // namespace pgstow
