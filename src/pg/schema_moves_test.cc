#include "pg/schema_moves.h"

#include <gtest/gtest.h>

namespace pgstow::pg {
namespace {

const SchemaMoves kMoves{{{"public", "orders"}, "new"},
                         {{"public", "orders_id_seq"}, "new"},
                         {{"odd", "Odd \"T"}, "n w"}};

TEST(SchemaMoves, ExchangesTheSchemaOfWhatIsMovedOnly) {
  EXPECT_EQ(
      with_moves("CREATE TABLE public.orders (\n    id integer,\n    s public.state\n);\n", kMoves),
      "CREATE TABLE \"new\".orders (\n    id integer,\n    s public.state\n);\n");
  EXPECT_EQ(with_moves("CREATE INDEX i ON odd.\"Odd \"\"T\" USING btree (a);", kMoves),
            "CREATE INDEX i ON \"n w\".\"Odd \"\"T\" USING btree (a);");
  EXPECT_EQ(with_moves("COMMENT ON COLUMN public.orders.id IS 'of public.orders';", kMoves),
            "COMMENT ON COLUMN \"new\".orders.id IS 'of public.orders';");
  EXPECT_EQ(with_moves("FOREIGN KEY (o) REFERENCES public.orders(id), public.customers", kMoves),
            "FOREIGN KEY (o) REFERENCES \"new\".orders(id), public.customers");
}

// A column of a table in a database of the schema's name is none.
TEST(SchemaMoves, TakesNoPartOfALongerName) {
  EXPECT_EQ(with_moves("SELECT db.public.orders", kMoves), "SELECT db.public.orders");
  EXPECT_EQ(with_moves("SELECT publics.orders, public.orders2", kMoves),
            "SELECT publics.orders, public.orders2");
}

TEST(SchemaMoves, OfStringsTakesThoseThatAreCastToRegclass) {
  EXPECT_EQ(with_moves("DEFAULT nextval('public.orders_id_seq'::regclass)", kMoves),
            "DEFAULT nextval('\"new\".\"orders_id_seq\"'::regclass)");
  EXPECT_EQ(with_moves("DEFAULT 'public.orders'::text", kMoves), "DEFAULT 'public.orders'::text");
  EXPECT_EQ(with_moves("AS $$ select * from public.orders $$", kMoves),
            "AS $$ select * from public.orders $$");
  EXPECT_EQ(with_moves("-- public.orders\n", kMoves), "-- public.orders\n");
}

TEST(SchemaMoves, OfAnEntryMovesSchemaAndEveryText) {
  TocEntry entry;
  entry.desc = "SEQUENCE SET";
  entry.schema = "public";
  entry.defn = "SELECT pg_catalog.setval('public.orders_id_seq', 7, true);\n";
  const TocEntry moved = with_moves(entry, kMoves);
  EXPECT_EQ(moved.schema, "new");
  EXPECT_EQ(moved.defn, "SELECT pg_catalog.setval('\"new\".\"orders_id_seq\"', 7, true);\n");

  entry.desc = "TABLE DATA";
  entry.defn = std::nullopt;
  entry.copy = "COPY public.orders (id) FROM stdin;\n";
  EXPECT_EQ(with_moves(entry, kMoves).copy, "COPY \"new\".orders (id) FROM stdin;\n");
}

}  // namespace
}  // namespace pgstow::pg
