// How it ends; what it builds is in backup/load_test.cc.
#include "pg/early_indexes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <latch>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>

#include "base/error.h"
#include "harness/program.h"

namespace pgstow::pg {
namespace {

// How many entries are left.
std::size_t left(EarlyIndexes& indexes, ArchiveHeader archive) {
  indexes.take_begun(archive);
  return archive.toc.size();
}

// A table with rows, 10, and one index, 20.
ArchiveHeader archive() {
  ArchiveHeader header;
  header.minor = 14;
  TocEntry rows;
  rows.dump_id = 10;
  rows.has_data = true;
  rows.desc = "TABLE DATA";
  rows.dependencies = {"1"};
  TocEntry index;
  index.dump_id = 20;
  index.desc = "INDEX";
  index.tag = "early";
  index.section = Section::kPostData;
  index.defn = "CREATE INDEX early ON t USING btree (a);";
  index.dependencies = {"1"};
  header.toc = {rows, index};
  return header;
}

RestoreOptions options(const char* program, bool stop_at_error, std::stop_token stop = {}) {
  return {.pg_restore = {.path = program, .major = 15, .version = ""},
          .server = {},
          .stop_at_error = stop_at_error,
          .stop = std::move(stop)};
}

const EarlyIndexOptions kAny{.workers = 1, .least_work = 0, .on_begin = [](const auto&) {}};

TEST(EarlyIndexes, WhatIsNotBegunIsLeft) {
  const ArchiveHeader header = archive();
  EarlyIndexes none(options("/bin/true", true), header, {{10, 100}}, kAny);
  EXPECT_EQ(left(none, header), 2U);
  none.on_rows(10);  // too late
  EXPECT_EQ(left(none, header), 2U);
  none.finish();

  EarlyIndexOptions large = kAny;
  large.least_work = 101;
  EarlyIndexes small(options("/bin/false", true), header, {{10, 100}}, large);
  small.on_rows(10);
  EXPECT_EQ(left(small, header), 2U);
  small.finish();
}

// Builds the index with this program; finish() is called when that has begun.
void build_by(const RestoreOptions& options) {
  const ArchiveHeader header = archive();
  std::latch begun{1};
  EarlyIndexOptions early = kAny;
  early.on_begin = [&](const std::string&) { begun.count_down(); };
  EarlyIndexes indexes(options, header, {{10, 100}}, early);
  indexes.on_rows(10);
  begun.wait();
  EXPECT_EQ(left(indexes, header), 1U);
  try {
    indexes.finish();
  } catch (const ProcessFailed&) {
    EXPECT_EQ(indexes.stop().stop_requested(), options.stop_at_error);
    throw;
  }
}

TEST(EarlyIndexes, FinishThrowsWhatFailed) {
  for (const bool stop_at_error : {true, false}) {
    EXPECT_THROW(build_by(options("/bin/false", stop_at_error)), ProcessFailed);
  }
}

TEST(EarlyIndexes, AStopIsAStopAndNoFailure) {
  const test::TempDir folder;
  const std::filesystem::path slow = folder / "pg_restore";
  test::write_file(slow, "#!/bin/sh\nexec sleep 100\n");
  std::filesystem::permissions(slow, std::filesystem::perms(0755));
  for (const bool stop_at_error : {true, false}) {
    std::stop_source stop;
    std::jthread later([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
      stop.request_stop();
    });
    EXPECT_THROW(build_by(options(slow.c_str(), stop_at_error, stop.get_token())), Cancelled);
  }
}

// As when the loading of rows failed for another reason.
TEST(EarlyIndexes, FinishEndsWithoutTheRest) {
  const ArchiveHeader header = archive();
  EarlyIndexes indexes(options("/bin/true", true), header, {{10, 100}}, kAny);
  indexes.on_rows(10);
  indexes.finish();
}

}  // namespace
}  // namespace pgstow::pg
