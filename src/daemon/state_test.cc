#include "daemon/state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <thread>
#include <vector>

#include "base/error.h"
#include "harness/program.h"
#include "store/testing_context.h"

namespace pgstow {
namespace {

const Time kTime{std::chrono::milliseconds(1'795'381'528'000)};

State full_state() {
  return {.since = kTime,
          .handled = kTime + std::chrono::hours(1),
          .last_job = LastJob{.kind = Event::Kind::kFailed,
                              .run_id = "id",
                              .started = kTime,
                              .ended = kTime + std::chrono::minutes(1),
                              .error = "the server \"x\" is gone",
                              .hint = "start it",
                              .lasting = false},
          .last_good = GoodBackup{.key = "backup_20261122_210528.dump.gz",
                                  .time = kTime,
                                  .bytes = 12,
                                  .raw_bytes = 34,
                                  .rows = 5,
                                  .duration = std::chrono::milliseconds(678)},
          .lacking = {{"blog", kTime}, {"crm", kTime + std::chrono::hours(1)}},
          .own_good = kTime - std::chrono::hours(24),
          .server = "7550000000000000001",
          .failures_in_a_row = 2,
          .bad = true,
          .jobs = {.good = 1, .incomplete = 2, .failed = 3, .elsewhere = 4},
          .removed = 9,
          .notifications_failed = 8,
          .stale_told = kTime,
          .failed_told = kTime + std::chrono::hours(2),
          .next_run = kTime + std::chrono::hours(3)};
}

TEST(State, IsReadAsItWasWritten) {
  const std::string text = to_json(full_state());
  EXPECT_EQ(to_json(parse_state(text)), text);
  EXPECT_EQ(to_json(parse_state(to_json(State{.since = kTime}))), to_json(State{.since = kTime}));
}

TEST(State, EveryCutIsRefusedNotMisread) {
  const std::string text = to_json(full_state());
  for (std::size_t n = 0; n + 2 < text.size(); ++n) {
    EXPECT_THROW(parse_state(text.substr(0, n)), Corrupt) << n;
  }
}

TEST(State, ADatabaseWithoutAnyIsStaleByItsOwnAge) {
  const auto hours = [](int n) { return std::chrono::hours(n); };
  State state = full_state();
  state.lacking = still_lacking({}, {{.name = "shop", .last_good = state.last_good}}, true, kTime);
  EXPECT_TRUE(state.lacking.empty());
  EXPECT_EQ(age_reference(state), kTime);
  state.lacking = still_lacking({}, {{.name = "new"}}, true, kTime + hours(9));
  EXPECT_EQ(age_reference(state), kTime);
  state.last_good->time = kTime + hours(48);
  state.lacking =
      still_lacking(state.lacking, {{.name = "new"}, {.name = "b"}}, true, kTime + hours(20));
  EXPECT_EQ(age_reference(state), kTime + hours(9)) << "it has none since then";
  EXPECT_THAT(stale_text(state), testing::HasSubstr("no good backup of b, new; of the others the"));
  // A server that can't be asked has not dropped them.
  state.lacking = still_lacking(state.lacking, {}, false, kTime + hours(49));
  EXPECT_EQ(age_reference(state), kTime + hours(9));
  state.lacking = still_lacking(state.lacking, {{.name = "b"}}, true, kTime + hours(50));
  EXPECT_EQ(age_reference(state), kTime + hours(20));
  state.lacking.clear();
  EXPECT_THAT(stale_text(state), testing::StartsWith("the newest good backup is from 2"));
  state.last_good.reset();
  EXPECT_EQ(stale_text(state), "there is no good backup");
}

TEST(StateFile, RemembersFromRunToRun) {
  const test::TempDir folder;
  test::TestContext test;
  StateFile(folder / "state", "shop").change([](State& s) { s.jobs.good = 7; }, test.context());
  EXPECT_EQ(StateFile(folder / "state", "shop").read(test.context()).jobs.good, 7U);
  EXPECT_EQ(StateFile(folder / "state", "shop2").read(test.context()).jobs.good, 0U);
}

TEST(StateFile, ADamagedOneBeginsAnewAndSaysSo) {
  const test::TempDir folder;
  test::TestContext test;
  StateFile file(folder.path(), "shop");
  file.change([](State& s) { s.jobs.good = 7; }, test.context());
  test::write_file(folder / "state-shop.json", "{\"schema\":");
  EXPECT_EQ(file.read(test.context()).jobs.good, 0U);
  EXPECT_NE(test.logged().find("begins anew"), std::string::npos);
}

TEST(StateFile, WhatCannotBeWrittenIsKeptInMemory) {
  const test::TempDir folder;
  test::TestContext test;
  test::write_file(folder / "file", "no folder can be made here");
  StateFile file(folder / "file/state", "shop");
  file.change([](State& s) { ++s.jobs.good; }, test.context());
  file.change([](State& s) { ++s.jobs.good; }, test.context());
  EXPECT_EQ(file.read(test.context()).jobs.good, 2U);
  EXPECT_NE(test.logged().find("can't be written"), std::string::npos);
}

TEST(StateFile, NoChangeIsLost) {
  const test::TempDir folder;
  test::TestContext test;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        StateFile file(folder.path(), "shop");
        for (int n = 0; n < 10; ++n) {
          file.change([](State& s) { ++s.removed; }, test.context());
        }
      });
    }
  }
  EXPECT_EQ(StateFile(folder.path(), "shop").read(test.context()).removed, 40U);
}

}  // namespace
}  // namespace pgstow
