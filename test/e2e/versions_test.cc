// Every supported major version of PostgreSQL, in a container with its own tools. Which ones a run
// takes is told by PGSTOW_TEST_VERSIONS ("13,15,17,18"; test/roots has to have made them); the
// usual run takes the one after the host's, and the other tests the host's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <filesystem>

#include "base/text.h"
#include "e2e/container_host.h"
#include "e2e/faults.h"
#include "harness/docker.h"
#include "harness/dump_text.h"
#include "harness/ports.h"

namespace pgstow::test {
namespace {

namespace fs = std::filesystem;

using testing::HasSubstr;
using testing::SizeIs;

std::vector<std::string> versions() {
  const char* const chosen = std::getenv("PGSTOW_TEST_VERSIONS");
  std::vector<std::string> all;
  for (const std::string_view one : split(chosen == nullptr ? "17" : chosen, ',')) {
    all.emplace_back(one);
  }
  return all;
}

// Large enough for readers of its own and for keys that are built as indexes, and of all types
// whose rows go back in as binary.
constexpr const char* kBig =
    "create type big_kind as enum ('a', 'b'); create domain big_word as varchar(9);"
    "create table big as select i, repeat(md5(i::text), 12) as t, i::int8 as i8, i::int2 as i2, "
    "i::numeric / 7 as n, i / 7.0::float8 as f8, (i / 7.0)::float4 as f4, i % 2 = 0 as yes, "
    "md5(i::text)::uuid as u, date '2000-01-01' + i as d, timestamp '1990-01-01' + i * "
    "interval '3 hours' as p, timestamptz '1990-01-01' + i * interval '3.3 hours' as z, "
    "time '00:00' + i * interval '1 second' as h, i * interval '1 hour' - interval '1 month' as "
    "iv, "
    "jsonb_build_object('i', i) as jb, json_build_object('i', i) as j, "
    "decode(md5(i::text), 'hex') as b, '10.0.0.0'::inet + i as ip, array[i, null] as ia, "
    "array['a ' || i, null] as ta, i::oid as o, array['v' || i, null]::varchar(9)[] as va, array[i "
    "/ 7.0, null]::numeric(12, 3)[] as ra, "
    "array['a', null]::big_kind[] as ka, ('w' || i)::big_word as w, array['w' || i]::big_word[] as "
    "wa, "
    "'10.0.0.0/8'::cidr as net, "
    "('c' || i % 10)::char(4) as c, nullif(i % 3, 0) as some from generate_series(1, 30000) i;"
    "alter table big add primary key (i) include (t), add unique (u, i) deferrable;"
    "create index on big (d); cluster big using big_pkey; analyze big;"
    "create table big_parent (id int primary key, n int, w text);"
    "create table big_heir (t text, primary key (id)) inherits (big_parent);"
    "create table big_root (id int, n int, t text, primary key (id)) partition by range (id);"
    "create table big_part partition of big_root default;"
    "create index on big_parent (n);"
    "insert into big_parent select i, i, repeat(md5(i::text), 20) from generate_series(1, 30000) i;"
    "create index on big_heir (n); create index on big_root (n);"
    "insert into big_heir select i, i, 'h', repeat(md5(i::text), 20) from generate_series(1, "
    "30000) i;"
    "insert into big_root select i, i, repeat(md5(i::text), 20) from generate_series(1, 30000) i;"
    "analyze big_parent; analyze big_heir; analyze big_part";

// By server 18: whether each is the table's own, and how often it is inherited.
constexpr const char* kNotNulls =
    "select string_agg(concat_ws(' ', conrelid::regclass, conname, conislocal, coninhcount), ', ' "
    "order by conrelid::regclass::text, conname) from pg_constraint where contype = 'n'";

class Version : public testing::TestWithParam<std::string> {};

// What that version's pg_restore makes of the newest backup, as text.
std::string by_pg_restore(const DatabaseContainer& container, const Host& host) {
  container.sql("create database stock template template0", "postgres");
  const Outcome stock =
      run({.argv = {"sh", "-c",
                    ("gunzip -c \"$0\" | docker exec -i \"$1\" pg_restore -U finance_user "
                     "--exit-on-error -d stock"),
                    host.backups() / host.archives().back(), container.name()},
           .env = {"DOCKER_HOST=" + shared_docker()}});
  EXPECT_TRUE(stock.ok()) << stock.describe();
  return container.dump("stock");
}

// The rich schema, backed up and restored by us, and by that version's pg_restore.
TEST_P(Version, TheRichSchemaGoesRound) {
  const DatabaseContainer container({.usr = usr_with_postgres(GetParam())});
  ASSERT_THAT(container.sql("show server_version"), testing::StartsWith(GetParam()));
  container.script(test_sql("rich.sql"));
  container.sql(kBig);
  const std::string not_nulls = container.sql(kNotNulls);
  EXPECT_EQ(not_nulls.find("big_heir") != std::string::npos, std::stoi(GetParam()) >= 18);
  const std::string before = container.dump();
  Host host = host_of(container);
  // The sessions read ranges of pages (from 14 on).
  for (const char* jobs : {"3", "2"}) {
    SCOPED_TRACE(jobs);
    const Outcome backup = host.run({"-v", "backup", "--jobs", jobs});
    ASSERT_TRUE(backup.ok()) << backup.describe();
    EXPECT_THAT(backup.err, HasSubstr("readers"));
    const Outcome verify = host.run({"verify"});
    EXPECT_TRUE(verify.ok()) << verify.describe();

    const Outcome restore = host.run({"restore", "--yes"});
    ASSERT_TRUE(restore.ok()) << restore.describe();
    EXPECT_THAT(restore.out, HasSubstr("every row equal to the backup's proof"));
    EXPECT_THAT(restore.err, HasSubstr("binary_tables=4"));
    EXPECT_THAT(restore.err,
                HasSubstr(std::stoi(GetParam()) >= 18 ? "keys_among_them=3" : "keys_among_them=5"));
    EXPECT_EQ(container.sql(kNotNulls), not_nulls);
    EXPECT_EQ(first_difference(before, container.dump()), "");
  }

  ASSERT_THAT(host.archives(), SizeIs(2));
  EXPECT_EQ(first_difference(before, by_pg_restore(container, host)), "");
}

// Enough of them for readers, of two owners, in groups of more than a thousand where pg_dump makes
// groups.
constexpr const char* kObjects =
    "create role owner_of_some;"
    "select count(lo_from_bytea(0, convert_to(repeat(md5(n::text),"
    "    case when n % 50 = 0 then n else n % 5 end), 'utf8'))) from generate_series(0, 1300) n;"
    "select lo_from_bytea(4000000001, 'x');"
    "do $$ begin execute (select string_agg(format("
    "  'alter large object %s owner to owner_of_some', oid), ';')"
    "  from pg_largeobject_metadata where oid::bigint % 7 = 0); end $$";

TEST_P(Version, LargeObjectsGoRound) {
  const DatabaseContainer container({.usr = usr_with_postgres(GetParam())});
  container.sql(kObjects);
  const std::string before = container.dump();
  Host host = host_of(container);
  const Outcome backup = host.run({"-v", "backup", "--jobs", "2"});
  ASSERT_TRUE(backup.ok()) << backup.describe();
  EXPECT_THAT(backup.err, HasSubstr("large_objects=1302"));
  container.sql(
      "select count(lo_unlink(oid)) from pg_largeobject_metadata where oid::bigint % 3 = 0");
  const Outcome restore = host.run({"restore", "--yes"});
  ASSERT_TRUE(restore.ok()) << restore.describe();
  EXPECT_EQ(first_difference(before, container.dump()), "");
  EXPECT_EQ(first_difference(before, by_pg_restore(container, host)), "");
}

// A file as pg_dump's standard output: from 16 on its table of contents comes twice.
TEST_P(Version, AFileThatPgDumpWroteGoesRound) {
  const DatabaseContainer container({.usr = usr_with_postgres(GetParam())});
  container.sql(kBig);
  const std::string before = container.dump();
  Host host = host_of(container);
  std::filesystem::create_directories(host.backups());
  const Outcome dump =
      run({.argv = {"sh", "-c",
                    ("docker exec \"$1\" sh -c 'pg_dump -U finance_user -Fc finance_bot >/tmp/dump "
                     "&& cat /tmp/dump' >\"$0\""),
                    host.backups() / "stock.dump", container.name()},
           .env = {"DOCKER_HOST=" + shared_docker()}});
  ASSERT_TRUE(dump.ok()) << dump.describe();
  const std::string bytes = read_file(host.backups() / "stock.dump");
  constexpr std::string_view kStatement = "COPY public.big";
  const bool twice = bytes.find(kStatement) != bytes.rfind(kStatement);
  EXPECT_EQ(twice, std::stoi(GetParam()) >= 16);  // otherwise there is nothing to see here
  container.sql("drop table big");
  const Outcome verify = host.run({"verify", "stock.dump"});
  EXPECT_TRUE(verify.ok()) << verify.describe();
  const Outcome restore = host.run({"restore", "--yes", "stock.dump"});
  ASSERT_TRUE(restore.ok()) << restore.describe();
  EXPECT_EQ(first_difference(before, container.dump()), "");
}

INSTANTIATE_TEST_SUITE_P(Of, Version, testing::ValuesIn(versions()),
                         [](const auto& of) { return "PostgreSQL" + of.param; });

// The host has PostgreSQL 15 alone, its server is newer.
TEST(NewerServer, IsToldByDoctorAndByTheServiceWhenItBegins) {
  const std::string port = std::to_string(free_port());
  const DatabaseContainer container({.flags = {"-e", "PGPORT=" + port},
                                     .network = "host",
                                     .usr = usr_with_postgres(versions().front())});
  const TempDir folder("pgstow-newer-");
  const auto pgstow = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), PGSTOW_BINARY);
    return Program{
        .argv = std::move(arguments),
        .env = {"PGHOST=127.0.0.1", "PGPORT=" + port, "PGUSER=finance_user", "PGPASSWORD=p@ss w'rd",
                "PGDATABASE=finance_bot", "BACKUP_SCHEDULE_CRON=0 3 29 2 *", "BACKUP_CATCH_UP=off",
                "BACKUP_STATE_PATH=" + (folder / "state").string(), "BACKUP_HTTP_LISTEN=off"},
        .folder = folder.path()};
  };
  const std::string missing = "postgresql-client-" + versions().front();
  const Outcome backup = run(pgstow({"backup"}));
  EXPECT_FALSE(backup.ok());
  EXPECT_THAT(backup.err, HasSubstr(missing));
  const Outcome doctor = run(pgstow({"doctor"}));
  EXPECT_FALSE(doctor.ok());
  EXPECT_THAT(doctor.out, HasSubstr(missing));
  Running service(pgstow({"run"}));
  await("the service to tell", [&] { return service.err().find(missing) != std::string::npos; });
  service.signal(SIGTERM);
  EXPECT_EQ(service.wait().exit_code, 0);
  EXPECT_THAT(service.err(), HasSubstr("no backup can be made as things are"));
}

}  // namespace
}  // namespace pgstow::test
