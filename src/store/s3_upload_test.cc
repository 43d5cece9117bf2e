// Uploads at the scripted server: what they say, what they ask for, what they leave.
#include "store/s3_upload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include "base/error.h"
#include "harness/program.h"
#include "harness/s3_connect.h"
#include "harness/scripted_s3.h"
#include "harness/store_contract.h"
#include "store/testing_context.h"

namespace pgstow::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::size_t kPart = 64 * 1024;
constexpr const char* kArchive = "backup_20261127_030000.dump.gz";

class S3Uploads : public testing::Test {
 protected:
  // The server looks at the real time.
  S3Uploads() {
    world.clock.advance(std::chrono::ceil<std::chrono::milliseconds>(
        std::chrono::system_clock::now() - world.clock.now()));
  }

  std::unique_ptr<S3Store> connect() {
    S3Settings settings = s3_settings(s3.address(), s3.bucket());
    settings.part_bytes = kPart;
    settings.attempts = 3;
    settings.notes = notes.path();
    return std::make_unique<S3Store>(settings, std::make_unique<FixedKeys>(s3.admin()),
                                     world.context());
  }

  ScriptedS3 s3{{.rules = {.least_part_bytes = 1024}}};
  TempDir notes{"pgstow-notes-"};
  TestContext world;
  std::unique_ptr<S3Store> store = connect();
};

TEST_F(S3Uploads, SayThatAnotherRunWasFaster) {
  for (const std::size_t size : {std::size_t{10}, 3 * kPart}) {
    const auto late = store->create("shop", Existing::kRefuse);
    late->write(noise(size));
    s3.on({Operation::kHeadObject}, "404 NoSuchKey");  // it comes between the look and the write
    put(*connect(), "shop", "early", Existing::kReplace);
    try {
      late->finish();
      FAIL() << "it was overwritten";
    } catch (const Exists& e) {
      EXPECT_THAT(e.what(), HasSubstr("another run has written this name meanwhile"));
    }
    s3.clear();
    EXPECT_EQ(read_object(*store, "shop"), "early");
    store->remove("shop");
  }
}

// Two hosts bring the same backup there; what one of them asked for was answered to nobody.
TEST_F(S3Uploads, LeaveThoseOfLivingRunsAlone) {
  const auto theirs = connect()->create(kArchive, Existing::kRefuse);
  theirs->write(noise(2 * kPart));
  s3.await(Operation::kUploadPart, 1);
  s3.on({Operation::kCreateUpload}, "reset after doing it", nth(1));
  {
    const auto ours = store->create(kArchive, Existing::kReplace);
    ours->write(noise(2 * kPart));
  }
  EXPECT_THAT(s3.open_uploads(), SizeIs(2));  // theirs, and the one that was not answered
  EXPECT_EQ(connect()->clear_leftovers(), 0);
  const auto age = [&](std::chrono::minutes by) {
    for (const auto& [id, upload] : s3.open_uploads()) {
      s3.memory().edit_upload(id, [&](OpenUpload& late) { late.begun -= by; });
    }
  };
  age(std::chrono::minutes(24 * 60 - 1));
  EXPECT_EQ(connect()->clear_leftovers(), 0);
  age(std::chrono::minutes(2));
  EXPECT_EQ(connect()->clear_leftovers(), 1);
  theirs->finish();
  EXPECT_TRUE(read_object(*store, kArchive) == noise(2 * kPart));
  EXPECT_THAT(s3.open_uploads(), IsEmpty());
}

// Another program's backups, or a newer pgstow's, in the same folder.
TEST_F(S3Uploads, LeaveThoseOfOtherNamesAlone) {
  const auto begun_long_ago = [&](const std::string& name) {
    const std::string id = begin_upload(store->client(), "shop/" + name, {}, {});
    s3.memory().edit_upload(id, [](OpenUpload& old) { old.begun -= std::chrono::hours(99); });
  };
  for (const char* theirs :
       {"backup_1.dump.gz", "backup_20261127_030000.tar.gz", "backup_20261127-030000.dump.gz",
        "backup_20261127_03000.dump.gz", "backup_20261127_030000.dump.gz.old",
        "backup_of_the_mail.dump.gz", "backup_20261127_030000"}) {
    begun_long_ago(theirs);
  }
  EXPECT_EQ(store->clear_leftovers(), 0);
  begun_long_ago("backup_20261127_030000.dump.zst");
  begun_long_ago("backup_20261127_030000.json");
  EXPECT_EQ(store->clear_leftovers(), 2);
}

// Otherwise every run would say it again.
TEST_F(S3Uploads, SayOnceWhatMayNotBeAborted) {
  s3.on({Operation::kAbortUpload}, "403 AccessDenied");
  {
    const auto sink = store->create("backup_1.dump.gz", Existing::kRefuse);
    sink->write(noise(2 * kPart));
  }
  EXPECT_THAT(s3.open_uploads(), SizeIs(1));
  EXPECT_FALSE(std::filesystem::is_empty(notes.path()));
  EXPECT_EQ(store->clear_leftovers(), 0);
  EXPECT_THAT(world.logged(), HasSubstr("AbortIncompleteMultipartUpload"));
  const std::size_t said = world.logged().size();
  EXPECT_EQ(store->clear_leftovers(), 0);
  EXPECT_EQ(world.logged().size(), said);
  s3.clear();  // the right is there
  EXPECT_EQ(store->clear_leftovers(), 1);
  EXPECT_THAT(s3.open_uploads(), IsEmpty());
  EXPECT_TRUE(std::filesystem::is_empty(notes.path()));
}

// A note outlives its upload when the run died after the one and before the other.
TEST_F(S3Uploads, CountOnlyWhatWasThereToClear) {
  const std::string upload = begin_upload(store->client(), "shop/backup_1.dump.gz", {}, {});
  const auto note = [&](const std::string& name, const std::string& id) {
    write_file(notes / name, store->client().place() + "\nshop/backup_1.dump.gz\n" + id + "\n");
  };
  note(".upload-0000000000000001", upload);
  note(".upload-0000000000000002", "long-gone");
  EXPECT_EQ(store->clear_leftovers(), 1);
  EXPECT_TRUE(std::filesystem::is_empty(notes.path()));
}

// Swift does, when two write one name at once.
TEST_F(S3Uploads, LookAgainWhenWhatTheyWroteIsNotThereYet) {
  const auto late = [&](const std::string& key, Times times) {
    s3.clear();
    const auto upload = store->create(key, Existing::kReplace);
    upload->write(noise(2 * kPart));
    s3.on({Operation::kHeadObject}, "404 NoSuchKey", times);
    upload->finish();
  };
  EXPECT_NO_THROW(late("comes", first(3)));
  EXPECT_THROW(late("never comes", every()), NotFound);
}

// The write itself asks whether it is still the first.
TEST_F(S3Uploads, LookOnceForASmallObject) {
  put(*store, "shop", "small");
  EXPECT_EQ(s3.count(Operation::kHeadObject), 1);
  EXPECT_EQ(s3.count(Operation::kPutObject), 1);
}

}  // namespace
}  // namespace pgstow::test
