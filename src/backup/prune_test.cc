#include "backup/prune.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>

#include "backup/removal.h"
#include "backup/sync.h"
#include "backup/testing_backup.h"
#include "base/error.h"
#include "harness/fault_store.h"
#include "harness/program.h"
#include "store/local.h"

namespace pgstow {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;
using testing_backup::manifest_of;

class FixedClock final : public Clock {
 public:
  Time now() const override { return time; }
  void sleep(std::chrono::milliseconds, const std::stop_token&) const override {}
  Time time = *parse_stamp("20261124_040000");
};

class NoProgress final : public Progress {
 public:
  void update(const ProgressState&) override {}
  void done() override {}
};

// Lends a store that outlives the Stores.
class Lent : public Store {
 public:
  explicit Lent(Store& inner) : inner_(inner) {}
  std::string name() const override { return inner_.name(); }
  std::string location(std::string_view key) const override { return inner_.location(key); }
  std::unique_ptr<Sink> create(std::string_view key, Existing existing) override {
    return inner_.create(key, existing);
  }
  std::unique_ptr<Source> open(std::string_view key, Range range) override {
    return inner_.open(key, range);
  }
  std::vector<Object> list(std::string_view prefix) override { return inner_.list(prefix); }
  void remove(std::string_view key) override { inner_.remove(key); }
  int clear_leftovers() override { return inner_.clear_leftovers(); }

 private:
  Store& inner_;
};

// A store whose user may not remove anything.
class WriteOnce final : public Lent {
 public:
  using Lent::Lent;
  std::string name() const override { return "s3"; }
  void remove(std::string_view) override { throw NotAllowed("delete: access denied"); }
};

// A store with objects that can't be read.
class Unreadable final : public Lent {
 public:
  Unreadable(Store& inner, std::string key) : Lent(inner), key_(std::move(key)) {}
  std::unique_ptr<Source> open(std::string_view key, Range range) override {
    if (key == key_) throw Error("open: Permission denied");
    return Lent::open(key, range);
  }

 private:
  std::string key_;
};

// A store with an object that can't be removed, for the reason of such an error.
template <typename Cause>
class Holding final : public Lent {
 public:
  Holding(Store& inner, std::string key) : Lent(inner), key_(std::move(key)) {}
  void remove(std::string_view key) override {
    if (key == key_) throw Cause("delete: denied by its policy");
    Lent::remove(key);
  }

 private:
  std::string key_;
};

// Somebody says `keep` when the removal has just begun.
class PinnedMeanwhile final : public Lent {
 public:
  PinnedMeanwhile(Store& inner, std::string key) : Lent(inner), key_(std::move(key)) {}
  std::vector<Object> list(std::string_view prefix) override {
    if (prefix == archive_stem(key_)) {
      write_object(*this, pin_key(key_), "{\"pinned\": true}", Existing::kReplace);
    }
    return Lent::list(prefix);
  }

 private:
  std::string key_;
};

Stores stores_of(Store& store) {
  std::vector<Place> places;
  places.push_back({.store = std::make_unique<Lent>(store)});
  return Stores(std::move(places));
}

class Prune : public testing::Test {
 protected:
  void add(const std::string& stamp, const std::string& database = "shop", std::uint64_t rows = 100,
           const std::string& content = "archive", const std::string& server = "1") {
    Manifest m = manifest_of("backup_" + stamp, database, content + stamp);
    m.system_identifier = server;
    m.raw.bytes = rows * 10;
    TableProof table{.schema = "public", .name = "t", .proof = {}};
    table.proof.rows = rows;
    m.tables.push_back(table);
    write_object(store, m.archive, content + stamp, Existing::kRefuse);
    write_object(store, manifest_key(m.archive), to_json(m), Existing::kRefuse);
  }
  // One a day, the last on 24 November 2026.
  void add_days(int count) {
    for (int i = 0; i < count; ++i) {
      add(stamp(clock.time - std::chrono::hours(24 * i + 1)));
    }
  }
  Pruned prune(bool force = false, bool dry_run = false) {
    return run_prune(job(force, dry_run), stores_of(store), context);
  }
  PruneJob job(bool force = false, bool dry_run = false) const {
    return {.rule = {.daily = 3, .weekly = 3, .monthly = 0},
            .zone = Zone::local_to_host(),
            .dry_run = dry_run,
            .force = force};
  }
  std::vector<std::string> days() {
    std::vector<std::string> list;
    for (const Backup& backup : list_backups(store)) list.push_back(backup.key.substr(11, 4));
    return list;
  }
  std::size_t objects() { return store.list().size(); }

  FixedClock clock;
  Log log{clock, LogFormat::kText, Level::kError};
  Context context{.log = log, .clock = clock, .stop = {}};
  test::TempDir folder;
  LocalStore store{folder.path()};
};

// Whatever the rule, and however old: it is not ours.
TEST_F(Prune, FilesThatWeDidNotMakeStay) {
  add_days(12);
  for (const char* name : {"customer-final.dump", "wiki_2019.dump.gz", "backup_of_mine.dump.gz",
                           "backup_20191301_000000.dump.gz"}) {
    write_object(store, name, "somebody's", Existing::kRefuse);
  }
  write_object(store, "backup_20191201_000000.dump.gz", "the guide's own kind", Existing::kRefuse);
  PruneJob strict = job();
  strict.rule = {.daily = 0, .weekly = 0, .monthly = 0, .last = 1};
  const Pruned pruned = run_prune(strict, stores_of(store), context);
  EXPECT_EQ(pruned.removed, 12);
  EXPECT_EQ(read_object(store, "customer-final.dump"), "somebody's");
  EXPECT_EQ(read_object(store, "wiki_2019.dump.gz"), "somebody's");
  EXPECT_EQ(read_object(store, "backup_of_mine.dump.gz"), "somebody's");
  EXPECT_EQ(read_object(store, "backup_20191301_000000.dump.gz"), "somebody's");
}

// A host's rule is its own: it removes nothing of the others that share the store.
TEST_F(Prune, OnlyTheDatabaseAndServerItIsMeantFor) {
  for (const char* stamp : {"20261101_010000", "20261102_010000"}) {
    add(stamp, "shop", 100, "archive", "1");
  }
  for (const char* stamp : {"20261101_020000", "20261102_020000"}) {
    add(stamp, "shop", 100, "archive", "2");
  }
  for (const char* stamp : {"20261101_030000", "20261102_030000"}) add(stamp, "shop2");
  PruneJob one = job();
  one.rule = {.daily = 0, .weekly = 0, .monthly = 0, .last = 1};
  one.database = "shop";
  one.server = "1";
  EXPECT_EQ(run_prune(one, stores_of(store), context).removed, 1);
  one.server.clear();
  EXPECT_EQ(run_prune(one, stores_of(store), context).removed, 1);
  one.database.clear();
  EXPECT_EQ(run_prune(one, stores_of(store), context).removed, 1);
  EXPECT_THAT(list_backups(store), testing::SizeIs(3));
}

// The copy that a store still misses is here only. Not for ever: the disk is finite.
TEST_F(Prune, WhatAStoreStillMissesStaysForAWhile) {
  add_days(12);
  for (const Backup& backup : list_backups(store)) {
    write_object(store, missed_key(backup.key), "{}", Existing::kRefuse);
  }
  PruneJob strict = job();
  strict.rule = {.daily = 0, .weekly = 0, .monthly = 0, .last = 1};
  EXPECT_EQ(run_prune(strict, stores_of(store), context).removed, 5);
  EXPECT_THAT(list_backups(store), testing::SizeIs(7));
}

TEST_F(Prune, RemovesWhatNothingKeeps) {
  add_days(12);
  write_object(store, "my_notes.txt", "not a backup", Existing::kRefuse);
  Verification verification;
  verification.good = true;
  record_verification(store, "backup_20261114_030000.dump.gz", verification);
  const Pruned pruned = prune();
  EXPECT_EQ(pruned.removed, 8);
  EXPECT_THAT(days(), ElementsAre("1124", "1123", "1122", "1115"));
}

TEST_F(Prune, ADryRunRemovesNothing) {
  add_days(12);
  const Pruned pruned = prune(false, true);
  EXPECT_EQ(pruned.removed, 8);
  EXPECT_THAT(days(), SizeIs(12));
  EXPECT_THAT(pruned.steps, SizeIs(12));
  EXPECT_THAT(pruned.steps[0].reasons, Contains("day 2026-11-24"));
}

TEST_F(Prune, DatabasesAreJudgedEachForItself) {
  add("20250101_000000", "shop_staging");
  add_days(5);
  prune();
  EXPECT_THAT(days(), Contains("0101"));
}

TEST_F(Prune, ServersWithADatabaseOfTheSameNameAreJudgedEachForItself) {
  add("20250101_000000", "shop", 100, "archive", "2");
  add_days(5);
  prune();
  EXPECT_THAT(days(), Contains("0101"));
}

TEST_F(Prune, NothingGoesWhileTheNewestOneIsFarSmaller) {
  add_days(12);
  add("20261124_035000", "shop", 49);
  const Pruned pruned = prune();
  EXPECT_EQ(pruned.removed, 0);
  EXPECT_THAT(pruned.suspicions, ElementsAre(HasSubstr("49 rows, 49 %")));
  EXPECT_THAT(days(), SizeIs(13));
  EXPECT_EQ(prune(true).removed, 8);
}

// As a host left it whose clock was once years ahead.
TEST_F(Prune, OneOfTheFutureIsNotTheNewestOne) {
  add_days(7);
  add("20261124_035000", "shop", 49);
  add("20291124_030000");
  const Pruned pruned = prune();
  EXPECT_EQ(pruned.removed, 0);
  EXPECT_THAT(pruned.suspicions, ElementsAre(HasSubstr("shop in local: 49 rows, 49 %")));
  EXPECT_THAT(days(), SizeIs(9));
}

// A damaged one whose verification only root can read would take the week's place of a good one.
TEST_F(Prune, WhoseVerificationCantBeReadTakesNobodysPlace) {
  add_days(4);
  add("20261115_020000");
  add("20261115_030000");
  Verification damaged;
  damaged.bytes = list_backups(store).back().bytes;
  record_verification(store, "backup_20261115_030000.dump.gz", damaged);
  Unreadable secret(store, "backup_20261115_030000.verified.json");
  const Pruned pruned = run_prune(job(), stores_of(secret), context);
  EXPECT_THAT(days(), ElementsAre("1124", "1123", "1122", "1115", "1115"));
  EXPECT_THAT(pruned.steps[4].reasons, ElementsAre("its verification can't be read"));
  EXPECT_THAT(pruned.steps[5].reasons, ElementsAre("week 2026-W46"));
}

TEST_F(Prune, APinKeepsItAndTakingItAwayDoesNot) {
  add_days(12);
  const std::vector<Backup> before = list_backups(store);
  set_pin(before.back(), true, context);
  prune();
  EXPECT_THAT(days(), Contains("1113"));
  set_pin(list_backups(store).back(), false, context);
  prune();
  EXPECT_THAT(days(), Not(Contains("1113")));
}

TEST_F(Prune, APinIsTakenBackWhereNothingMayBeRemoved) {
  add_days(1);
  WriteOnce bucket(store);
  set_pin(list_backups(bucket).front(), true, context);
  EXPECT_TRUE(list_backups(bucket).front().pinned);
  set_pin(list_backups(bucket).front(), false, context);
  EXPECT_FALSE(list_backups(bucket).front().pinned);
  set_pin(list_backups(bucket).front(), true, context);
  EXPECT_TRUE(list_backups(bucket).front().pinned);
  write_object(store, pin_key(list_backups(bucket).front().key), "odd", Existing::kReplace);
  EXPECT_TRUE(list_backups(bucket).front().pinned) << "what can't be read holds";
}

// The first store that refuses does not leave the others as they were.
TEST_F(Prune, APinIsSetWhereItCanBe) {
  add_days(1);
  const test::TempDir other;
  LocalStore far(other.path(), "local:far");
  test::FaultStore failing(far, 1, test::Moment::kBefore);
  test::FaultStore failing_too(far, 1, test::Moment::kBefore);
  Backup backup = list_backups(store).front();
  const Copy whole = backup.copies.front();
  backup.copies = {{.store = &failing, .state = "unverified"},
                   whole,
                   {.store = &failing_too, .state = "unverified"}};
  try {
    set_pin(backup, true, context);
    FAIL() << "two stores have failed";
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), testing::ContainsRegex("local:far: .*; local:far: "));
  }
  EXPECT_TRUE(list_backups(store).front().pinned);
}

TEST_F(Prune, AStoreWithoutTheRightIsLeftAlone) {
  add_days(12);
  WriteOnce bucket(store);
  const Pruned pruned = run_prune(job(), stores_of(bucket), context);
  EXPECT_THAT(pruned.not_removable, ElementsAre("s3"));
  EXPECT_THAT(pruned.failures, IsEmpty());
  EXPECT_THAT(days(), SizeIs(12));
}

TEST_F(Prune, WhatCantBeRemovedStaysWholeAndKeepsItFromNoOther) {
  add_days(12);
  Holding<NotAllowed> bucket(store, "backup_20261114_030000.dump.gz");
  for (const int removed : {7, 0}) {
    const Pruned pruned = run_prune(job(), stores_of(bucket), context);
    EXPECT_EQ(pruned.removed, removed);
    EXPECT_THAT(pruned.not_removable, IsEmpty());
    ASSERT_THAT(pruned.failures, SizeIs(1));
    EXPECT_EQ(pruned.failures[0].store, "local");
    EXPECT_THAT(pruned.failures[0].problem,
                AllOf(StartsWith("backup_20261114_030000.dump.gz could not be removed"),
                      HasSubstr("denied")));
    EXPECT_THAT(days(), ElementsAre("1124", "1123", "1122", "1115", "1114"));
    EXPECT_EQ(list_backups(store).back().state(), "unverified") << "with its manifest";
  }
}

TEST_F(Prune, WhatCantBeRemovedAndHadNoManifestHasNone) {
  add_days(3);
  write_object(store, "backup_20261101_030000.dump.gz", "old", Existing::kRefuse);
  write_object(store, "backup_20261102_030000.dump.gz", "old", Existing::kRefuse);
  Holding<Error> stuck(store, "backup_20261101_030000.dump.gz");
  EXPECT_THAT(run_prune(job(), stores_of(stuck), context).failures, SizeIs(1));
  EXPECT_THAT(days(), ElementsAre("1124", "1123", "1122", "1102", "1101"));
  EXPECT_EQ(list_backups(store).back().state(), "no proof");
}

TEST_F(Prune, ARemovalThatCantBeEndedKeepsItFromNoOther) {
  add_days(4);
  const std::string mark = "{\"schema\": \"pgstow.removed/1\"}\n";
  for (const char* day : {"20261101", "20261102"}) {
    const std::string archive = fmt::format("backup_{}_030000.dump.gz", day);
    write_object(store, archive, "half removed", Existing::kRefuse);
    write_object(store, manifest_key(archive), mark, Existing::kRefuse);
  }
  Holding<NotAllowed> bucket(store, "backup_20261101_030000.dump.gz");
  const Pruned pruned = run_prune(job(), stores_of(bucket), context);
  EXPECT_EQ(pruned.removed, 1);
  EXPECT_THAT(pruned.failures, SizeIs(1));
  EXPECT_THAT(pruned.not_removable, IsEmpty());
  EXPECT_THAT(store.list("backup_20261102"), IsEmpty());
  EXPECT_THAT(store.list("backup_20261101"), SizeIs(2));
}

// Nobody knows whether it was carried out, and each further question would take its minutes.
TEST_F(Prune, AStoreThatGivesNoAnswerIsAskedNothingMore) {
  add_days(12);
  Holding<Transient> silent(store, "backup_20261114_030000.dump.gz");
  const Pruned pruned = run_prune(job(), stores_of(silent), context);
  EXPECT_EQ(pruned.removed, 1);
  EXPECT_THAT(pruned.failures, SizeIs(1));
  EXPECT_THAT(days(), Not(Contains("1114")));
  EXPECT_EQ(prune().removed, 6);
  EXPECT_THAT(store.list("backup_20261114"), IsEmpty());
}

TEST_F(Prune, APinThatComesMeanwhileHolds) {
  add_days(12);
  PinnedMeanwhile shared(store, "backup_20261114_030000.dump.gz");
  const Pruned pruned = run_prune(job(), stores_of(shared), context);
  EXPECT_EQ(pruned.removed, 7);
  ASSERT_THAT(days(), Contains("1114"));
  const Backup kept = list_backups(store).back();
  EXPECT_EQ(kept.state(), "unverified");
  EXPECT_TRUE(kept.pinned);
  EXPECT_THAT(pruned.steps[10].reasons, ElementsAre("pinned"));
  EXPECT_FALSE(pruned.steps[10].removed);
}

TEST_F(Prune, NothingIsAskedWhereNothingIsToGo) {
  add_days(3);
  WriteOnce bucket(store);
  const Pruned pruned = run_prune(job(), stores_of(bucket), context);
  EXPECT_THAT(pruned.not_removable, IsEmpty());
  EXPECT_THAT(pruned.steps, SizeIs(3));
}

TEST_F(Prune, OldBackupsWithoutManifestAreRotatedToo) {
  for (const char* stamp : {"20261101_030000", "20261102_030000", "20261103_030000"}) {
    write_object(store, fmt::format("backup_{}.dump.gz", stamp), "old", Existing::kRefuse);
  }
  add_days(3);
  prune();
  EXPECT_THAT(days(), ElementsAre("1124", "1123", "1122", "1103"));
}

TEST_F(Prune, ASecondArchiveOfTheSameStemKeepsItsManifest) {
  add("20261124_030000");
  write_object(store, "backup_20261124_030000.dump.zst", "other", Existing::kRefuse);
  remove_backup(store, "backup_20261124_030000.dump.zst");
  ASSERT_THAT(list_backups(store), SizeIs(1));
  EXPECT_EQ(list_backups(store)[0].state(), "unverified");
}

// Each call of a removal fails once, before or after it was carried out: no backup is ever listed
// as good that is not whole, none that is kept is touched, and the next run ends what was begun.
TEST_F(Prune, MayBeCutShortAnywhere) {
  for (const test::Moment moment : {test::Moment::kBefore, test::Moment::kAfter}) {
    for (int n = 1;; ++n) {
      test::TempDir fresh;
      LocalStore real(fresh.path());
      for (const char* stamp : {"20261124_030000", "20261123_030000", "20261122_030000",
                                "20261111_030000", "20261101_030000"}) {
        testing_backup::add(real, fmt::format("backup_{}", stamp), "shop", stamp);
      }
      test::FaultStore faulty(real, n, moment);
      const Pruned cut = run_prune(job(), stores_of(faulty), context);
      EXPECT_EQ(cut.failures.empty() || faulty.failed(), true);
      for (const Backup& backup : list_backups(real)) {
        EXPECT_EQ(backup.state(), "unverified") << "call " << n << ": " << backup.key;
      }
      run_prune(job(), stores_of(real), context);
      std::vector<std::string> keys;
      for (const Object& object : real.list()) keys.push_back(object.key);
      EXPECT_THAT(keys, SizeIs(8)) << "call " << n;  // four backups, each with its manifest
      EXPECT_THAT(keys, Contains(StartsWith("backup_20261111")));
      EXPECT_THAT(keys, Not(Contains(StartsWith("backup_20261101"))));
      if (!faulty.failed()) {
        EXPECT_GT(n, 10);
        break;
      }
    }
  }
}

TEST_F(Prune, SyncDoesNotBringBackWhatRetentionRemoved) {
  add_days(12);
  test::TempDir other;
  std::vector<Place> places;
  places.push_back({.store = std::make_unique<LocalStore>(folder.path())});
  places.push_back({.store = std::make_unique<LocalStore>(other.path(), "local:far")});
  const Stores both(std::move(places));
  NoProgress progress;
  const Synced synced = run_sync({.retention = job()}, both, context, progress);
  EXPECT_THAT(synced.steps, SizeIs(4));
}

}  // namespace
}  // namespace pgstow
