// Names that try to be options, connection strings, commands or other files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "base/error.h"
#include "e2e/pgstow.h"
#include "harness/dump_text.h"
#include "harness/share.h"

namespace pgstow::test {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string repeated(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

std::vector<std::string> hostile_names() {
  return {"--file=/tmp/pgstow-hostile",
          "-f/tmp/pgstow-hostile",
          "host=evil dbname=postgres",
          "postgresql://evil/postgres",
          "quote\"quote'quote\\",
          "new\nline\r\ttab",
          " two  spaces ",
          "100%41 $HOME `id` $(id)",
          "../../etc/passwd",
          "ünïcödé ☂",
          "UPPER case",
          "\x1b[31mred",
          repeated("x", 63),
          repeated("☂", 20),
          repeated("☂", 21)};
}

std::string quoted(const std::string& name) {
  std::string out = "\"";
  for (const char c : name) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

// A schema, a table and a column by that name, with that name as a value.
std::string contents_named(const std::string& name) {
  const std::string q = quoted(name);
  return "create schema " + q + "; create table " + q + "." + q + "(" + q + " text primary key);" +
         "insert into " + q + "." + q + " select 'row ' || i from generate_series(1, 20) i";
}

// Runs of pgstow on one database, named by PGDATABASE and by DATABASE_URL in turn.
class InTurn {
 public:
  InTurn(const TestServer& server, std::string name, bool by_url)
      : server_(server), name_(std::move(name)), by_url_(by_url), pgstow_(server, name_) {}

  Outcome run(std::vector<std::string> arguments) {
    Program program = pgstow_.program(std::move(arguments));
    by_url_ = !by_url_;
    if (by_url_) {
      program.env.insert(program.env.begin(),
                         {"PGDATABASE=postgres", "DATABASE_URL=" + server_.url(name_)});
    }
    return test::run(program);
  }

 private:
  const TestServer& server_;
  std::string name_;
  bool by_url_;
  Pgstow pgstow_;
};

TEST(Hostile, NamesAreOnlyNames) {
  const TestServer server;
  bool by_url = false;
  for (const std::string& name : share_of(hostile_names(), 3)) {
    SCOPED_TRACE(name);
    server.create_database(name);
    server.sql(name, contents_named(name));
    const std::string stored = dump_text(server, name);
    by_url = !by_url;
    InTurn pgstow(server, name, by_url);

    const Outcome backup = pgstow.run({"backup"});
    ASSERT_TRUE(backup.ok()) << backup.describe();
    const Outcome verify = pgstow.run({"verify", "--all"});
    EXPECT_TRUE(verify.ok()) << verify.describe();
    const Outcome list = pgstow.run({"list"});
    EXPECT_EQ(std::ranges::count(list.out, '\n'), 2) << list.describe();
    EXPECT_THAT(list.out, Not(HasSubstr("\x1b")));

    server.sql(name, "drop table " + quoted(name) + "." + quoted(name) + "; create table later()");
    const Outcome restore = pgstow.run({"restore", "--yes"});
    ASSERT_TRUE(restore.ok()) << restore.describe();
    EXPECT_EQ(first_difference(stored, dump_text(server, name)), "");
    const Outcome undo = pgstow.run({"undo", "--yes"});
    ASSERT_TRUE(undo.ok()) << undo.describe();
    EXPECT_EQ(server.value(name, "select count(*) from pg_tables where tablename = 'later'"), "1");
    const Outcome drop = pgstow.run({"undo", "--drop", "--yes"});
    EXPECT_TRUE(drop.ok()) << drop.describe();
    server.sql("postgres", "drop database " + quoted(name));
  }
  // Nothing else was made, renamed or dropped.
  EXPECT_EQ(
      server.value("postgres", "select string_agg(datname, ',' order by datname) from pg_database"),
      "postgres,template0,template1");
  EXPECT_FALSE(std::filesystem::exists("/tmp/pgstow-hostile"));
}

// Passwords in words that no command expects are not echoed.
TEST(HostileWords, PasswordsAreNotEchoed) {
  const TestServer server;
  const Pgstow pgstow(server, "postgres");
  const std::string url = "postgresql://u:s3cret@h/db";
  const std::vector<std::vector<std::string>> lines{{"backup", url},
                                                    {"backup", "host=h password=s3cret"},
                                                    {"--ulr", url, "backup"},
                                                    {"backup", "--ulr", url},
                                                    {"backup", "--ulr=" + url},
                                                    {"restore", url, "--yes"},
                                                    {url},
                                                    {"list", "--from", url},
                                                    {"--jobs", url, "list"},
                                                    {"--env-file", url, "list"},
                                                    {"list", "--json=" + url},
                                                    {"-q" + url, "list"}};
  for (const std::vector<std::string>& line : lines) {
    const Outcome outcome = pgstow.run(line);
    EXPECT_NE(outcome.exit_code, 0) << outcome.describe();
    EXPECT_THAT(outcome.out + outcome.err, Not(HasSubstr("s3cret"))) << line.front();
  }
}

// Names that are no UTF-8 and look alike in JSON.
TEST(HostileEncodings, NamesOutsideUtf8) {
  const TestServer server;
  server.sql("postgres",
             "create database bytes encoding 'SQL_ASCII' template template0 lc_collate 'C' "
             "lc_ctype 'C'");
  server.sql("bytes", "create table \"t\xe4\" as select 1 i; create table \"t\xf6\" as select 2 i");
  const Pgstow bytes(server, "bytes");
  server.create_database("latin");
  server.sql("latin", "create table \"tä\" as select 'ä' i; create table \"tö\" as select 'ö' i");
  Pgstow latin(server, "latin");
  latin.with("PGCLIENTENCODING=LATIN1");
  for (const Pgstow* pgstow : {&bytes, static_cast<const Pgstow*>(&latin)}) {
    run_ok(pgstow->program({"backup"}));
    const Outcome verify = pgstow->run({"verify"});
    EXPECT_TRUE(verify.ok()) << verify.describe();
    const Outcome restore = pgstow->run({"restore", "--yes"});
    EXPECT_TRUE(restore.ok()) << restore.describe();
    EXPECT_THAT(restore.out, HasSubstr("2 tables, 2 rows, every row equal"));
  }
  const std::string manifest = latin.archives().at(0).substr(0, 22) + ".json";
  EXPECT_THAT(read_file(latin.backups() / manifest), HasSubstr("\"tö\""));
}

// A file's name, too, is text that somebody else chose.
TEST(HostileFiles, NamesOfFilesDoNotReachTheTerminal) {
  const TestServer server;
  const Pgstow pgstow(server, "postgres");
  std::filesystem::create_directories(pgstow.backups());
  write_file(pgstow.backups() / "a\x1b[31m\xc2\x9b\xff.dump", "no archive");
  for (const std::vector<std::string>& line :
       std::vector<std::vector<std::string>>{{"list"},
                                             {"verify"},
                                             {"verify", "--all"},
                                             {"doctor"},
                                             {"prune", "--dry-run"},
                                             {"keep", "1"},
                                             {"restore", "1", "--yes"},
                                             {"list", "--json"},
                                             {"verify", "--json"}}) {
    const Outcome outcome = pgstow.run(line);
    const std::string said = outcome.out + outcome.err;
    EXPECT_THAT(said,
                Not(testing::AnyOf(HasSubstr("\x1b"), HasSubstr("\xc2\x9b"), HasSubstr("\xff"))))
        << line.front();
  }
}

// Long names that begin alike are told apart, while they are restored and kept.
TEST(HostileNeighbours, LongNamesThatBeginAlike) {
  const TestServer server;
  const std::string one = repeated("x", 62) + "1";
  const std::string two = repeated("x", 62) + "2";
  for (const std::string& name : {one, two}) {
    server.create_database(name);
    server.sql(name, contents_named(name));
  }
  const Pgstow first(server, one);
  const Pgstow second(server, two);
  for (const Pgstow* pgstow : {&first, &second}) {
    run_ok(pgstow->program({"backup"}));
    run_ok(pgstow->program({"restore", "--yes"}));
  }
  EXPECT_EQ(server.value("postgres", "select count(*) from pg_database where datname ~ '^xxx'"),
            "4");
  run_ok(first.program({"undo", "--drop", "--yes"}));
  EXPECT_EQ(server.value("postgres", "select count(*) from pg_database where datname ~ '^xxx'"),
            "3");
  run_ok(second.program({"undo", "--yes"}));
}

// A database's owner may choose its search_path, and make operators that run whatever he likes with
// the rights of who uses them: a superuser who backs up must not use them.
TEST(HostileOwner, DoesNotBecomeSuperuser) {
  const TestServer server;
  server.create_database("shop");
  server.sql("shop",
             "create role mallory; create schema x;"
             "create function x.same(name, name) returns boolean language plpgsql as "
             "'begin alter role mallory superuser; return $1 operator(pg_catalog.=) $2; end';"
             "create operator x.= (leftarg = name, rightarg = name, function = x.same);"
             "create function public.times(numeric, integer) returns numeric language plpgsql as "
             "'begin alter role mallory superuser; return 0; end';"
             "create operator public.* (leftarg = numeric, rightarg = integer, "
             "function = public.times);"
             "alter database shop set search_path = x, pg_catalog, public");
  const Pgstow pgstow(server, "shop");
  for (const char* command : {"backup", "doctor"}) {
    const Outcome outcome = pgstow.run({command});
    EXPECT_TRUE(outcome.ok()) << outcome.describe();
    EXPECT_EQ(server.value("postgres", "select rolsuper from pg_roles where rolname = 'mallory'"),
              "f")
        << command;
  }
}

}  // namespace
}  // namespace pgstow::test
