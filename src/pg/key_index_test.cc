#include "pg/key_index.h"

#include <gtest/gtest.h>

#include <string>

namespace pgstow::pg {
namespace {

// CREATE and what takes it, each on a line of its own.
std::string split(const std::string& defn) {
  const std::optional<KeyIndex> parts = split_key(defn);
  return parts ? parts->create + parts->take : "";
}

TEST(KeyIndex, APrimaryKeyIsItsIndexAndTheKey) {
  const std::string defn =
      "ALTER TABLE ONLY public.users\n    ADD CONSTRAINT users_pkey PRIMARY KEY (id, part);\n";
  EXPECT_EQ(split(defn),
            "CREATE UNIQUE INDEX users_pkey ON public.users USING btree (id, part);\n"
            "ALTER TABLE ONLY public.users\n"
            "    ADD CONSTRAINT users_pkey PRIMARY KEY USING INDEX users_pkey;\n");
  EXPECT_EQ(split_key(defn)->name, "users_pkey");
  EXPECT_TRUE(split_key(defn)->primary);
}

TEST(KeyIndex, NamesStayAsTheyAreWritten) {
  const std::string defn =
      "ALTER TABLE ONLY \"a.b\".\"it\"\"s (x)\" ADD CONSTRAINT \"k;\"\"\" UNIQUE (\"a, b\", "
      "\"c)\");\n";
  EXPECT_EQ(
      split(defn),
      "CREATE UNIQUE INDEX \"k;\"\"\" ON \"a.b\".\"it\"\"s (x)\" USING btree (\"a, b\", \"c)\");\n"
      "ALTER TABLE ONLY \"a.b\".\"it\"\"s (x)\"\n"
      "    ADD CONSTRAINT \"k;\"\"\" UNIQUE USING INDEX \"k;\"\"\";\n");
  EXPECT_EQ(split_key(defn)->name, "k;\"");
  EXPECT_FALSE(split_key(defn)->primary);
}

// INCLUDE, NULLS NOT DISTINCT and WITH are the index's, though in another order; DEFERRABLE is the
// key's; so is what follows.
TEST(KeyIndex, EachGetsWhatIsItsOwn) {
  EXPECT_EQ(
      split("ALTER TABLE ONLY s.t\n    ADD CONSTRAINT u UNIQUE NULLS NOT DISTINCT (a) INCLUDE "
            "(b, c) WITH (fillfactor='70', deduplicate_items=off) DEFERRABLE INITIALLY "
            "DEFERRED;\n\nALTER TABLE s.t CLUSTER ON u;\n\nALTER TABLE ONLY s.t REPLICA "
            "IDENTITY USING INDEX u;\n"),
      "CREATE UNIQUE INDEX u ON s.t USING btree (a) INCLUDE (b, c) NULLS NOT DISTINCT WITH "
      "(fillfactor='70', deduplicate_items=off);\n"
      "ALTER TABLE ONLY s.t\n    ADD CONSTRAINT u UNIQUE USING INDEX u DEFERRABLE INITIALLY "
      "DEFERRED;\n\nALTER TABLE s.t CLUSTER ON u;\n\nALTER TABLE ONLY s.t REPLICA IDENTITY "
      "USING INDEX u;\n");
  EXPECT_EQ(split("ALTER TABLE ONLY s.t ADD CONSTRAINT u UNIQUE (a) DEFERRABLE;\n"),
            "CREATE UNIQUE INDEX u ON s.t USING btree (a);\n"
            "ALTER TABLE ONLY s.t\n    ADD CONSTRAINT u UNIQUE USING INDEX u DEFERRABLE;\n");
}

TEST(KeyIndex, OtherTextStaysWhole) {
  for (const char* defn : {
           "",
           "ALTER TABLE ONLY s.t ADD CONSTRAINT x EXCLUDE USING gist (a WITH =);\n",
           "ALTER TABLE ONLY s.t ADD CONSTRAINT p PRIMARY KEY (a, b WITHOUT OVERLAPS);\n",
           "ALTER TABLE ONLY s.t ADD CONSTRAINT p PRIMARY KEY (a) SOMETHING NEW;\n",
           "ALTER TABLE ONLY s.t ADD CONSTRAINT p PRIMARY KEY (lower(a));\n",
           "ALTER TABLE ONLY s.t ADD CONSTRAINT p PRIMARY KEY ();\n",
           "ALTER TABLE ONLY s.t ADD CONSTRAINT p PRIMARY KEY (a",
           "ALTER TABLE ONLY s.t ADD CONSTRAINT p PRIMARY KEY (a) WITH (x",
           "ALTER TABLE ONLY s.t ADD CONSTRAINT p PRIMARY",
           "ALTER TABLE ONLY s. ADD CONSTRAINT p PRIMARY KEY (a);\n",
           "ALTER TABLE ONLY s.t ADD CONSTRAINT c CHECK ((a > 0));\n",
           "ALTER TABLE ONLY s.t ADD CONSTRAINT n NOT NULL a;\n",
           "ALTER TABLE ONLY s.t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES s.u(a);\n",
           "ALTER FOREIGN TABLE ONLY s.t ADD CONSTRAINT p PRIMARY KEY (a);\n",
       }) {
    EXPECT_EQ(split(defn), "") << defn;
  }
}

}  // namespace
}  // namespace pgstow::pg
