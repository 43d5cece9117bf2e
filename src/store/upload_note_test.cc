#include "store/upload_note.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "harness/forked.h"
#include "harness/program.h"

namespace pgstow {
namespace {

using test::Forked;
using test::TempDir;
using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> ended(const std::filesystem::path& folder, const std::string& place,
                               bool success = true,
                               std::chrono::hours later = std::chrono::hours(0)) {
  std::vector<std::string> all;
  end_noted_uploads(folder, place, SystemClock().now() + later, [&](const NotedUpload& upload) {
    all.push_back(upload.key + " " + upload.upload_id + (upload.refused ? " refused" : ""));
    return success;
  });
  return all;
}

TEST(UploadNote, ThatOfALivingRunIsLeftAlone) {
  const TempDir folder("pgstow-note-");
  const UploadNote note(folder / "made", {.place = "here", .key = "k", .upload_id = "id"});
  EXPECT_THAT(ended(folder / "made", "here"), IsEmpty());
}

TEST(UploadNote, GoesWithItsRun) {
  const TempDir folder("pgstow-note-");
  {
    const UploadNote note(folder.path(), {.place = "here", .key = "k", .upload_id = "id"});
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(UploadNote, ThatOfADeadRunIsFoundUntilItsUploadIsEnded) {
  const TempDir folder("pgstow-note-");
  Forked dead([&] {
    const UploadNote note(folder.path(), {.place = "here", .key = "k", .upload_id = "id"});
    ::_exit(0);
    return 0;
  });
  dead.wait();
  EXPECT_THAT(ended(folder.path(), "elsewhere"), IsEmpty());
  EXPECT_THAT(ended(folder.path(), "here", false), ElementsAre("k id"));
  EXPECT_THAT(ended(folder.path(), "here", false), ElementsAre("k id refused"));
  EXPECT_THAT(ended(folder.path(), "here"), ElementsAre("k id refused"));
  EXPECT_THAT(ended(folder.path(), "here"), IsEmpty());
}

// The endpoint may be spelled otherwise by now: nobody will ask for that place again.
TEST(UploadNote, ThatOfAnotherPlaceIsDroppedAfterAWeek) {
  const TempDir folder("pgstow-note-");
  const std::filesystem::path note = folder / ".upload-0123456789abcdef";
  test::write_file(note, "there\nk\nid\n");
  const auto now = std::filesystem::file_time_type::clock::now();
  std::filesystem::last_write_time(note, now - std::chrono::hours(6 * 24));
  EXPECT_THAT(ended(folder.path(), "here"), IsEmpty());
  EXPECT_TRUE(std::filesystem::exists(note));
  std::filesystem::last_write_time(note, now - std::chrono::hours(8 * 24));
  EXPECT_THAT(ended(folder.path(), "here"), IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(note));
}

TEST(UploadNote, WhatMayNotBeEndedIsForgottenAfterAWeek) {
  const TempDir folder("pgstow-note-");
  Forked dead([&] {
    const UploadNote note(folder.path(), {.place = "here", .key = "k", .upload_id = "id"});
    ::_exit(0);
    return 0;
  });
  dead.wait();
  constexpr std::chrono::hours kWeek{7 * 24 + 1};
  EXPECT_THAT(ended(folder.path(), "here", false, kWeek), ElementsAre("k id"));  // the first time
  EXPECT_THAT(ended(folder.path(), "here", false), ElementsAre("k id refused"));
  EXPECT_THAT(ended(folder.path(), "here", false, kWeek), ElementsAre("k id refused"));
  EXPECT_THAT(ended(folder.path(), "here", false), IsEmpty());
}

TEST(UploadNote, WhatCannotBeReadIsRemovedAndOtherFilesAreNot) {
  const TempDir folder("pgstow-note-");
  test::write_file(folder / ".upload-0123456789abcdef", "x");
  test::write_file(folder / "backup.json", "x");
  EXPECT_THAT(ended(folder.path(), "here"), IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(folder / ".upload-0123456789abcdef"));
  EXPECT_TRUE(std::filesystem::exists(folder / "backup.json"));
}

TEST(UploadNote, WhereNoneCanBeWrittenThatIsAnError) {
  const TempDir folder("pgstow-note-");
  test::write_file(folder / "file", "");
  EXPECT_THROW(UploadNote(folder / "file", {.place = "p", .key = "k", .upload_id = "id"}), Error);
}

TEST(UploadNote, WithoutAFolderThereAreNone) { EXPECT_THAT(ended("/nowhere", "here"), IsEmpty()); }

}  // namespace
}  // namespace pgstow
