// Backups that came to harm where they lie: changed, cut, exchanged, or never were any. `verify`
// finds them and names them, and `restore` refuses them before it touches a database.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <random>

#include "base/error.h"
#include "e2e/faults.h"
#include "harness/dump_text.h"

namespace pgstow::test {
namespace {

namespace fs = std::filesystem;

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

class FaultStored : public testing::Test {
 protected:
  FaultStored() {
    server.create_database("shop");
    server.sql("shop", kShop);
    run_ok(pgstow.program({"backup"}));
    name = pgstow.archives().at(0);
    archive = pgstow.backups() / name;
    manifest = pgstow.backups() / pgstow.files(".json").at(0);
    server.sql("shop", "update note set body = 'present'");
    present = dump_text(server, "shop");
  }

  // A verdict must come from the bytes, not from a note of an earlier verification.
  void forget_verdicts() const {
    for (const std::string& note : pgstow.files(".verified.json")) {
      fs::remove(pgstow.backups() / note);
    }
  }

  void expect_damaged(const std::string& file) const {
    forget_verdicts();
    const Outcome verify = pgstow.run({"verify", file});
    EXPECT_EQ(verify.exit_code, 4) << verify.describe();
    EXPECT_THAT(verify.out, HasSubstr("DAMAGED  " + file));
  }

  void expect_not_restored(const std::string& file) const {
    forget_verdicts();
    for (const char* way : {"--no-owner", "--in-place"}) {
      const Outcome restore = pgstow.run({"restore", file, "--yes", way});
      EXPECT_EQ(restore.exit_code, 4) << restore.describe();
      EXPECT_THAT(restore.err, HasSubstr(file));
    }
    EXPECT_EQ(server.value("postgres", "select count(*) from pg_database where datname ~ 'shop'"),
              "1");
    EXPECT_EQ(first_difference(present, dump_text(server, "shop")), "");
  }

  void expect_sound() const {
    forget_verdicts();
    const Outcome verify = pgstow.run({"verify", "--all"});
    EXPECT_EQ(verify.exit_code, 0) << verify.describe();
  }

  TestServer server;
  Pgstow pgstow{server, "shop"};
  std::string name;
  fs::path archive;
  fs::path manifest;
  std::string present;
};

std::string flipped(std::string bytes, std::mt19937& engine) {
  const std::size_t at = std::uniform_int_distribution<std::size_t>(0, bytes.size() - 1)(engine);
  const auto bit = std::uniform_int_distribution<unsigned>(0, 7)(engine);
  bytes[at] = static_cast<char>(static_cast<unsigned char>(bytes[at]) ^ (1U << bit));
  return bytes;
}

TEST_F(FaultStored, EveryFlippedBitIsFound) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 engine(seed);
  for (const fs::path& file : {archive, manifest}) {
    const std::string sound = read_file(file);
    for (int i = 0; i < 30; ++i) {
      write_file(file, flipped(sound, engine));
      expect_damaged(name);
    }
    expect_not_restored(name);
    write_file(file, sound);
  }
  expect_sound();
}

// Where our gzip members begin, from the sizes in their extra fields (docs/DESIGN.md, "Members").
std::vector<std::size_t> member_edges(const std::string& bytes) {
  std::vector<std::size_t> edges;
  std::size_t at = 0;
  while (at + 20 <= bytes.size()) {
    edges.push_back(at);
    std::uint32_t size = 0;
    for (std::size_t i = 4; i > 0; --i) {
      size = size << 8 | static_cast<unsigned char>(bytes[at + 15 + i]);
    }
    if (bytes.substr(at + 12, 2) != "PS" || size == 0) throw Error("no member of ours");
    at += size;
  }
  return edges;
}

TEST_F(FaultStored, EveryCutAndEveryAdditionIsFound) {
  const std::string sound = read_file(archive);
  const std::vector<std::size_t> edges = member_edges(sound);
  ASSERT_GE(edges.size(), 3U);
  std::vector<std::string> damaged;
  for (std::size_t i = 0; i < 16; ++i) damaged.push_back(sound.substr(0, sound.size() * i / 16));
  for (const std::size_t edge : edges) damaged.push_back(sound.substr(0, edge));
  damaged.push_back(sound.substr(0, sound.size() - 1));
  damaged.push_back(sound + '\0');
  damaged.push_back(sound + sound);
  damaged.push_back(sound.substr(edges[1]));  // without its first member
  damaged.push_back(sound.substr(0, edges[1]) + sound.substr(edges[2]));  // without its second
  damaged.emplace_back(sound.size(), '\0');
  for (const std::string& bytes : damaged) {
    write_file(archive, bytes);
    expect_damaged(name);
  }
  expect_not_restored(name);
  // The same without a manifest, where only the bytes can tell.
  const std::string proof = read_file(manifest);
  fs::remove(manifest);
  for (const std::string& bytes : damaged) {
    if (bytes == sound + '\0') continue;  // gzip allows zeros behind its end (gzip(1), tapes)
    write_file(archive, bytes);
    expect_damaged(name);
  }
  expect_not_restored(name);
  write_file(archive, sound);
  write_file(manifest, proof);
  expect_sound();
}

// A time in a member's header: gzip, every checksum, rows and structure are as before.
TEST_F(FaultStored, AByteThatOnlyTheWholeFilesDigestKnowsIsFound) {
  std::string bytes = read_file(archive);
  bytes[4] = static_cast<char>(bytes[4] ^ 1);
  write_file(archive, bytes);
  run_ok({.argv = {"gzip", "-t", archive}});
  expect_damaged(name);
  expect_not_restored(name);
  forget_verdicts();
  EXPECT_THAT(pgstow.run({"restore", name, "--yes"}).err,
              AllOf(HasSubstr("checked as they are loaded"), HasSubstr("SHA-256 differs")));
  EXPECT_THAT(pgstow.run({"list"}).out, HasSubstr("damaged"));  // what the restore found is noted
}

TEST_F(FaultStored, ARestoreReadsTheBytesOnceAndNotesThatTheyAreSound) {
  const Outcome beside = pgstow.run({"restore", "--yes", "--into", "shop2"});
  ASSERT_EQ(beside.exit_code, 0) << beside.describe();
  EXPECT_THAT(beside.err, HasSubstr("checked as they are loaded"));
  EXPECT_THAT(beside.err, Not(HasSubstr("stored bytes are sound")));
  EXPECT_THAT(pgstow.run({"list"}).out, HasSubstr("verified"));
  EXPECT_THAT(pgstow.run({"list"}).out, Not(HasSubstr("unverified")));

  // Where the present database goes first, every byte is read before.
  const Outcome in_place = pgstow.run({"restore", "--yes", "--in-place"});
  ASSERT_EQ(in_place.exit_code, 0) << in_place.describe();
  EXPECT_LT(in_place.err.find("stored bytes are sound"),
            in_place.err.find("dropping the present database"));
}

// Every checksum of gzip and the length are right, and the server is the first that is at a loss.
TEST_F(FaultStored, DamageThatTheServerMeetsFirstIsFoundAsDamage) {
  const std::string sound = read_file(archive);
  const fs::path raw = pgstow.folder() / "raw";
  std::string text = run_ok({.argv = {"gzip", "-dc", archive}});
  const std::size_t at = text.find("CREATE TABLE public.note");
  ASSERT_NE(at, std::string::npos);
  text.replace(at, 12, "CREATE TABLA");
  // So that it packs smaller, and can be filled up to the old length.
  std::replace_if(
      text.begin() + static_cast<std::ptrdiff_t>(text.size() / 2), text.end(),
      [](char c) { return c >= 'a' && c <= 'f'; }, 'a');
  write_file(raw, text);
  std::string packed = run_ok({.argv = {"gzip", "-9", "-n", "-c", raw}});
  ASSERT_LT(packed.size(), sound.size());
  packed[3] = 8;  // a name follows the header (RFC 1952, FNAME)
  packed.insert(10, std::string(sound.size() - packed.size() - 1, 'x') + '\0');
  write_file(archive, packed);
  run_ok({.argv = {"gzip", "-t", archive}});
  expect_damaged(name);
  expect_not_restored(name);
  forget_verdicts();
  EXPECT_THAT(pgstow.run({"restore", name, "--yes"}).err,
              AllOf(HasSubstr("CREATE TABLA"), HasSubstr("to blame")));
  EXPECT_THAT(pgstow.run({"list"}).out, HasSubstr("damaged"));
}

// What is wrong with the globals beside it is no damage of the archive.
TEST_F(FaultStored, DamagedGlobalsAreNotNotedAsADamageOfTheBackup) {
  const fs::path globals = pgstow.backups() / pgstow.files(".globals.sql.gz").at(0);
  std::string bytes = read_file(globals);
  bytes[bytes.size() / 2] ^= 1;
  write_file(globals, bytes);
  const Outcome with_roles = pgstow.run({"restore", "--yes", "--create-roles", "--into", "shop2"});
  EXPECT_EQ(with_roles.exit_code, 4) << with_roles.describe();
  EXPECT_THAT(with_roles.err, HasSubstr("--create-roles"));
  EXPECT_THAT(pgstow.run({"list"}).out, Not(HasSubstr("damaged")));
  const Outcome without = pgstow.run({"restore", "--yes", "--into", "shop2"});
  EXPECT_EQ(without.exit_code, 0) << without.describe();
}

TEST_F(FaultStored, FilesThatAreNoBackups) {
  const auto made_by = [&](const std::string& command) {
    return run_ok({.argv = {"bash", "-c", command}});
  };
  const std::string other = "backup_20200101_000000.dump.gz";
  for (const std::string& bytes :
       {std::string(), std::string("no backup at all\n"), made_by("echo no backup | gzip"),
        made_by("gzip </dev/null"), std::string("PK\x03\x04\x14\0\0\0\x08\0", 10),
        made_by("printf PGDMP | gzip"), made_by("head -c 3000000 /dev/zero | gzip")}) {
    SCOPED_TRACE(bytes.size());
    write_file(pgstow.backups() / other, bytes);
    expect_damaged(other);
    expect_not_restored(other);
  }
  EXPECT_EQ(pgstow.run({"verify", "--all"}).exit_code, 4);
  EXPECT_EQ(pgstow.run({"restore", "--yes"}).exit_code, 0);  // the newest that is sound
}

TEST_F(FaultStored, ExchangedBackupsAreFound) {
  run_ok(pgstow.program({"backup"}));
  const std::string second = pgstow.archives().at(1);
  const fs::path second_archive = pgstow.backups() / second;
  const fs::path second_manifest = pgstow.backups() / pgstow.files(".json").at(1);
  const auto exchange = [&](const fs::path& a, const fs::path& b) {
    const fs::path aside = pgstow.folder() / "aside";
    fs::rename(a, aside);
    fs::rename(b, a);
    fs::rename(aside, b);
  };
  const auto expect_both_damaged = [&] {
    expect_damaged(name);
    expect_damaged(second);
    expect_not_restored(second);
  };
  exchange(archive, second_archive);
  expect_both_damaged();
  exchange(manifest, second_manifest);  // now each pair fits, under the other's name
  expect_both_damaged();
  exchange(archive, second_archive);
  expect_both_damaged();
  exchange(manifest, second_manifest);
  expect_sound();
}

TEST_F(FaultStored, WithoutManifestItIsRestorableButUnproven) {
  fs::remove(manifest);
  const Outcome verify = pgstow.run({"verify"});
  EXPECT_EQ(verify.exit_code, 0) << verify.describe();
  EXPECT_THAT(verify.out, HasSubstr("no manifest, so no proof"));
  EXPECT_THAT(pgstow.run({"list"}).out, HasSubstr("no proof"));
  const Outcome restore = pgstow.run({"restore", "--yes"});
  EXPECT_EQ(restore.exit_code, 0) << restore.describe();
  EXPECT_EQ(server.value("shop", "select count(*) from note where body = 'present'"), "0");
}

TEST_F(FaultStored, WithoutArchiveItIsAnOrphan) {
  fs::remove(archive);
  EXPECT_EQ(pgstow.run({"verify"}).exit_code, 10);
  EXPECT_EQ(pgstow.run({"verify", "--all"}).exit_code, 10);
  EXPECT_EQ(pgstow.run({"restore", "--yes"}).exit_code, 10);
  EXPECT_THAT(pgstow.run({"list"}).out, HasSubstr("No backups found"));
  run_ok(pgstow.program({"backup"}));
  const Outcome verify = pgstow.run({"verify", "--all"});
  EXPECT_EQ(verify.exit_code, 3) << verify.describe();
  EXPECT_THAT(verify.out, HasSubstr("orphan   " + (pgstow.backups() / "").string() +
                                    manifest.filename().string()));
}

std::string stamp_in(std::chrono::seconds ahead) {
  const std::time_t at =
      std::chrono::system_clock::to_time_t(std::chrono::system_clock::now() + ahead);
  std::tm local{};
  ::localtime_r(&at, &local);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y%m%d_%H%M%S", &local);
  return text.data();
}

// Links, pipes and folders under our names lead nowhere, and what they point to stays as it is.
TEST_F(FaultStored, PlantedLinksPipesAndFolders) {
  const fs::path victim = pgstow.folder() / "victim";
  write_file(victim, "precious");
  const fs::path folder = pgstow.backups();
  fs::create_symlink(victim, folder / "backup_20200101_000001.dump.gz");
  fs::create_symlink(victim, folder / "backup_20200101_000001.json");
  ASSERT_EQ(::mkfifo((folder / "backup_20200101_000002.dump.gz").c_str(), 0600), 0);
  ASSERT_EQ(::mkfifo((folder / "backup_20200101_000002.json").c_str(), 0600), 0);
  fs::create_directory(folder / "backup_20200101_000003.dump.gz");
  fs::create_symlink(victim, folder / ".backup_20200101_000001.dump.gz.part");
  ASSERT_EQ(::mkfifo((folder / ".backup_20200101_000002.dump.gz.part").c_str(), 0600), 0);
  fs::create_directory(folder / ".backup_20200101_000003.dump.gz.part");
  for (int i = 0; i < 3; ++i) {  // in the way of the next names; one may be taken by our backup
    const fs::path next = folder / ("backup_" + stamp_in(std::chrono::seconds(i)) + ".dump.gz");
    if (!fs::exists(next)) fs::create_symlink(victim, next);
  }
  const Outcome backup = pgstow.run({"backup"});
  EXPECT_EQ(backup.exit_code, 0) << backup.describe();
  EXPECT_EQ(pgstow.run({"verify", "--all"}).exit_code, 0);
  EXPECT_THAT(pgstow.run({"list"}).out, Not(HasSubstr("20200101")));
  for (const char* planted : {"1", "2", "3"}) {
    EXPECT_EQ(
        pgstow.run({"restore", "--yes", std::string("backup_20200101_00000") + planted}).exit_code,
        10);
  }
  EXPECT_EQ(read_file(victim), "precious");
  EXPECT_TRUE(fs::is_symlink(folder / ".backup_20200101_000001.dump.gz.part"));

  fs::remove(folder / ".lock-shop");
  fs::create_symlink(victim, folder / ".lock-shop");
  const Outcome locked = pgstow.run({"backup"});
  EXPECT_EQ(locked.exit_code, 0) << locked.describe();  // the server's lock is enough
  EXPECT_THAT(locked.err, HasSubstr("symbolic link"));
  EXPECT_EQ(read_file(victim), "precious");
}

}  // namespace
}  // namespace pgstow::test
