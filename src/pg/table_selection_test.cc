#include "pg/table_selection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "harness/postgres.h"
#include "harness/program.h"
#include "pg/archive_header.h"

namespace pgstow::pg {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsSupersetOf;
using testing::Not;
using testing::UnorderedElementsAre;

constexpr const char* kShop = R"(
create type state as enum ('new', 'paid');
create function touch() returns trigger language plpgsql as $$ begin return new; end $$;
create sequence numbers;
create table customers (id serial primary key);
create table orders (
  id bigint generated always as identity primary key, customer int references customers,
  parent bigint references orders, s state, number bigint default nextval('numbers'));
create index by_state on orders (s);
create statistics together on s, customer from orders;
create trigger touched before update on orders for each row execute function touch();
alter table orders enable row level security;
create policy all_of_it on orders using (exists (select from customers));
create rule no_more as on delete to orders where old.id = 0 do instead nothing;
comment on table orders is 'o'; comment on column orders.id is 'i';
comment on index by_state is 'b'; comment on constraint orders_customer_fkey on orders is 'k';
grant select on orders to public;
create publication news for table orders;
create view paid as select * from orders where s = 'paid';
create table items (id serial primary key, item bigint references orders);
create table events (id int, day date, primary key (id, day)) partition by range (day);
create table events_old partition of events for values from (minvalue) to ('2026-01-01');
create index on events (day);
create table animal (name text); create table cat (lives int) inherits (animal);
create schema other; create table other.orders (a int);
create table "orders id" (id int primary key, o bigint references orders);
)";

// What pg_dump writes of it.
class TableSelectionTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    const test::TestServer server;
    server.create_database("shop");
    server.sql("shop", kShop);
    const std::string archive = test::run_ok(
        {.argv = {test::postgres_programs() / "pg_dump", "-Fc", "-Z0", server.url("shop")}});
    HeaderDecoder decoder;
    decoder.add(archive);
    archive_ = decoder.take();
  }
  static void TearDownTestSuite() { archive_.reset(); }

  static TableSelection select(const std::vector<std::string>& patterns) {
    std::vector<TablePattern> parsed;
    for (const std::string& pattern : patterns) parsed.push_back(TablePattern::parse(pattern));
    return select_tables(*archive_, parsed);
  }

  // "INDEX by_state", without what is about the archive as a whole.
  static std::vector<std::string> lines(const ArchiveHeader& header) {
    std::vector<std::string> all;
    for (const TocEntry& entry : header.toc) {
      const bool about_all = entry.desc == "ENCODING" || entry.desc == "STDSTRINGS" ||
                             entry.desc == "SEARCHPATH" || entry.desc == "DATABASE";
      if (!about_all) all.push_back(entry.desc + " " + entry.tag);
    }
    return all;
  }
  static std::vector<std::string> tie_lines(const TableSelection& selection) {
    std::vector<std::string> all;
    for (const Tie& tie : selection.ties) {
      all.push_back(tie.entry.desc + " " + tie.entry.tag + " to " + tie.other.name);
    }
    return all;
  }
  static std::vector<std::string> need_lines(const TableSelection& selection) {
    std::vector<std::string> all;
    for (const int id : selection.needs) {
      all.push_back(archive_->find(id)->desc + " " + archive_->find(id)->tag);
    }
    return all;
  }
  static std::string error_of(const std::vector<std::string>& patterns) {
    try {
      select(patterns);
    } catch (const Error& e) {
      return std::string(e.what()) + " hint: " + e.hint();
    }
    return "no error";
  }

  static std::optional<ArchiveHeader> archive_;
};

std::optional<ArchiveHeader> TableSelectionTest::archive_;

TEST_F(TableSelectionTest, TakesAllThatIsTheTablesOwn) {
  const TableSelection selection = select({"public.orders"});
  EXPECT_THAT(lines(selection.header),
              UnorderedElementsAre(
                  "TABLE orders", "COMMENT TABLE orders", "COMMENT COLUMN orders.id",
                  "SEQUENCE orders_id_seq", "TABLE DATA orders", "SEQUENCE SET orders_id_seq",
                  "CONSTRAINT orders orders_pkey", "INDEX by_state", "COMMENT INDEX by_state",
                  "STATISTICS together", "TRIGGER orders touched", "RULE orders no_more",
                  "FK CONSTRAINT orders orders_parent_fkey", "POLICY orders all_of_it",
                  "ROW SECURITY orders", "ACL TABLE orders"));
  EXPECT_THAT(tie_lines(selection),
              UnorderedElementsAre("FK CONSTRAINT orders orders_customer_fkey to customers",
                                   "COMMENT CONSTRAINT orders_customer_fkey ON orders to customers",
                                   "PUBLICATION TABLE news orders to news"));
  EXPECT_THAT(need_lines(selection),
              IsSupersetOf({"TYPE state", "FUNCTION touch()", "SEQUENCE numbers"}));
  EXPECT_THAT(need_lines(selection), Not(Contains("VIEW paid")));
}

TEST_F(TableSelectionTest, ForeignKeysAmongTheTablesAreNoTies) {
  const TableSelection selection = select({"public.orders", "customers"});
  EXPECT_THAT(lines(selection.header),
              IsSupersetOf({"FK CONSTRAINT orders orders_customer_fkey",
                            "COMMENT CONSTRAINT orders_customer_fkey ON orders",
                            "SEQUENCE OWNED BY customers_id_seq", "DEFAULT customers id"}));
  EXPECT_THAT(tie_lines(selection), ElementsAre("PUBLICATION TABLE news orders to news"));
}

// Its tag is "orders id orders id_o_fkey": it could be read as one of orders.
TEST_F(TableSelectionTest, IsNotMisledByNamesThatBeginAlike) {
  EXPECT_THAT(tie_lines(select({"\"orders id\""})),
              ElementsAre("FK CONSTRAINT orders id orders id_o_fkey to orders"));
  EXPECT_THAT(lines(select({"\"orders id\""}).header),
              Contains("CONSTRAINT orders id orders id_pkey"));
}

TEST_F(TableSelectionTest, AParentBringsItsPartitionsAndChildren) {
  EXPECT_THAT(select({"events"}).tables,
              ElementsAre(TableName{"public", "events"}, TableName{"public", "events_old"}));
  EXPECT_THAT(lines(select({"events"}).header),
              IsSupersetOf({"TABLE ATTACH events_old", "INDEX ATTACH events_old_day_idx"}));
  EXPECT_THAT(select({"animal"}).tables,
              ElementsAre(TableName{"public", "animal"}, TableName{"public", "cat"}));
}

TEST_F(TableSelectionTest, APartitionAloneIsTiedToItsParent) {
  const TableSelection selection = select({"events_old"});
  EXPECT_THAT(tie_lines(selection), ElementsAre("TABLE ATTACH events_old to events"));
  EXPECT_THAT(lines(selection.header), Not(Contains("INDEX ATTACH events_old_day_idx")));
  EXPECT_THAT(need_lines(selection), Not(Contains("TABLE events")));
}

TEST_F(TableSelectionTest, AnInheritanceChildAloneIsRefused) {
  EXPECT_THAT(error_of({"cat"}), AllOf(HasSubstr("public.cat inherits from public.animal"),
                                       HasSubstr("--table public.animal")));
  EXPECT_THAT(error_of({"cat", "animal"}), HasSubstr("no error"));
}

TEST_F(TableSelectionTest, SaysWhatIsNotThereOrNotClear) {
  EXPECT_THAT(error_of({"public.ordrs"}),
              AllOf(HasSubstr("no table public.ordrs"), HasSubstr("did you mean public.orders?")));
  EXPECT_THAT(error_of({"customer"}), HasSubstr("did you mean customers?"));
  EXPECT_THAT(error_of({"zzz*"}), HasSubstr("public.events_old"));
  EXPECT_THAT(error_of({"orders"}), AllOf(HasSubstr("any of other.orders, public.orders"),
                                          HasSubstr("*.orders for all of them")));
  EXPECT_THAT(error_of({"paid"}), HasSubstr("public.paid is a view in the backup"));
  EXPECT_THAT(select({"*.orders"}).tables,
              ElementsAre(TableName{"other", "orders"}, TableName{"public", "orders"}));
}

TEST_F(TableSelectionTest, ForANewDatabaseBringsWhatTheTablesNeed) {
  const ArchiveHeader header = with_needs(*archive_, select({"public.orders"}));
  EXPECT_THAT(lines(header), IsSupersetOf({"TYPE state", "FUNCTION touch()", "SEQUENCE numbers",
                                           "SEQUENCE SET numbers", "TABLE DATA orders"}));
  // The policy looks into customers: the table comes, but no rows of it.
  EXPECT_THAT(lines(header), Contains("TABLE customers"));
  EXPECT_THAT(lines(header), Not(Contains("TABLE DATA customers")));
  EXPECT_THAT(lines(header), Not(Contains("VIEW paid")));
}

TEST_F(TableSelectionTest, KnowsWhatChangesItsSchemaWithATable) {
  EXPECT_THAT(
      relations_of(select({"public.orders"}).header),
      UnorderedElementsAre(TableName{"public", "orders"}, TableName{"public", "orders_id_seq"},
                           TableName{"public", "orders_pkey"}, TableName{"public", "by_state"},
                           TableName{"public", "together"}));
  const ArchiveHeader moved = in_schemas(select({"public.orders"}).header, {{"public", "scratch"}});
  for (const TocEntry& entry : moved.toc) {
    for (const OptionalText& text : {entry.defn, entry.drop, entry.copy}) {
      EXPECT_THAT(text.value_or(""), Not(HasSubstr("public.orders")));
    }
  }
}

TEST_F(TableSelectionTest, OnlyRowsLeavesNothingElse) {
  EXPECT_THAT(lines(only_rows(select({"public.orders"}).header)),
              UnorderedElementsAre("TABLE DATA orders", "SEQUENCE SET orders_id_seq"));
  EXPECT_THAT(lines(without_database(only_rows(select({"other.orders"}).header))),
              ElementsAre("TABLE DATA orders"));
}

}  // namespace
}  // namespace pgstow::pg
