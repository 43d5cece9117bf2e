// The guide's cloud half against a real S3 server: every backup in the bucket as it is made, and
// back again.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <set>

#include "e2e/faults.h"
#include "harness/dump_text.h"
#include "harness/rgw.h"
#include "harness/scripted_s3.h"

namespace pgstow::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

// 8 MB of archive that hardly compress: more than one part of 5 MiB.
constexpr const char* kBig =
    "create table blob(id int, body text);"
    "insert into blob select i, (select string_agg(md5(random()::text || i || j), '') "
    "from generate_series(1, 32) j) from generate_series(1, 14000) i";

// What retention does not keep when there is a newer one.
constexpr const char* kOld = "shop/backup_20200101_000000.dump.gz";

class S3 : public testing::Test {
 protected:
  S3() {
    server.create_database("shop");
    server.sql("shop", kShop);
    configure(pgstow);
  }

  void configure(Pgstow& host) const {
    host.with_bucket(rgw.https_url(), bucket, rgw.admin())
        .with("BACKUP_S3_ENABLED=true")
        .with("BACKUP_S3_PREFIX=shop")
        .with("BACKUP_S3_CA=" + rgw.ca().string());
  }

  static void as(Pgstow& host, const S3Keys& keys) {
    host.with("AWS_ACCESS_KEY_ID=" + keys.access_key)
        .with("AWS_SECRET_ACCESS_KEY=" + keys.secret_key);
  }

  // But for the names that were taken.
  std::vector<std::string> in_bucket(const std::string& suffix = {}) const {
    std::vector<std::string> found;
    for (const std::string& key : rgw.keys(bucket)) {
      if (key.ends_with(suffix) && !key.ends_with("/.names")) found.push_back(key);
    }
    return found;
  }

  TestServer server;
  const Rgw& rgw = shared_rgw();
  std::string bucket = rgw.make_bucket();
  Pgstow pgstow{server, "shop"};
};

TEST_F(S3, EveryBackupGoesThereAndComesBackWhenTheHostIsGone) {
  const std::string before = dump_text(server, "shop");
  const Outcome backup = pgstow.run({"backup"});
  ASSERT_EQ(backup.exit_code, 0) << backup.describe();
  const std::string name = pgstow.archives().at(0);
  const std::string location = fmt::format("s3://{}/shop/{}", bucket, name);
  EXPECT_THAT(backup.err, HasSubstr("Uploaded to S3: " + location));
  EXPECT_THAT(pgstow.run({"list"}).out, AllOf(HasSubstr(name), HasSubstr("local s3")));
  EXPECT_EQ(rgw.get(bucket, "shop/" + name), read_file(pgstow.backups() / name));

  fs::remove_all(pgstow.backups());
  server.sql("shop", "drop table note cascade");
  const Outcome verify = pgstow.run({"verify"});
  EXPECT_EQ(verify.exit_code, 0) << verify.describe();
  const Outcome restore = pgstow.run({"restore", "--yes", "--from", "s3"});
  ASSERT_EQ(restore.exit_code, 0) << restore.describe();
  EXPECT_THAT(restore.out, HasSubstr("every row equal to the backup's proof"));
  EXPECT_EQ(first_difference(before, dump_text(server, "shop")), "");

  const Outcome sync = pgstow.run({"sync"});  // and the folder is filled from the bucket
  EXPECT_EQ(sync.exit_code, 0) << sync.describe();
  EXPECT_EQ(rgw.get(bucket, "shop/" + name), read_file(pgstow.backups() / name));
}

TEST_F(S3, ABareMachineNeedsTheBucketsNameAndKeysOnly) {
  ASSERT_EQ(pgstow.run({"backup"}).exit_code, 0);
  Pgstow bare(server, "shop");
  bare.with(fmt::format("BACKUP_S3_BUCKET=s3://{}/shop", bucket))
      .with("AWS_ENDPOINT_URL_S3=" + rgw.url())
      .with("AWS_ACCESS_KEY_ID=" + rgw.admin().access_key)
      .with("AWS_SECRET_ACCESS_KEY=" + rgw.admin().secret_key);
  const Outcome list = bare.run({"list"});
  EXPECT_EQ(list.exit_code, 0) << list.describe();
  EXPECT_THAT(list.out, AllOf(HasSubstr("shop"), HasSubstr("s3")));
  const Outcome restore = bare.run({"restore", "--yes", "--into", "copy"});
  EXPECT_EQ(restore.exit_code, 0) << restore.describe();
  EXPECT_EQ(first_difference(dump_text(server, "shop"), dump_text(server, "copy")), "");
  // Nothing says that backups shall go there.
  const Outcome backup = bare.run({"backup"});
  EXPECT_EQ(backup.exit_code, 0) << backup.describe();
  EXPECT_THAT(backup.err, HasSubstr("BACKUP_S3_ENABLED"));
  EXPECT_THAT(in_bucket(".dump.gz"), SizeIs(1));
}

// On a bare machine, "no backups" would be the worst of wrong answers.
TEST_F(S3, ABucketThatCannotBeReadIsNotCalledEmpty) {
  const auto refused = [&](int exit_code, const std::string& cause) {
    for (const std::vector<std::string>& words :
         std::vector<std::vector<std::string>>{{"list"},
                                               {"list", "--json"},
                                               {"verify", "--all"},
                                               {"verify"},
                                               {"restore", "--yes"},
                                               {"keep", "1"}}) {
      const Outcome outcome = pgstow.run(words);
      EXPECT_EQ(outcome.exit_code, exit_code) << outcome.describe();
      EXPECT_THAT(outcome.err, AllOf(HasSubstr("s3 could not be read"), HasSubstr(cause)));
      EXPECT_THAT(outcome.out, IsEmpty());
    }
  };
  pgstow.with("AWS_SECRET_ACCESS_KEY=wrong");
  refused(2, "SignatureDoesNotMatch");
  EXPECT_THAT(pgstow.run({"list"}).err, Not(HasSubstr("no backups found")));  // there is no folder
  fs::create_directory(pgstow.backups());
  EXPECT_THAT(pgstow.run({"list"}).err,
              HasSubstr("no backups found in " + pgstow.backups().string()));
  pgstow.with("BACKUP_S3_ENDPOINT=http://127.0.0.1:1").with("BACKUP_S3_ATTEMPTS=1");
  refused(1, "127.0.0.1:1");
  pgstow.with("BACKUP_S3_ENABLED=false");
  EXPECT_THAT(pgstow.run({"list"}).out, HasSubstr("No backups found in"));
}

TEST_F(S3, OtherToolsReadWhatWeWriteAndWeReadTheirs) {
  ASSERT_EQ(pgstow.run({"backup"}).exit_code, 0);
  const std::string key = in_bucket(".dump.gz").at(0);
  const fs::path copy = pgstow.folder() / "copy.dump.gz";
  ASSERT_TRUE(rgw.aws({"s3", "cp", fmt::format("s3://{}/{}", bucket, key), copy}).ok());
  EXPECT_EQ(first_difference(dump_text(server, "shop"), archive_text(copy)), "");
  const std::string theirs = fmt::format("s3://{}/shop/backup_20200101_000000.dump.gz", bucket);
  ASSERT_TRUE(rgw.aws({"s3", "cp", copy, theirs}).ok());
  EXPECT_THAT(pgstow.run({"list", "--from", "s3"}).out,
              AllOf(HasSubstr("backup_20200101_000000.dump.gz"), HasSubstr("no proof")));
  EXPECT_EQ(pgstow.run({"verify", "backup_20200101_000000"}).exit_code, 0);
}

// The local copy has its proof while the bucket still hangs, the server keeps no old rows for the
// upload, and a stop in that time takes nothing away.
TEST_F(S3, ABucketThatHangsHoldsNothingUp) {
  ScriptedS3 s3;
  s3.on({Operation::kPutObject, "shop/backup_"}, "silence");
  as(pgstow, s3.admin());
  pgstow.with("BACKUP_S3_BUCKET=" + s3.bucket()).with("BACKUP_S3_ENDPOINT=" + s3.url());
  Running backup(pgstow.program({"backup"}));
  await("the local manifest", [&] { return pgstow.files(".json").size() == 1; });
  EXPECT_EQ(server.value("postgres",
                         "select count(*) from pg_stat_activity where datname = 'shop' "
                         "and (xact_start is not null or backend_xmin is not null)"),
            "0");
  backup.signal(SIGTERM);
  const Outcome outcome = backup.wait();
  EXPECT_EQ(outcome.exit_code, 143) << outcome.describe();
  EXPECT_THAT(outcome.err, HasSubstr("the backup is whole, but not in all stores"));
  EXPECT_THAT(pgstow.files(".missed.json"), SizeIs(1));
  EXPECT_EQ(pgstow.run({"verify", "--from", "local"}).exit_code, 0);

  s3.clear();
  const Outcome next = pgstow.run({"backup"});
  EXPECT_EQ(next.exit_code, 0) << next.describe();
  EXPECT_THAT(pgstow.files(".missed.json"), IsEmpty());
  const Outcome list = pgstow.run({"list", "--from", "s3", "--json"});
  EXPECT_EQ(list.out.find("\"proof\": false"), std::string::npos) << list.out;
}

TEST_F(S3, ListingKeepsToItsPrefix) {
  ASSERT_EQ(pgstow.run({"backup"}).exit_code, 0);
  const std::string archive = rgw.get(bucket, in_bucket(".dump.gz").at(0));
  for (const char* key : {"shop-staging/backup_20210101_000000.dump.gz", "shopbackup_x.dump.gz",
                          "shop/deeper/backup_20210101_000000.dump.gz"}) {
    rgw.put(bucket, key, archive);
  }
  const Outcome list = pgstow.run({"list", "--from", "s3", "--json"});
  EXPECT_THAT(list.out, Not(AllOf(HasSubstr("2021"), HasSubstr("backup_x"))));
  EXPECT_THAT(list.out, Not(HasSubstr("backup_20210101")));
}

// The guide's policy: neither DeleteObject nor anything about uploads.
TEST_F(S3, TheGuidesPolicyIsEnoughForAllButRemoving) {
  rgw.set_policy(bucket, allow_policy(bucket, {"s3:PutObject", "s3:GetObject", "s3:ListBucket"}));
  as(pgstow, rgw.limited());
  pgstow.with("BACKUP_KEEP_DAILY=1").with("BACKUP_KEEP_WEEKLY=0").with("BACKUP_KEEP_MONTHLY=0");
  for (int i = 0; i < 2; ++i) {
    const Outcome backup = pgstow.run({"backup"});
    EXPECT_EQ(backup.exit_code, 0) << backup.describe();
  }
  rgw.put(bucket, kOld, read_file(pgstow.backups() / pgstow.archives().at(0)));
  const Outcome prune = pgstow.run({"prune"});
  EXPECT_EQ(prune.exit_code, 0) << prune.describe();
  EXPECT_THAT(prune.out, HasSubstr("its lifecycle rules do it"));
  EXPECT_EQ(pgstow.run({"verify", "--from", "s3"}).exit_code, 0);
  EXPECT_EQ(pgstow.run({"restore", "--yes", "--from", "s3"}).exit_code, 0);

  const Outcome doctor = pgstow.run({"doctor"});
  EXPECT_EQ(doctor.exit_code, 0) << doctor.describe();
  EXPECT_THAT(doctor.out, AllOf(HasSubstr("all rights that are needed are there"),
                                HasSubstr("without s3:DeleteObject"), Not(HasSubstr("hint:")),
                                Not(HasSubstr("2012-10-17"))));
}

TEST_F(S3, DoctorNamesWhatIsMissing) {
  const Outcome good = pgstow.run({"doctor"});
  EXPECT_THAT(good.out, HasSubstr("all rights are there")) << good.describe();
  rgw.set_policy(bucket, allow_policy(bucket, {"s3:ListBucket"}));
  as(pgstow, rgw.limited());
  const Outcome doctor = pgstow.run({"doctor"});
  EXPECT_EQ(doctor.exit_code, 1) << doctor.describe();
  EXPECT_THAT(doctor.out,
              AllOf(HasSubstr("may not make backups (s3:PutObject)"),
                    HasSubstr("\"Version\": \"2012-10-17\""), Not(HasSubstr("s3:DeleteObject"))));
  pgstow.with("BACKUP_S3_BUCKET=nowhere-to-be-found");
  EXPECT_THAT(pgstow.run({"doctor"}).out, AllOf(HasSubstr("NoSuchBucket"), HasSubstr("hint: ")));
}

TEST_F(S3, AServerThatIsAwayCostsTheLocalBackupNothing) {
  pgstow.with("BACKUP_S3_ENDPOINT=http://127.0.0.1:1");
  const auto begun = std::chrono::steady_clock::now();
  const Outcome backup = pgstow.run({"backup"});
  EXPECT_EQ(backup.exit_code, 3) << backup.describe();
  // The promise is 15 seconds in all; each of its operations alone would be longer in failing.
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(40));
  EXPECT_THAT(backup.err, HasSubstr("s3 does not answer, trying again"));
  EXPECT_THAT(pgstow.archives(), SizeIs(1));
  pgstow.with("BACKUP_S3_ENDPOINT=" + rgw.https_url());
  EXPECT_EQ(pgstow.run({"backup"}).exit_code, 0);  // delivers what was missed
  EXPECT_THAT(in_bucket(".dump.gz"), SizeIs(2));
  EXPECT_EQ(pgstow.run({"verify", "--all"}).exit_code, 0);
}

// As many hosts with one bucket, each with a database of its own and the same cron line.
TEST_F(S3, HostsThatBeginInTheSameSecondTakeDifferentNames) {
  constexpr int kHosts = 4;
  std::vector<std::unique_ptr<Pgstow>> hosts;
  std::vector<std::unique_ptr<Running>> runs;
  for (int i = 0; i < kHosts; ++i) {
    const std::string database = fmt::format("shop{}", i);
    server.create_database(database);
    hosts.push_back(std::make_unique<Pgstow>(server, database));
    configure(hosts.back()->with("BACKUP_STORES=s3"));
  }
  for (const auto& host : hosts) {
    runs.push_back(std::make_unique<Running>(host->program({"backup"})));
  }
  for (const auto& run : runs) {
    const Outcome outcome = run->wait();
    EXPECT_EQ(outcome.exit_code, 0) << outcome.describe();
  }
  EXPECT_THAT(in_bucket(".dump.gz"), SizeIs(kHosts));
  EXPECT_THAT(in_bucket(".json"), SizeIs(kHosts));
  const Outcome verify = pgstow.run({"verify", "--all", "--from", "s3"});
  EXPECT_EQ(verify.exit_code, 0) << verify.describe();
}

class S3Upload : public S3 {
 protected:
  S3Upload() {
    server.sql("shop", kBig);
    pgstow.with("BACKUP_S3_PART_SIZE=5M").with("BACKUP_COMPRESSION=gzip:1");
  }

  // A backup that is in the middle of its upload.
  Running uploading() {
    Program program = pgstow.program({"backup"});
    program.env.push_back("BACKUP_S3_BANDWIDTH=2M");
    Running run(program);
    await("an upload", [&] { return !rgw.uploads(bucket).empty() || run.ended(); });
    return run;
  }
};

TEST_F(S3Upload, KilledMidwayLeavesNothingListedAndTheNextRunClearsIt) {
  Running run = uploading();
  run.signal(SIGKILL);
  EXPECT_EQ(run.wait().signal, SIGKILL);
  EXPECT_THAT(rgw.uploads(bucket), SizeIs(1));
  EXPECT_THAT(in_bucket(), IsEmpty());
  const Outcome next = pgstow.run({"backup"});
  EXPECT_EQ(next.exit_code, 0) << next.describe();
  EXPECT_THAT(rgw.uploads(bucket), IsEmpty());
  EXPECT_EQ(pgstow.run({"verify", "--all"}).exit_code, 0);
}

TEST_F(S3Upload, StoppedMidwayItAbortsItsUpload) {
  Running run = uploading();
  const auto asked = std::chrono::steady_clock::now();
  run.signal(SIGTERM);
  EXPECT_EQ(run.wait().exit_code, 128 + SIGTERM);
  EXPECT_LT(std::chrono::steady_clock::now() - asked, std::chrono::seconds(10));  // the promise
  EXPECT_THAT(rgw.uploads(bucket), IsEmpty());
  EXPECT_THAT(in_bucket(), IsEmpty());
}

TEST_F(S3Upload, APgDumpThatDiesMakesNoObject) {
  const FakeTool dump = pausing_dump();
  Program program = pgstow.program({"backup"});
  program.env.push_back(dump.setting());
  Running run(program);
  dump.await_pause(run);
  server.sql("postgres",
             "select pg_terminate_backend(pid) from pg_stat_activity "
             "where application_name ~ 'pg_dump'");
  dump.resume();
  EXPECT_EQ(run.wait().exit_code, 1);
  EXPECT_THAT(in_bucket(), IsEmpty());
  EXPECT_THAT(rgw.uploads(bucket), IsEmpty());
}

// The secret key is found in nothing that we leave or show.
TEST_F(S3, TheSecretKeyIsNowhereToBeSeen) {
  const std::string canary = rgw.admin().secret_key;
  std::string seen;
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"-v", "backup"},
                                             {"-v", "list"},
                                             {"-v", "doctor"},
                                             {"config"},
                                             {"config", "--json"},
                                             {"-v", "sync"},
                                             {"-v", "verify", "--all", "--json"}}) {
    const Outcome outcome = pgstow.run(words);
    seen += outcome.out + outcome.err;
  }
  for (const auto& [name, bytes] : contents(pgstow.backups())) seen += bytes;
  for (const std::string& key : rgw.keys(bucket)) seen += rgw.get(bucket, key);
  pgstow.with("BACKUP_S3_BUCKET=nowhere-to-be-found");
  seen += pgstow.run({"-v", "list"}).describe();
  EXPECT_EQ(seen.find(canary), std::string::npos);
}

TEST_F(S3, ItStaysOutOfTheArgumentsOfChildren) {
  const FakeTool dump = pausing_dump();
  Program program = pgstow.program({"backup"});
  program.env.push_back(dump.setting());
  Running run(program);
  dump.await_pause(run);
  std::string seen;
  for (const pid_t pid : processes_naming("pg_dump")) {
    seen += read_file(fmt::format("/proc/{}/cmdline", pid));
    seen += read_file(fmt::format("/proc/{}/environ", pid));
  }
  seen += read_file(fmt::format("/proc/{}/cmdline", run.pid()));
  dump.resume();
  EXPECT_TRUE(run.wait().ok());
  EXPECT_THAT(seen, AllOf(HasSubstr("pg_dump"), Not(HasSubstr(rgw.admin().secret_key))));
}

TEST_F(S3, ThreeCopiesInOneRun) {
  const std::string offsite = rgw.make_bucket();
  pgstow.with("BACKUP_STORES=local,s3,s3:offsite")
      .with("BACKUP_S3_OFFSITE_BUCKET=" + offsite)
      .with("BACKUP_S3_OFFSITE_ENDPOINT=" + rgw.url())
      .with("BACKUP_S3_OFFSITE_ACCESS_KEY_ID=" + rgw.admin().access_key)
      .with("BACKUP_S3_OFFSITE_SECRET_ACCESS_KEY=" + rgw.admin().secret_key);
  const Outcome backup = pgstow.run({"backup"});
  EXPECT_EQ(backup.exit_code, 0) << backup.describe();
  EXPECT_THAT(pgstow.run({"list"}).out, HasSubstr("local s3 s3:offsite"));
  EXPECT_THAT(rgw.keys(offsite), Contains(pgstow.archives().at(0)));
  pgstow.with("BACKUP_S3_OFFSITE_BUCKET=" + bucket)
      .with("BACKUP_S3_OFFSITE_PREFIX=shop/")
      .with("BACKUP_S3_OFFSITE_ENDPOINT=" + rgw.https_url());
  const Outcome twice = pgstow.run({"backup"});
  EXPECT_EQ(twice.exit_code, 2) << twice.describe();
  EXPECT_THAT(twice.err, HasSubstr("are the same place"));
}

// Removing leaves markers there, and the space is not free: said once, and no marker too many.
TEST_F(S3, AVersionedBucketHidesWhatIsRemoved) {
  ASSERT_TRUE(rgw.request("PUT", "/" + bucket + "?versioning=",
                          "<VersioningConfiguration><Status>Enabled</Status>"
                          "</VersioningConfiguration>")
                  .ok());
  pgstow.with("BACKUP_KEEP_DAILY=1").with("BACKUP_KEEP_WEEKLY=0").with("BACKUP_KEEP_MONTHLY=0");
  pgstow.with("BACKUP_STORES=s3");
  const auto markers = [&] {
    return xml_values(rgw.request("GET", "/" + bucket + "?versions=").body, "DeleteMarker").size();
  };
  ASSERT_EQ(pgstow.run({"backup"}).exit_code, 0);
  EXPECT_EQ(markers(), 0U);
  rgw.put(bucket, kOld, rgw.get(bucket, in_bucket(".dump.gz").at(0)));
  const Outcome prune = pgstow.run({"prune"});
  EXPECT_EQ(prune.exit_code, 0) << prune.describe();
  EXPECT_THAT(prune.err, HasSubstr("NoncurrentVersionExpiration"));
  EXPECT_EQ(markers(), 3U);  // the question, the archive, its manifest
  EXPECT_THAT(in_bucket(".dump.gz"), SizeIs(1));
  EXPECT_THAT(pgstow.run({"prune"}).err, Not(HasSubstr("NoncurrentVersionExpiration")));
  EXPECT_EQ(markers(), 3U);
}

TEST_F(S3, OptionsReachTheObjects) {
  bucket = rgw.make_bucket({{"x-amz-bucket-object-lock-enabled", "true"}});
  pgstow.with("BACKUP_S3_BUCKET=" + bucket)
      .with("BACKUP_S3_STORAGE_CLASS=STANDARD_IA")
      .with("BACKUP_S3_TAGS=team=shop,kind=backup")
      .with("BACKUP_S3_LOCK_MODE=governance")
      .with("BACKUP_S3_LOCK_DAYS=2");
  const Outcome backup = pgstow.run({"backup"});
  ASSERT_EQ(backup.exit_code, 0) << backup.describe();
  const std::string target = "/" + bucket + "/" + in_bucket(".dump.gz").at(0);
  const S3Reply head = rgw.request("HEAD", target);
  EXPECT_EQ(head.headers.at("x-amz-storage-class"), "STANDARD_IA");
  EXPECT_EQ(head.headers.at("x-amz-object-lock-mode"), "GOVERNANCE");
  EXPECT_THAT(rgw.request("GET", target + "?tagging=").body,
              AllOf(HasSubstr("team"), HasSubstr("backup")));

  // A bucket that can't lock: said, and the run does not pass for a good one there.
  pgstow.with("BACKUP_S3_BUCKET=" + rgw.make_bucket());
  const Outcome unlocked = pgstow.run({"backup"});
  EXPECT_EQ(unlocked.exit_code, 3) << unlocked.describe();
}

// An archive that could not be locked becomes no backup by a later run, either; one that can be is
// locked before its manifest comes.
TEST_F(S3, NoManifestComesBesideAnArchiveThatIsNotLocked) {
  for (const bool locks : {false, true}) {
    const S3Headers headers = {{"x-amz-bucket-object-lock-enabled", locks ? "true" : "false"}};
    bucket = rgw.make_bucket(headers);
    pgstow.with("BACKUP_S3_BUCKET=" + bucket).with("BACKUP_STORES=local,s3");
    pgstow.with("BACKUP_S3_LOCK_MODE=").with("BACKUP_S3_LOCK_DAYS=");
    ASSERT_EQ(pgstow.run({"backup"}).exit_code, 0);
    const std::string archive = in_bucket(".dump.gz").at(0);
    const std::string manifest = in_bucket(".json").at(0);
    ASSERT_TRUE(rgw.request("DELETE", "/" + bucket + "/" + manifest).ok());
    pgstow.with("BACKUP_S3_LOCK_MODE=compliance").with("BACKUP_S3_LOCK_DAYS=1");
    const Outcome sync = pgstow.run({"sync"});
    EXPECT_EQ(sync.exit_code, locks ? 0 : 3) << sync.describe();
    EXPECT_EQ(rgw.request("HEAD", "/" + bucket + "/" + manifest).ok(), locks);
    const S3Reply head = rgw.request("HEAD", "/" + bucket + "/" + archive);
    EXPECT_EQ(head.headers.contains("x-amz-object-lock-mode"), locks);
  }
}

}  // namespace
}  // namespace pgstow::test
