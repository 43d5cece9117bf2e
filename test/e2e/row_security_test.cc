// A role that is no superuser restores its own tables, whose policies are forced on it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "e2e/pgstow.h"
#include "harness/dump_text.h"

namespace pgstow::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Of the hundred accounts the owner sees four, of their parts, which refer to them, none.
constexpr const char* kShop = R"(
set role app;
create schema sales;
create table sales.account (id int primary key, body text);
create table sales.part (account int references sales.account) partition by hash (account);
create table sales.part_0 partition of sales.part for values with (modulus 2, remainder 0);
create table sales.part_1 partition of sales.part for values with (modulus 2, remainder 1);
insert into sales.account select i, 'account ' || i from generate_series(1, 100) i;
insert into sales.part select i from generate_series(1, 100) i;
alter table sales.account enable row level security, force row level security;
alter table sales.part enable row level security, force row level security;
alter table sales.part_0 enable row level security, force row level security;
create policy few on sales.account using (id < 5);
create materialized view sales.seen as select id from sales.account;
)";

class ForcedPolicies : public testing::Test {
 protected:
  ForcedPolicies() {
    server.sql("postgres", "create role app login createdb");
    server.sql("postgres", "create database shop owner app");
    server.sql("shop", kShop);
    const Outcome backup = pgstow.run({"backup"});
    EXPECT_TRUE(backup.ok()) << backup.describe();
    before = dump_text(server, "shop");
    server.sql("shop", "truncate sales.account, sales.part");
  }

  Outcome restore_as_owner(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"restore", "--yes"});
    Program program = pgstow.program(std::move(arguments));
    program.env.insert(program.env.begin(), "PGUSER=app");
    return run(program);
  }
  void expect_as_before() const {
    server.sql("shop",
               "do $$ declare name text; begin for name in select nspname from pg_namespace where "
               "nspname like '%\\_\\_before\\_%' loop execute format('drop schema %I cascade', "
               "name); end loop; end $$");
    EXPECT_EQ(first_difference(before, dump_text(server, "shop")), "");
  }

  TestServer server;
  Pgstow pgstow{server, "shop"};
  std::string before;
};

TEST_F(ForcedPolicies, OfAWholeDatabase) {
  for (const char* where : {"", "--in-place"}) {
    SCOPED_TRACE(where);
    std::vector<std::string> arguments;
    if (*where != '\0') arguments.emplace_back(where);
    const Outcome outcome = restore_as_owner(arguments);
    ASSERT_TRUE(outcome.ok()) << outcome.describe();
    EXPECT_THAT(outcome.err, HasSubstr("proven equal"));
    expect_as_before();
    EXPECT_EQ(server.value("shop", "select count(*) from sales.seen"), "4");
  }
}

TEST_F(ForcedPolicies, OfRowsAlone) {
  const std::vector<std::string> tables{"--table", "sales.account", "--table", "sales.part",
                                        "--data-only"};
  for (const bool replace : {false, true}) {
    std::vector<std::string> arguments = tables;
    if (replace) arguments.emplace_back("--replace-rows");
    const Outcome outcome = restore_as_owner(arguments);
    ASSERT_TRUE(outcome.ok()) << outcome.describe();
    expect_as_before();
  }
  const Outcome filled = restore_as_owner(tables);
  EXPECT_EQ(filled.exit_code, 1) << filled.describe();
  EXPECT_THAT(filled.err, HasSubstr("not empty"));
  expect_as_before();
}

TEST_F(ForcedPolicies, OfOneTableThatAForeignKeyOfAnotherPointsTo) {
  server.sql("shop",
             "drop materialized view sales.seen;"
             "insert into sales.account select i from generate_series(1, 100) i;"
             "insert into sales.part select i from generate_series(1, 100) i");
  const Outcome outcome = restore_as_owner({"--table", "sales.account"});
  ASSERT_TRUE(outcome.ok()) << outcome.describe();
  server.sql("shop",
             "set role app; create materialized view sales.seen as "
             "select id from sales.account");
  expect_as_before();
}

}  // namespace
}  // namespace pgstow::test
