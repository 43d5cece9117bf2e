// Several stores: what they list together, what is delivered to them, and how they are brought up
// to date from each other.
#include "backup/sync.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "backup/delivery.h"
#include "backup/testing_backup.h"
#include "base/error.h"
#include "harness/fault_store.h"
#include "harness/program.h"
#include "store/local.h"

namespace pgstow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing_backup::add;

constexpr const char* kOne = "backup_20260101_000000";
constexpr const char* kTwo = "backup_20260102_000000";

std::string key_of(const std::string& stem) { return stem + ".dump.gz"; }

class NoProgress final : public Progress {
 public:
  void update(const ProgressState&) override {}
  void done() override {}
};

class SeveralStores : public testing::Test {
 protected:
  LocalStore near() { return LocalStore(folder / "near", "local"); }
  LocalStore far() { return LocalStore(folder / "far", "local:far"); }

  // The two stores; `far_store` stands in for the second.
  Stores stores(std::unique_ptr<Store> far_store = nullptr) {
    if (!far_store) far_store = std::make_unique<LocalStore>(far());
    std::vector<Place> places;
    places.push_back({.store = std::make_unique<LocalStore>(near())});
    places.push_back({.store = std::move(far_store)});
    return Stores(std::move(places));
  }

  std::vector<std::string> steps(const Synced& synced) {
    std::vector<std::string> out;
    for (const SyncStep& s : synced.steps)
      out.push_back(s.key + " " + s.from + " " + s.to + " " + s.why +
                    (s.problem.empty() ? "" : ": failed"));
    return out;
  }

  Synced sync(const SyncJob& job = {}) { return run_sync(job, stores(), context, progress); }

  test::TempDir folder;
  SystemClock clock;
  Log log{clock, LogFormat::kText, Level::kError};
  Context context{log, clock, {}};
  NoProgress progress;
  LocalStore one = near();
  LocalStore two = far();
};

TEST_F(SeveralStores, ListOneLineABackup) {
  add(one, kOne, "shop", "content");
  add(two, kOne, "shop", "content");
  add(two, kTwo, "shop", "other");
  const Stores both = stores();
  const Listing listing = list_backups(both.all(), context);
  ASSERT_THAT(listing.backups, SizeIs(2));
  EXPECT_EQ(listing.backups[0].key, key_of(kTwo));
  EXPECT_EQ(listing.backups[0].store().name(), "local:far");
  ASSERT_THAT(listing.backups[1].copies, SizeIs(2));
  EXPECT_EQ(listing.backups[1].store().name(), "local");
}

TEST_F(SeveralStores, TheNearestWholeCopyIsDescribed) {
  add(one, kOne, "shop", "content");
  add(two, kOne, "shop", "content");
  write_object(one, key_of(kOne), "cont", Existing::kReplace);
  const Stores both = stores();
  const Listing listing = list_backups(both.all(), context);
  ASSERT_THAT(listing.backups, SizeIs(1));
  const Backup& backup = listing.backups[0];
  EXPECT_EQ(backup.store().name(), "local:far");
  EXPECT_EQ(backup.state(), "unverified");
  ASSERT_THAT(backup.copies, SizeIs(2));
  EXPECT_EQ(backup.copies[1].state, "damaged");
}

TEST_F(SeveralStores, OtherBytesUnderOneNameAreAnotherBackup) {
  add(one, kOne, "shop", "content");
  add(two, kOne, "shop", "CONTENT");
  const Stores both = stores();
  EXPECT_THAT(list_backups(both.all(), context).backups, SizeIs(2));
  const Synced synced = sync();
  EXPECT_THAT(steps(synced), testing::Each(HasSubstr("failed")));
  ASSERT_THAT(synced.steps, SizeIs(2));
  EXPECT_THAT(synced.steps[0].problem, HasSubstr("another backup has this name there"));
  EXPECT_EQ(read_object(one, key_of(kOne)), "content");
  EXPECT_EQ(read_object(two, key_of(kOne)), "CONTENT");
}

TEST_F(SeveralStores, AnUnreadableOneIsAFailureAndTheOthersAreListed) {
  add(one, kOne, "shop", "content");
  const Stores both = stores(std::make_unique<test::FaultStore>(two, 1));
  const Listing listing = list_backups(both.all(), context);
  EXPECT_THAT(listing.backups, SizeIs(1));
  ASSERT_THAT(listing.failures, SizeIs(1));
  EXPECT_EQ(listing.failures[0].store, "local:far");
  test::FaultStore broken(two, 1);
  EXPECT_THROW(list_backups({&broken}, context), Error);
}

TEST_F(SeveralStores, AreNamedOrTheErrorTellsTheNames) {
  const Stores both = stores();
  EXPECT_EQ(both.named("local:far").name(), "local:far");
  try {
    static_cast<void>(both.named("s3"));
    FAIL() << "there is no s3";
  } catch (const ConfigError& e) {
    EXPECT_EQ(e.hint(), "configured are local, local:far");
  }
}

TEST_F(SeveralStores, SyncBringsWhatIsMissingBothWays) {
  add(one, kOne, "shop", "content");
  add(two, kTwo, "shop", "other");
  write_object(one, "by_hand.dump", "no manifest", Existing::kRefuse);
  SyncJob dry;
  dry.dry_run = true;
  EXPECT_THAT(sync(dry).steps, SizeIs(3));
  EXPECT_THAT(two.list("by_hand"), IsEmpty());

  EXPECT_THAT(sync().steps, SizeIs(3));
  EXPECT_EQ(read_object(two, key_of(kOne)), "content");
  EXPECT_EQ(read_object(two, "by_hand.dump"), "no manifest");
  EXPECT_EQ(read_object(two, manifest_key(kOne)), read_object(one, manifest_key(kOne)));
  EXPECT_EQ(read_object(one, key_of(kTwo)), "other");
  EXPECT_THAT(sync().steps, IsEmpty());
}

TEST_F(SeveralStores, SyncReplacesADamagedCopyAndALostManifest) {
  for (const char* stem : {kOne, kTwo}) {
    add(one, stem, "shop", stem);
    add(two, stem, "shop", stem);
  }
  write_object(two, key_of(kOne), "back", Existing::kReplace);
  two.remove(manifest_key(kTwo));
  EXPECT_THAT(steps(sync()), ElementsAre(key_of(kTwo) + " local local:far without its manifest",
                                         key_of(kOne) + " local local:far damaged"));
  EXPECT_EQ(read_object(two, key_of(kOne)), kOne);
  EXPECT_THAT(sync().steps, IsEmpty());
}

TEST_F(SeveralStores, SyncTakesNothingThatIsNotAsItsManifestSays) {
  add(one, kOne, "shop", "content");
  write_object(one, key_of(kOne), "CONTENT", Existing::kReplace);  // the length is right
  const Synced synced = sync();
  EXPECT_THAT(steps(synced), ElementsAre(key_of(kOne) + " local local:far missing: failed"));
  EXPECT_THAT(two.list(), IsEmpty());
}

TEST_F(SeveralStores, SyncKeepsToTheStoresItIsTold) {
  add(one, kOne, "shop", "content");
  add(two, kTwo, "shop", "other");
  SyncJob job;
  job.to = "local:far";
  EXPECT_THAT(steps(sync(job)), ElementsAre(key_of(kOne) + " local local:far missing"));
  job.to = "local";
  job.from = "local";
  EXPECT_THAT(steps(sync(job)), ElementsAre(key_of(kTwo) + "  local missing: failed"));
}

// Every call of the copying fails once: what is listed afterwards is whole, and a second run ends
// the work.
TEST_F(SeveralStores, SyncSurvivesAnyFailingCall) {
  for (const test::Moment moment : {test::Moment::kBefore, test::Moment::kAfter}) {
    bool failed = true;
    for (int n = 1; failed; ++n) {
      SCOPED_TRACE(n);
      for (const Object& object : two.list()) two.remove(object.key);
      for (const Object& object : one.list()) one.remove(object.key);
      add(one, kOne, "shop", std::string(3'000'000, 'x'));
      auto faulty = std::make_unique<test::FaultStore>(two, n, moment);
      const test::FaultStore& watch = *faulty;
      const Stores both = stores(std::move(faulty));
      static_cast<void>(run_sync({}, both, context, progress));
      failed = watch.failed();
      for (const Backup& backup : list_backups(two)) EXPECT_NE(backup.state(), "damaged");
      sync();
      ASSERT_THAT(list_backups(two), SizeIs(1));
      EXPECT_TRUE(list_backups(two)[0].manifest.has_value());
      ASSERT_LT(n, 100);
    }
  }
}

// A host that only fills a store would never clear there.
TEST_F(SeveralStores, SyncClearsWhatDeadRunsLeft) {
  add(one, kOne, "shop", "content");
  add(two, kTwo, "shop", "content");
  const auto part = folder / "far" / ("." + key_of(kOne) + ".part");
  test::write_file(part, "dead");
  sync({.dry_run = true});
  EXPECT_TRUE(std::filesystem::exists(part));
  sync();
  EXPECT_FALSE(std::filesystem::exists(part));
}

TEST_F(SeveralStores, ADeliveryOutlivesAStoreThatFails) {
  for (int n = 1; n <= 3; ++n) {  // create, write, finish
    test::FaultStore broken(two, n);
    const std::string key = key_of(kOne) + std::to_string(n);
    Delivery delivery({&one, &broken}, key, context);
    delivery.write("content");
    delivery.finish();
    EXPECT_THAT(delivery.stores(), ElementsAre(&one));
    EXPECT_THAT(delivery.failures(), SizeIs(1));
    EXPECT_EQ(read_object(one, key), "content");
    EXPECT_THAT(two.list(key), IsEmpty());
    EXPECT_EQ(two.clear_leftovers(), 0);
  }
}

TEST_F(SeveralStores, ADeliveryFailsWithItsLastStore) {
  test::FaultStore first(one, 1);
  test::FaultStore second(two, 2);
  Delivery delivery({&first, &second}, "x", context);
  EXPECT_THROW(delivery.write("content"), Error);
}

TEST_F(SeveralStores, ADeliveryBeginsNothingWhereOneHasTheName) {
  write_object(two, "x", "there", Existing::kRefuse);
  EXPECT_THROW(Delivery({&one, &two}, "x", context), Exists);
  EXPECT_EQ(one.clear_leftovers(), 0);
  EXPECT_THAT(one.list(), IsEmpty());
}

TEST_F(SeveralStores, WhatWasMissedIsDeliveredByTheNextRun) {
  add(one, kOne, "shop", "content");
  add(one, kTwo, "shop", "not to be delivered: nobody missed it");
  const Backup made = list_backups(one).back();
  note_missed(made, {{"local:far", "no route", ""}, {"s3", "gone", ""}}, context);
  EXPECT_THAT(missed_notes(one), SizeIs(1));
  EXPECT_THAT(orphaned_manifests(one), IsEmpty());

  test::FaultStore broken(two, 2);  // its listing works, then nothing is written
  EXPECT_THAT(deliver_missed({&one, &broken}, context, progress), SizeIs(1));
  EXPECT_THAT(list_backups(two), IsEmpty());
  EXPECT_THAT(missed_notes(one), SizeIs(1));

  EXPECT_THAT(deliver_missed({&one, &two}, context, progress), IsEmpty());
  ASSERT_THAT(list_backups(two), SizeIs(1));
  EXPECT_EQ(list_backups(two)[0].key, key_of(kOne));
  EXPECT_THAT(missed_notes(one), SizeIs(1));  // s3 is still to come
  note_missed(made, {{"local:far", "again", ""}}, context);
  deliver_missed({&one, &two}, context, progress);
  EXPECT_THAT(missed_notes(one), IsEmpty());
}

// Its only copy was damaged since: that must not pass for delivered.
TEST_F(SeveralStores, WhatIsDamagedIsNotForgottenInSilence) {
  add(one, kOne, "shop", "content");
  const Backup made = list_backups(one).back();
  note_missed(made, {{"local:far", "no route", ""}}, context);
  record_verification(one, made.key,
                      {.time = {}, .good = false, .bytes = 7, .sha256 = {}, .problem = "flipped"});
  const auto undelivered = deliver_missed({&one, &two}, context, progress);
  ASSERT_THAT(undelivered, SizeIs(1));
  EXPECT_EQ(undelivered[0].store, "local:far");
  EXPECT_THAT(undelivered[0].problem, testing::HasSubstr("no longer whole"));
}

// Two hosts made a backup of that name, and the other one's was there first.
TEST_F(SeveralStores, WhatCanNeverBeDeliveredIsTriedOnce) {
  add(one, kOne, "shop", "content");
  const Backup made = list_backups(one).back();
  add(two, kOne, "shop", "what another host wrote");
  note_missed(made, {{"local:far", "another run has written this name meanwhile", ""}}, context);
  deliver_missed({&one, &two}, context, progress);
  EXPECT_EQ(read_object(two, key_of(kOne)), "what another host wrote");
  EXPECT_THAT(missed_notes(one), IsEmpty());
}

// It failed there, and somebody else brought the very same backup meanwhile.
// A note outlives whatever goes wrong once while it is looked at.
TEST_F(SeveralStores, AHolderThatFailsForAMomentKeepsItsNotes) {
  for (int n = 1;; ++n) {
    const test::TempDir fresh;
    LocalStore holder(fresh / "one", "one");
    LocalStore target(fresh / "two", "local:far");
    add(holder, kOne, "shop", "first");
    note_missed(list_backups(holder).front(), {{"local:far", "no route", ""}}, context);
    test::FaultStore faulty(holder, n);
    static_cast<void>(deliver_missed({&faulty, &target}, context, progress));
    const std::vector<Backup> there = list_backups(target);
    const bool whole = there.size() == 1 && there.front().manifest;
    EXPECT_TRUE(whole || !missed_notes(holder).empty()) << "at step " << n;
    if (!faulty.failed()) break;
  }
}

TEST_F(SeveralStores, WhatHasArrivedMeanwhileIsMissedNoMore) {
  add(one, kOne, "shop", "content");
  add(two, kOne, "shop", "content");
  note_missed(list_backups(one).back(), {{"local:far", "no route", ""}}, context);
  deliver_missed({&one, &two}, context, progress);
  EXPECT_THAT(missed_notes(one), IsEmpty());
  EXPECT_EQ(read_object(two, key_of(kOne)), "content");
}

}  // namespace
}  // namespace pgstow
