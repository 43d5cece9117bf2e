// One table back: restores of tables, into the place of the present ones, beside them, into other
// databases, as rows alone; and what can't be done, which changes nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <optional>
#include <string>
#include <vector>

#include "e2e/faults.h"
#include "e2e/pgstow.h"
#include "harness/dump_text.h"

namespace pgstow::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

// With all that may hang on a table, and on it.
constexpr const char* kShop = R"(
create schema sales;
create type sales.state as enum ('new', 'paid');
create function sales.touch() returns trigger language plpgsql as
  $$ begin new.note := new.note || ' touched'; return new; end $$;
create table sales.customers (id serial primary key, name text not null);
create table sales.orders (
  id bigint generated always as identity primary key,
  customer int not null references sales.customers, parent bigint references sales.orders,
  state sales.state not null default 'new', note text, cents bigint check (cents > 0),
  twice bigint generated always as (cents * 2) stored);
create index by_state on sales.orders (state, id desc) where cents > 10;
create statistics sales.together on state, customer from sales.orders;
create trigger touched before insert or update on sales.orders
  for each row execute function sales.touch();
alter table sales.orders enable row level security;
create policy small on sales.orders for select to public using (cents < 1000);
comment on table sales.orders is 'all of them'; comment on column sales.orders.note is 'by hand';
comment on index sales.by_state is 'partial';
grant select, update (note) on sales.orders to public;
create table sales.items (
  id serial primary key, item bigint not null references sales.orders on delete cascade);
comment on constraint items_item_fkey on sales.items is 'of an order';
create table "Odd ""Name" ("a.b" serial primary key, "c d" text);
insert into sales.customers (name) select 'c' || i from generate_series(1, 50) i;
insert into sales.orders (customer, parent, state, note, cents)
  select 1 + i % 50, nullif(i - 1, 0), case when i % 3 = 0 then 'paid' else 'new' end::sales.state,
  'note ' || i, i from generate_series(1, 1000) i;
insert into sales.items (item) select 1 + i % 900 from generate_series(1, 2000) i;
insert into "Odd ""Name" ("c d") select md5(i::text) from generate_series(1, 20) i;
)";

constexpr const char* kViews = R"(
create view sales.paid with (security_barrier) as
  select id, cents from sales.orders where state = 'paid';
comment on view sales.paid is 'in money'; grant select on sales.paid to public;
create view sales.sum as select sum(cents) from sales.paid;
)";

class Tables : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    server_.emplace();
    server_->create_database("origin");
    server_->sql("origin", kShop);
    server_->sql("origin", kViews);
    server_->sql("postgres", "create database shop template origin");
    pgstow_.emplace(*server_, "shop");
    run_ok(pgstow_->program({"backup"}));
    backup_ = pgstow_->archives().at(0);
    before_ = dump_text(*server_, "shop");
  }
  static void TearDownTestSuite() {
    pgstow_.reset();
    server_.reset();
  }

  Tables() {
    drop_all();
    server_->sql("postgres", "create database shop template origin");
  }

  static void drop_all() {
    for (const Row& row : server_->sql("postgres",
                                       "select quote_ident(datname) from pg_database where not "
                                       "datistemplate and datname not in ('postgres', 'origin')")) {
      server_->sql("postgres", "drop database " + row.at(0) + " with (force)");
    }
  }

  static std::vector<std::string> schemas(const std::string& mark) {
    std::vector<std::string> names;
    for (const Row& row :
         server_->sql("shop", "select nspname from pg_namespace where strpos(nspname, '" + mark +
                                  "') > 1")) {
      names.push_back(row.at(0));
    }
    return names;
  }

  // What is there, without what restores have kept.
  static std::string text(const std::string& database = "shop") {
    server_->sql(database,
                 "set client_min_messages = warning; do $$ declare name text; begin for name in "
                 "select nspname from pg_namespace where nspname like '%\\_\\_before\\_%' loop "
                 "execute format('drop schema %I cascade', name); end loop; end $$");
    return dump_text(*server_, database);
  }

  // Of a database that is not as it was at first.
  void back_up() {
    run_ok(pgstow_->program({"backup"}));
    taken_ = "latest";
  }

  Outcome restore(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"restore", "--yes", taken_});
    return pgstow_->run(std::move(arguments));
  }

  // It fails with that exit code and these words. That nothing has changed is for the caller.
  void expect_refused(const std::vector<std::string>& arguments, int exit_code,
                      const testing::Matcher<const std::string&>& says) const {
    const Outcome outcome = restore(arguments);
    EXPECT_EQ(outcome.exit_code, exit_code) << outcome.describe();
    EXPECT_THAT(outcome.err, says);
  }

  static std::optional<TestServer> server_;
  static std::optional<Pgstow> pgstow_;
  static std::string backup_;    // of the database as it is at first
  static std::string before_;    // its text
  std::string taken_ = backup_;  // what restore() restores
};

std::optional<TestServer> Tables::server_;
std::optional<Pgstow> Tables::pgstow_;
std::string Tables::backup_;
std::string Tables::before_;

TEST_F(Tables, ADamagedTableIsReplacedWithAllThatIsItsOwn) {
  server_->sql("shop",
               "set client_min_messages = warning; alter table sales.orders add extra int, drop "
               "cents cascade; drop trigger touched on sales.orders");
  const Outcome outcome = restore({"--table", "sales.orders"});
  ASSERT_TRUE(outcome.ok()) << outcome.describe();
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("1 table, 1,000 rows, every row equal to the backup's "
                                           "proof"),
                                 HasSubstr("sales__before_")));
  ASSERT_THAT(schemas("__before_"), SizeIs(1));
  EXPECT_EQ(server_->value("shop", "select count(extra) from " + schemas("__before_")[0] +
                                       ".orders having count(*) = 1000"),
            "0");
  EXPECT_THAT(schemas("__restoring_"), IsEmpty());
  server_->sql("shop", kViews);  // they had gone with the column
  EXPECT_EQ(first_difference(before_, text()), "");
}

// Keys of others and views point to the restored table; what is kept is tied to nothing.
TEST_F(Tables, WhatPointsToTheTableIsLedOver) {
  server_->sql("shop", "update sales.orders set cents = 1, note = 'lost' where id < 900");
  ASSERT_TRUE(restore({"--table", "sales.orders"}).ok());
  const std::string kept = schemas("__before_").at(0);
  EXPECT_EQ(server_->value("shop", "select count(*) from " + kept + ".orders where note ~ 'lost'"),
            "899");
  EXPECT_EQ(server_->value("shop",
                           "select count(*) from pg_constraint where contype = 'f' and "
                           "conrelid = '" +
                               kept + ".orders'::regclass and confrelid <> conrelid"),
            "0");
  server_->sql("shop", "drop schema " + kept + " cascade");
  EXPECT_EQ(first_difference(before_, text()), "");
  EXPECT_EQ(server_->value("shop", "insert into sales.orders (customer) values (1) returning id"),
            "1001");
}

TEST_F(Tables, ATableThatIsGoneComesBackWithItsSchema) {
  server_->sql(
      "shop",
      "create role boss; create schema lost authorization boss; grant usage on schema lost "
      "to public; create table lost.t (i serial); insert into lost.t select from "
      "generate_series(1, 9); create schema other; create table other.t (x int)");
  back_up();
  const std::string before = text();
  server_->sql("shop", "drop schema lost cascade; drop table \"Odd \"\"Name\"");
  const Outcome outcome = restore({"--schema", "lost", "--table", "\"Odd \"\"Name\""});
  ASSERT_TRUE(outcome.ok()) << outcome.describe();
  EXPECT_EQ(first_difference(before, text()), "");
  server_->sql("shop", "drop owned by boss cascade; drop role boss");
}

// A schema at a time, then all at once; what can't be led over is named.
TEST_F(Tables, OneOfEverything) {
  server_->create_database("rich");
  server_->script("rich", test_sql("rich.sql"));
  const Pgstow tool(*server_, "rich");
  run_ok(tool.program({"backup"}));
  const std::string before = text("rich");
  const auto restore = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"restore", "--yes"});
    return tool.run(std::move(arguments));
  };
  const auto expect_ok = [&](const std::vector<std::string>& arguments) {
    const Outcome outcome = restore(arguments);
    EXPECT_TRUE(outcome.ok()) << outcome.describe();
  };
  EXPECT_THAT(restore({"--schema", "keys"}).err,
              AllOf(HasSubstr("materialized view views.mat depends on it"),
                    HasSubstr("table keys.tree in publication some_rows")));
  EXPECT_THAT(restore({"--schema", "types"}).err,
              HasSubstr("column rc of others holds, as regclass"));
  expect_ok({"--schema", "shapes", "--schema", "parts", "--schema", "views", "--schema", "public",
             "--table", "types.t*", "--table", "types.others", "--schema", "--file=/tmp/x",
             "--table", "it*.*"});
  EXPECT_EQ(first_difference(before, text("rich")), "");
  server_->sql("rich",
               "drop materialized view views.mat cascade; drop publication some_rows, some_tables");
  const std::string less = text("rich");
  const Outcome rest = restore({"--schema", "keys", "--schema", "parts"});
  EXPECT_EQ(rest.exit_code, 3) << rest.describe();
  EXPECT_THAT(rest.err, HasSubstr("keys.tree in publication some_rows"));
  EXPECT_EQ(first_difference(less, text("rich")), "");
}

// pg_dump makes such a view in two steps, of which the second depends on the tables, too.
TEST_F(Tables, AViewThatGroupsByTheTablesKeyStaysWhatItIs) {
  server_->create_database("grouped");
  server_->sql("grouped",
               "create table t (id int primary key, note text); create table u (t int);"
               "insert into t select i, 'note ' || i from generate_series(1, 100) i;"
               "insert into u select 1 + i % 100 from generate_series(1, 300) i;"
               "create view per_t as select t.id, t.note, count(*) from t join u on u.t = t.id "
               "group by t.id; comment on view per_t is 'mine'");
  const Pgstow tool(*server_, "grouped");
  run_ok(tool.program({"backup"}));
  const std::string before = text("grouped");
  server_->sql("grouped", "update t set note = 'bad'");
  const Outcome beside = tool.run({"restore", "--yes", "--table", "public.t", "--as", "other"});
  EXPECT_TRUE(beside.ok()) << beside.describe();
  EXPECT_EQ(server_->value("grouped", "select note from per_t where id = 1"), "bad");
  server_->sql("grouped", "drop table other");
  const Outcome outcome = tool.run({"restore", "--yes", "--table", "public.t"});
  EXPECT_TRUE(outcome.ok()) << outcome.describe();
  EXPECT_EQ(first_difference(before, text("grouped")), "");
  EXPECT_EQ(server_->value("grouped", "select note from per_t where id = 1"), "note 1");
}

// What hangs on the table has names as long as they can be, and equal but for their ends.
TEST_F(Tables, LongNamesBesideThePresentTable) {
  server_->create_database("long");
  const std::string same = "index_" + std::string(54, 'x');
  server_->sql("long",
               "create table t (id int primary key, \"ünïcödé\" int);"
               "create index " +
                   same + "abc on t (id); create index " + same +
                   "abd on t (\"ünïcödé\"); insert into t values (1, 2);"
                   "create statistics public.s on id, \"ünïcödé\" from t");
  const Pgstow tool(*server_, "long");
  run_ok(tool.program({"backup"}));
  std::string name;
  for (int i = 0; i < 31; ++i) name += "ü";
  const Outcome outcome = tool.run({"restore", "--yes", "--table", "t", "--as", name});
  EXPECT_TRUE(outcome.ok()) << outcome.describe();
  EXPECT_EQ(server_->value(
                "long", "select count(*) from pg_index where indrelid = '" + name + "'::regclass"),
            "3");
}

TEST_F(Tables, APartitionIsReplacedInItsPlace) {
  server_->sql(
      "shop",
      "create table sales.log (id int, day date, primary key (id, day)) partition by range "
      "(day); create table sales.log_1 partition of sales.log for values from (minvalue) "
      "to ('2026-01-01'); create table sales.log_2 partition of sales.log default; create "
      "index on sales.log (day); insert into sales.log select i, '2025-12-01'::date + i "
      "from generate_series(1, 100) i");
  back_up();
  const std::string before = text();
  server_->sql("shop", "delete from sales.log_1; drop table sales.log_2");
  ASSERT_TRUE(restore({"--table", "sales.log_1"}).ok());
  EXPECT_EQ(server_->value("shop", "select count(*) from sales.log"), "30");
  const Outcome outcome = restore({"--table", "sales.log"});
  ASSERT_TRUE(outcome.ok()) << outcome.describe();
  EXPECT_EQ(first_difference(before, text()), "");
}

// As after another restore within the same second.
TEST_F(Tables, AreKeptUnderANameThatIsFree) {
  back_up();
  server_->sql("shop",
               "do $$ begin for n in 0 .. 60 loop execute format('create schema %I', "
               "'sales__before_' || to_char(now() at time zone 'utc' + n * interval '1 second', "
               "'YYYYMMDD_HH24MISS')); end loop; end $$");
  const Outcome outcome = restore({"--table", "sales.orders"});
  EXPECT_TRUE(outcome.ok()) << outcome.describe();
  EXPECT_EQ(server_->value("shop",
                           "select count(*) from pg_class where relname = 'orders' and "
                           "relnamespace::regnamespace::text like 'sales\\_\\_before%'"),
            "1");
}

TEST_F(Tables, PartitionsThatWereMadeSinceAreNamedBeforeTheyAreEmptied) {
  server_->sql("shop",
               "create table sales.log (day date) partition by range (day); create table "
               "sales.log_1 partition of sales.log for values from (minvalue) to ('2026-01-01'); "
               "insert into sales.log values ('2025-12-01')");
  back_up();
  const std::vector<std::string> rows{"--table", "sales.log", "--data-only", "--replace-rows"};
  const Outcome plain = restore(rows);
  EXPECT_TRUE(plain.ok()) << plain.describe();
  EXPECT_THAT(plain.err, Not(HasSubstr("emptied")));
  server_->sql("shop",
               "create table sales.log_2 partition of sales.log default; "
               "insert into sales.log values ('2026-01-01')");
  const Outcome outcome = restore(rows);
  EXPECT_TRUE(outcome.ok()) << outcome.describe();
  EXPECT_THAT(outcome.err, HasSubstr("the backup has no rows for it table=sales.log_2"));
  EXPECT_EQ(server_->value("shop", "select min(day) || ' ' || max(day) from sales.log"),
            "2025-12-01 2025-12-01");
}

TEST_F(Tables, IntoANewDatabaseComesWhatTheTableNeeds) {
  const Outcome outcome = restore({"--table", "sales.orders", "--into", "copy"});
  EXPECT_EQ(outcome.exit_code, 3) << outcome.describe();
  EXPECT_THAT(outcome.err,
              HasSubstr("foreign key orders_customer_fkey of sales.orders, to sales.customers"));
  EXPECT_EQ(server_->value("copy", "select count(*) from sales.orders where note ~ 'touched'"),
            "1000");
  EXPECT_EQ(server_->value("copy",
                           "select count(*) from pg_class c join pg_namespace n on n.oid = "
                           "relnamespace where nspname = 'sales' and relkind in ('r', 'v')"),
            "1");
  server_->sql("copy", "update sales.orders set note = 'x' where id = 1");  // its trigger works
  EXPECT_EQ(server_->value("copy", "select note from sales.orders where id = 1"), "x touched");

  // Into the same database now that it exists: nothing there is replaced.
  const Outcome again = restore({"--table", "sales.orders", "--into", "copy"});
  EXPECT_EQ(again.exit_code, 1) << again.describe();
  EXPECT_THAT(again.err, HasSubstr("database copy has sales.orders already"));
  const Outcome others =
      restore({"--table", "sales.customers", "--table", "sales.items", "--into", "copy"});
  EXPECT_TRUE(others.ok()) << others.describe();
  EXPECT_EQ(server_->value("copy",
                           "select count(*) from sales.items join sales.orders o on o.id = "
                           "item"),
            "2000");
}

TEST_F(Tables, WhatTheTableNeedsAndTheDatabaseLacksIsNamed) {
  server_->create_database("bare");
  const Outcome outcome = restore({"--table", "sales.orders", "--into", "bare"});
  EXPECT_EQ(outcome.exit_code, 1) << outcome.describe();
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("type sales.state"), HasSubstr("function sales.touch()"),
                                 HasSubstr("--into NAME")));
  EXPECT_EQ(server_->value("bare", "select count(*) from pg_namespace where nspname ~ 'sales'"),
            "0");
}

TEST_F(Tables, UnderAnotherNameBesideThePresentOne) {
  server_->sql("shop", "delete from sales.orders where id > 500");
  const std::string before = text();
  const Outcome outcome = restore({"--table", "sales.orders", "--as", "old_orders"});
  EXPECT_EQ(outcome.exit_code, 3) << outcome.describe();  // without foreign keys to others
  EXPECT_EQ(server_->value("shop",
                           "select count(*) from sales.old_orders o left join sales.orders "
                           "p using (id) where p.id is null"),
            "500");
  EXPECT_EQ(server_->value("shop",
                           "select count(*) from pg_class where relname in "
                           "('old_orders_pkey', 'old_orders_id_seq', "
                           "'old_orders_by_state')"),
            "3");
  EXPECT_THAT(schemas("__"), IsEmpty());
  expect_refused({"--table", "sales.orders", "--as", "old_orders"}, 1,
                 HasSubstr("sales.old_orders exists already"));
  expect_refused({"--table", "sales.orders", "--as", "nowhere.orders"}, 10,
                 HasSubstr("no schema nowhere"));
  expect_refused({"--schema", "sales", "--as", "x"}, 2, HasSubstr("--as is for one table"));
  server_->sql("shop", "drop table sales.old_orders");
  EXPECT_EQ(first_difference(before, text()), "");
}

TEST_F(Tables, OnlyRows) {
  expect_refused({"--table", "sales.orders", "--data-only"}, 1,
                 AllOf(HasSubstr("sales.orders is not empty"), HasSubstr("--replace-rows")));
  server_->sql("shop",
               "update sales.orders set note = 'lost'; delete from sales.orders where id = 1000; "
               "alter sequence sales.orders_id_seq restart with 5");
  const Outcome replaced = restore({"--table", "sales.orders", "--data-only", "--replace-rows"});
  ASSERT_TRUE(replaced.ok()) << replaced.describe();
  EXPECT_EQ(first_difference(before_, text()), "");

  server_->sql("shop",
               "truncate sales.orders, sales.items; select setval('sales.items_id_seq', "
               "9000)");
  const Outcome filled =
      restore({"--table", "sales.items", "--table", "sales.orders", "--data-only"});
  ASSERT_TRUE(filled.ok()) << filled.describe();
  EXPECT_EQ(server_->value("shop", "select last_value from sales.items_id_seq"), "9000");
  server_->sql("shop", "select setval('sales.items_id_seq', 2000)");
  EXPECT_EQ(first_difference(before_, text()), "");

  server_->sql("shop", "alter table sales.orders drop column note");
  expect_refused({"--table", "sales.orders", "--data-only", "--replace-rows"}, 1,
                 HasSubstr("column \"note\" of relation \"orders\" does not exist"));
}

// Rows of other tables that refer to what the backup does not have.
TEST_F(Tables, RowsThatDoNotFitTheOthersChangeNothing) {
  server_->sql("shop",
               "insert into sales.orders (customer, cents) values (1, 5); insert into sales.items "
               "(item) values (1001)");
  const std::string before = dump_text(*server_, "shop");
  expect_refused({"--table", "sales.orders"}, 1,
                 AllOf(HasSubstr("foreign key items_item_fkey of sales.items can't be led over"),
                       HasSubstr("database shop is as it was")));
  expect_refused({"--table", "sales.orders", "--data-only", "--replace-rows"}, 1,
                 HasSubstr("foreign key items_item_fkey of sales.items"));
  EXPECT_EQ(first_difference(before, dump_text(*server_, "shop")), "");
  server_->sql("shop",
               "delete from sales.items where item = 1001; alter table sales.orders add more "
               "int; create view sales.newer as select more from sales.orders");
  expect_refused({"--table", "sales.orders"}, 1, HasSubstr("view sales.newer can't be led over"));
  server_->sql("shop", "drop view sales.newer; truncate sales.orders, sales.customers cascade");
  expect_refused({"--table", "sales.orders"}, 1, HasSubstr("fk constraint orders"));
}

TEST_F(Tables, WhatCantBeDoneIsSaidAtOnce) {
  const std::string before = dump_text(*server_, "shop");
  expect_refused({"--table", "sales.ordrs"}, 10, HasSubstr("did you mean sales.orders?"));
  expect_refused({"--table", "nothing*"}, 10, HasSubstr("no table nothing*"));
  expect_refused({"--table", "sales.paid"}, 10, HasSubstr("is a view in the backup"));
  expect_refused({"--data-only"}, 2, HasSubstr("--table or --schema"));
  expect_refused({"--table", "a", "--replace-rows"}, 2, HasSubstr("--data-only"));
  expect_refused({"--table", "a", "--in-place"}, 2, HasSubstr("--in-place"));
  EXPECT_EQ(first_difference(before, dump_text(*server_, "shop")), "");
  server_->sql("shop",
               "create materialized view sales.m as select * from sales.orders; create function "
               "sales.f() returns bigint begin atomic select count(*) from sales.items; end");
  expect_refused({"--table", "sales.orders"}, 1,
                 AllOf(HasSubstr("materialized view sales.m depends on it"), HasSubstr("--as")));
  expect_refused({"--schema", "sales"}, 1, HasSubstr("function sales.f() depends on it"));
  server_->sql("shop",
               "drop materialized view sales.m; drop function sales.f(); drop table "
               "sales.items; create view sales.items as select 1 as a; create table "
               "sales.by_name (a int); alter index sales.by_state rename to gone; create "
               "index by_state on sales.by_name (a)");
  expect_refused({"--table", "sales.items"}, 1, HasSubstr("view sales.items has the name"));
  expect_refused({"--table", "sales.orders"}, 1, HasSubstr("sales.by_state"));
}

// Nobody can be asked: nothing is done, but all that would be is printed.
TEST_F(Tables, TellsBeforeItAsksWhatItWouldDo) {
  const Outcome outcome = pgstow_->run({"restore", backup_, "--table", "sales.orders"});
  EXPECT_EQ(outcome.exit_code, 2) << outcome.describe();
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("sales.orders"), HasSubstr("__before_"),
                                 HasSubstr("foreign key items_item_fkey of sales.items"),
                                 HasSubstr("view sales.paid")));
  EXPECT_THAT(schemas("__"), IsEmpty());
}

// By whomever it was made: each time another table of it.
TEST_F(Tables, OutOfArchivesOfPgDump) {
  const Pgstow tool(*server_, "shop");
  const std::string folder = tool.backups();
  run_ok({.argv = {"mkdir", "-p", folder}});
  run_ok({.argv = {postgres_programs() / "pg_dump", "-Fc", "-f", folder + "/stock.dump",
                   server_->url("shop")}});
  run_ok({.argv = {"cp", folder + "/stock.dump", folder + "/packed.dump"}});
  run_ok({.argv = {"gzip", folder + "/packed.dump"}});
  server_->sql("shop", "delete from sales.items; truncate \"Odd \"\"Name\"");
  const Outcome one = tool.run({"restore", "--yes", "stock.dump", "--table", "sales.items"});
  ASSERT_TRUE(one.ok()) << one.describe();
  EXPECT_THAT(one.out, HasSubstr("row counts equal"));
  const Outcome other =
      tool.run({"restore", "--yes", "packed.dump.gz", "--table", "Odd*", "--data-only"});
  ASSERT_TRUE(other.ok()) << other.describe();
  EXPECT_EQ(first_difference(before_, text()), "");
}

// The rest of the file may even be damaged.
TEST_F(Tables, ReadsOnlyWhatHoldsTheTable) {
  const Pgstow tool(*server_, "shop");
  server_->sql("shop",
               "create table sales.big as select i, md5(i::text) from generate_series(1, "
               "100000) i");
  run_ok(tool.program({"backup"}));
  const std::string before = dump_text(*server_, "shop");
  server_->sql("shop",
               "update sales.big set i = 0 where i < 100; delete from sales.big where i > "
               "90000");
  const Outcome rows =
      tool.run({"restore", "--yes", "--table", "big", "--data-only", "--replace-rows"});
  ASSERT_TRUE(rows.ok()) << rows.describe();
  const std::filesystem::path file = tool.backups() / tool.archives().at(0);
  std::string bytes = read_file(file);
  for (std::size_t i = bytes.size() / 3; i < bytes.size() / 2; ++i) bytes[i] = 'x';
  write_file(file, bytes);
  server_->sql("shop", "delete from sales.items; delete from \"Odd \"\"Name\"");
  const Outcome outcome =
      tool.run({"restore", "--yes", "--table", "sales.items", "--table", "Odd*"});
  ASSERT_TRUE(outcome.ok()) << outcome.describe();
  EXPECT_THAT(outcome.out, HasSubstr("2,020 rows, every row equal to the backup's proof"));
  const Outcome damaged = tool.run({"restore", "--yes", "--table", "sales.big"});
  EXPECT_EQ(damaged.exit_code, 4) << damaged.describe();
  EXPECT_EQ(first_difference(before, text()), "");
}

// Killed while it loads: the table is as it was, and nothing that was half made ties others down.
TEST_F(Tables, KilledInTheMiddleItLeavesTheTableAsItWas) {
  server_->sql(
      "shop",
      "create function sales.slow(id bigint) returns boolean language plpgsql as $$ begin return "
      "true; end $$; alter table sales.orders add check (sales.slow(id))");
  back_up();
  server_->sql("shop", "update sales.orders set note = 'present'");
  server_->sql(
      "shop",
      "create or replace function sales.slow(id bigint) returns boolean language plpgsql as $$ "
      "begin if id <= 40 then perform pg_sleep(0.03); end if; return true; end $$");
  for (const char* how : {"replace", "rows"}) {
    SCOPED_TRACE(how);
    std::vector<std::string> arguments{"restore", "--yes", "--table", "sales.orders"};
    if (std::string(how) == "rows") {
      arguments.insert(arguments.end(), {"--data-only", "--replace-rows"});
    }
    const Running run(pgstow_->program(arguments));
    await("the load", [&] {
      return server_->value("postgres",
                            "select count(*) from pg_stat_activity where datname = 'shop' and "
                            "state = 'active' and query like 'COPY%'") != "0";
    });
    run.signal(SIGKILL);
    await("the end of its sessions", [&] {
      return server_->value("postgres",
                            "select count(*) from pg_stat_activity where datname = 'shop'") == "0";
    });
  }
  EXPECT_THAT(schemas("__before_"), IsEmpty());
  EXPECT_EQ(server_->value("shop", "select count(*) from sales.orders where note ~ 'present'"),
            "1000");
  server_->sql("shop",
               "delete from sales.items where id = 1; insert into sales.items values (1, "
               "2); create or replace function sales.slow(id bigint) returns boolean language "
               "plpgsql as $$ begin return true; end $$");
  ASSERT_TRUE(restore({"--table", "sales.orders"}).ok());
  EXPECT_THAT(schemas("__restoring_"), IsEmpty());
  EXPECT_EQ(server_->value("shop", "select count(*) from sales.orders where note ~ 'present'"),
            "0");
}

}  // namespace
}  // namespace pgstow::test
