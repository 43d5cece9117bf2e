// A restore beside the present database reads a stored backup once, and what happens in the middle
// of that: the store fails, the object goes, the rows are not what the manifest says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/text.h"
#include "e2e/faults.h"
#include "harness/dump_text.h"
#include "harness/scripted_s3.h"

namespace pgstow::test {
namespace {

namespace fs = std::filesystem;

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// A bucket that is asked first, and a folder.
class ReadOnce : public testing::Test {
 protected:
  ReadOnce() {
    server.create_database("shop");
    server.sql("shop", kShop);
    server.sql("shop", kTwoParts);  // several pieces of a download
    pgstow.with_bucket(s3.url(), s3.bucket(), s3.admin())
        .with("BACKUP_STORES=s3,local")
        .with("BACKUP_S3_PREFIX=shop")
        .with("BACKUP_S3_ATTEMPTS=2");
    run_ok(pgstow.program({"backup"}));
    key = "shop/" + pgstow.archives().at(0);
    whole = dump_text(server, "shop");
    server.sql("shop", "drop table note cascade");
  }

  // Bytes of the archive that were asked of the bucket.
  std::uint64_t asked() const {
    std::uint64_t sum = 0;
    for (const SeenRequest& request : s3.requests()) {
      if (request.operation != Operation::kGetObject || request.key != key) continue;
      const std::string& range = request.head.headers.at("range");
      const std::size_t dash = range.find('-');
      sum += static_cast<std::uint64_t>(*parse_int(range.substr(dash + 1)) -
                                        *parse_int(range.substr(6, dash - 6)) + 1);
    }
    return sum;
  }

  TestServer server;
  ScriptedS3 s3;
  Pgstow pgstow{server, "shop"};
  std::string key;    // of the archive in the bucket
  std::string whole;  // what the backup holds
};

TEST_F(ReadOnce, OfABucketHardlyMoreThanTheObjectIsAskedFor) {
  const std::uint64_t size = s3.objects().at(key).bytes.size();
  ASSERT_GT(size, 5'000'000U);
  const std::uint64_t before = asked();
  const Outcome beside = pgstow.run({"restore", "--yes", "--into", "shop2"});
  ASSERT_EQ(beside.exit_code, 0) << beside.describe();
  const std::uint64_t once = asked() - before;
  EXPECT_GE(once, size);
  EXPECT_LT(once, size + (2U << 20));
  EXPECT_THAT(pgstow.run({"list"}).out, AllOf(HasSubstr("verified"), Not(HasSubstr("unverified"))));

  const Outcome in_place = pgstow.run({"restore", "--yes", "--in-place"});
  ASSERT_EQ(in_place.exit_code, 0) << in_place.describe();
  EXPECT_GE(asked() - before - once, 2 * size);
}

// Of every piece but the first, which is what the table of contents is in.
TEST_F(ReadOnce, AStoreThatFailsInTheMiddleIsPassedByAndItsCopyIsNotBlamed) {
  for (const char* what : {"503 SlowDown", "412 PreconditionFailed", "404 NoSuchKey",
                           "wrong Content-Range", "bytes of another version"}) {
    SCOPED_TRACE(what);
    s3.clear();
    s3.on({.operation = Operation::kGetObject, .key_prefix = key, .header = "if-match"}, what);
    const Outcome restore = pgstow.run({"restore", "--yes"});
    EXPECT_EQ(restore.exit_code, 0) << restore.describe();
    EXPECT_GT(s3.played(what), 0);
    EXPECT_THAT(restore.err, AllOf(HasSubstr("trying the next one"), Not(HasSubstr("to blame"))));
    EXPECT_LT(restore.err.find("loading rows"), restore.err.find("trying the next one"));
    EXPECT_EQ(first_difference(whole, dump_text(server, "shop")), "");
    EXPECT_THAT(pgstow.run({"list"}).out, Not(HasSubstr("damaged")));
    EXPECT_EQ(half_made(server), "0");
  }
}

// Memory, or the way, that can't be trusted: what lies there is sound all the same.
TEST_F(ReadOnce, ACopyThatIsSoundWhenReadAgainIsNotBlamed) {
  // The first pieces: of the table of contents, of what is loaded, of what is read again.
  s3.on({.operation = Operation::kGetObject, .key_prefix = key, .not_header = "if-match"},
        "a flipped bit in what is read", nth(2));
  const Outcome restore = pgstow.run({"restore", "--yes"});
  EXPECT_EQ(restore.exit_code, 0) << restore.describe();
  EXPECT_THAT(restore.err,
              AllOf(HasSubstr("read again it is sound"), HasSubstr("trying the next one")));
  EXPECT_EQ(first_difference(whole, dump_text(server, "shop")), "");
  EXPECT_THAT(pgstow.run({"list"}).out, Not(HasSubstr("damaged")));
}

// As a backup whose writer had bad memory: the file is what its manifest says, the rows are not.
TEST_F(ReadOnce, RowsThatAreNotTheManifestsAreADamage) {
  pgstow.with("BACKUP_STORES=local");
  const fs::path file = pgstow.backups() / pgstow.files(".json").at(0);
  std::string text = read_file(file);
  std::size_t at = text.find("\"digest\": \"", text.find("\"account\""));
  ASSERT_NE(at, std::string::npos);
  at += std::string("\"digest\": \"").size();
  text[at] = text[at] == '0' ? '1' : '0';
  text.erase(text.rfind("  \"manifest_sha256\""));
  write_file(pgstow.folder() / "text", text);
  const std::string sum = run_ok({.argv = {"sha256sum", pgstow.folder() / "text"}}).substr(0, 64);
  write_file(file, text + "  \"manifest_sha256\": \"" + sum + "\"\n}\n");

  const std::string present = dump_text(server, "shop");
  for (const char* said :
       {"checked as they are loaded", "\"account\" is not as the manifest says"}) {
    const Outcome restore = pgstow.run({"restore", "--yes", pgstow.archives().at(0)});
    EXPECT_EQ(restore.exit_code, 4) << restore.describe();
    EXPECT_THAT(restore.err, HasSubstr(said));
    EXPECT_THAT(pgstow.run({"list"}).out, HasSubstr("damaged"));
  }
  EXPECT_EQ(first_difference(present, dump_text(server, "shop")), "");
  EXPECT_EQ(half_made(server), "0");
}

// A CHECK that looks at what this server lacks fails in the middle of the rows: no other copy would
// help, and this one is not to blame.
TEST_F(ReadOnce, AServerThatRefusesTheRowsIsNoDamageOfACopy) {
  server.sql("shop",
             "create role needed; create function needed() returns boolean language sql as "
             "$$select exists(select from pg_catalog.pg_roles where rolname = 'needed')$$;"
             "create table picky(id int check (public.needed())); insert into picky values (1)");
  run_ok(pgstow.program({"backup"}));
  server.sql("shop", "drop role needed");
  const Outcome restore = pgstow.run({"restore", "--yes"});
  EXPECT_EQ(restore.exit_code, 1) << restore.describe();
  EXPECT_THAT(restore.err, AllOf(HasSubstr("to blame"), HasSubstr("stored bytes are sound"),
                                 HasSubstr("picky"), Not(HasSubstr("trying the next one"))));
  EXPECT_THAT(pgstow.run({"list"}).out, Not(HasSubstr("damaged")));
  EXPECT_EQ(half_made(server), "0");
}

}  // namespace
}  // namespace pgstow::test
