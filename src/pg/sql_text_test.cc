#include "pg/sql_text.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/text.h"
#include "pg/sql_lexer.h"

namespace pgstow::pg {
namespace {

using Strings = std::vector<std::string>;

// Names that a hostile user could give.
rc::Gen<std::string> names() {
  const auto parts = rc::gen::element<std::string>(
      "a", "\"", "'", "\\", "$$", "$x$", ";", "\n", " ", ".", ",", "(", ")", "--", "/*", "*/", "E",
      "\xc3", "DATABASE", "ON DATABASE x", "FROM stdin;");
  return rc::gen::suchThat(rc::gen::map(rc::gen::container<Strings>(parts),
                                        [](const Strings& all) { return join(all, ""); }),
                           [](const std::string& name) { return !name.empty(); });
}

std::vector<Token> tokens(std::string_view sql) {
  std::vector<Token> all;
  SqlLexer lexer(sql);
  while (const std::optional<Token> token = lexer.next()) all.push_back(*token);
  return all;
}

TEST(Acl, NamesItsRoles) {
  using Roles = std::set<std::string>;
  EXPECT_EQ(
      roles_of_acl("REVOKE ALL ON TABLE public.\"to\" FROM owner;\n"
                   "GRANT SELECT(a),INSERT(b) ON TABLE public.t TO reader WITH GRANT OPTION;\n"
                   "GRANT ALL ON TABLE public.t TO PUBLIC;\n"
                   "GRANT ALL ON TABLE public.t TO \"A\"\"b, c\";\n"),
      (Roles{"owner", "reader", "A\"b, c"}));
  EXPECT_EQ(roles_of_acl("SET SESSION AUTHORIZATION boss;\nGRANT USAGE ON SCHEMA s TO a, GROUP b;\n"
                         "RESET SESSION AUTHORIZATION;\n"),
            (Roles{"boss", "a", "b"}));
  EXPECT_EQ(roles_of_acl("ALTER DEFAULT PRIVILEGES FOR ROLE app IN SCHEMA s GRANT SELECT ON TABLES "
                         " TO reader;"),
            (Roles{"app", "reader"}));
  EXPECT_EQ(roles_of_acl(""), Roles{});
}

TEST(RoleOfSetting, OnlyOfARoleInADatabase) {
  EXPECT_EQ(role_of_setting("ALTER ROLE app IN DATABASE shop SET work_mem TO '1MB'"), "app");
  EXPECT_EQ(role_of_setting("ALTER ROLE \"Odd \"\"Role\" IN DATABASE shop SET a TO 'b'"),
            "Odd \"Role");
  EXPECT_EQ(role_of_setting("ALTER DATABASE shop SET work_mem TO '1MB'"), std::nullopt);
  EXPECT_EQ(role_of_setting("ALTER ROLE app SET work_mem TO '1MB'"), std::nullopt);
  EXPECT_EQ(role_of_setting(""), std::nullopt);
}

TEST(Quote, DoublesQuotes) {
  EXPECT_EQ(quote_identifier("a\"b'c"), "\"a\"\"b'c\"");
  EXPECT_EQ(quote_literal("a'b\"c"), "'a''b\"c'");
  EXPECT_EQ(quote_literal("a\\'b"), "E'a\\\\''b'");
  EXPECT_EQ(quote_conninfo("it's \\ \"x\""), "'it\\'s \\\\ \"x\"'");
  EXPECT_EQ(quote_literal(""), "''");
}

RC_GTEST_PROP(SqlLexer, SeesAQuotedNameAsOneToken, ()) {
  const std::string quoted = quote_identifier(*names());
  const std::string sql = "x " + quoted + ";";
  const std::vector<Token> all = tokens(sql);
  RC_ASSERT(all.size() == 4U);
  RC_ASSERT(all[2].kind == Token::Kind::kQuotedName);
  RC_ASSERT(all[2].text == quoted);
}

RC_GTEST_PROP(SqlLexer, ReadsALiteralBack, ()) {
  const std::string value = *names();
  const std::string sql = "(" + quote_literal(value) + ",1)";
  const std::vector<Token> all = tokens(sql);
  RC_ASSERT(all.size() == 5U);
  RC_ASSERT(all[1].kind == Token::Kind::kString);
  RC_ASSERT(string_value(all[1]) == value);
}

RC_GTEST_PROP(SqlLexer, LosesNoByteOfAnyText, ()) {
  const std::string sql = *names();
  std::string again;
  for (const Token& token : tokens(sql)) again += token.text;
  RC_ASSERT(again == sql);
}

TEST(SqlLexer, KnowsDollarQuotesAndComments) {
  const std::string sql = "a$1 $$ ' $x$ ; $$ $x$ $$ ; $x$ /* ; /* */ ; */ -- ; '\n$1";
  Strings visible;
  SqlLexer lexer(sql);
  while (const std::optional<Token> token = lexer.next_visible()) visible.emplace_back(token->text);
  EXPECT_EQ(visible, (Strings{"a$1", "$$ ' $x$ ; $$", "$x$ $$ ; $x$", "$", "1"}));
  EXPECT_EQ(string_value(tokens("$x$ $$ ; $x$").front()), " $$ ; ");
}

TEST(SqlLexer, EndsWithTheTextWhateverIsOpen) {
  for (const char* open : {"'a", "\"a", "E'a\\", "$$a", "$x$", "/* a", "/*/", "-- a", "E'", "'"}) {
    const std::vector<Token> all = tokens(open);
    ASSERT_EQ(all.size(), 1U) << open;
    if (all[0].kind == Token::Kind::kString) {
      EXPECT_LE(string_value(all[0]).size(), 2U);
    }
  }
}

TEST(SplitStatements, CutsAtSemicolonsOutsideOfQuotes) {
  EXPECT_EQ(split_statements(" a; b 'x;y' ;\n;\n$$;$$ /*;*/;"),
            (Strings{"a", "b 'x;y'", "$$;$$ /*;*/"}));
  EXPECT_EQ(split_statements("a"), Strings{"a"});
  EXPECT_EQ(split_statements(" \n;"), Strings());
}

RC_GTEST_PROP(SplitStatements, FindsEachOne, ()) {
  Strings statements;
  for (const std::string& name : *rc::gen::container<Strings>(names())) {
    statements.push_back("comment on table " + quote_identifier(name) + " is " +
                         quote_literal(name));
  }
  RC_ASSERT(split_statements(join(statements, ";\n") + ";") == statements);
}

struct Renamed {
  const char* before;
  const char* after;
};

TEST(WithDatabaseName, ReplacesTheNameOnly) {
  const Renamed cases[] = {
      {"CREATE DATABASE shop WITH TEMPLATE = template0 ENCODING = 'UTF8';\n",
       "CREATE DATABASE \"new\" WITH TEMPLATE = template0 ENCODING = 'UTF8';\n"},
      {"CREATE DATABASE \"sh\"\"op DATABASE x;\" WITH TEMPLATE = template0;",
       "CREATE DATABASE \"new\" WITH TEMPLATE = template0;"},
      {"ALTER DATABASE shop CONNECTION LIMIT = 5;\nALTER DATABASE shop SET work_mem TO '5MB';\n",
       "ALTER DATABASE \"new\" CONNECTION LIMIT = 5;\nALTER DATABASE \"new\" SET work_mem TO "
       "'5MB';\n"},
      {"ALTER DATABASE shop SET x.y TO 'ON DATABASE shop; \\';",
       "ALTER DATABASE \"new\" SET x.y TO 'ON DATABASE shop; \\';"},
      {"ALTER ROLE \"IN DATABASE shop\" IN DATABASE shop SET a TO 'b';",
       "ALTER ROLE \"IN DATABASE shop\" IN DATABASE \"new\" SET a TO 'b';"},
      {"COMMENT ON DATABASE shop IS 'ON DATABASE shop';",
       "COMMENT ON DATABASE \"new\" IS 'ON DATABASE shop';"},
      {"SECURITY LABEL FOR p ON DATABASE shop IS 'x';",
       "SECURITY LABEL FOR p ON DATABASE \"new\" IS 'x';"},
      {"REVOKE CONNECT,TEMPORARY ON DATABASE shop FROM PUBLIC;\nGRANT ALL ON DATABASE shop TO bob;",
       "REVOKE CONNECT,TEMPORARY ON DATABASE \"new\" FROM PUBLIC;\n"
       "GRANT ALL ON DATABASE \"new\" TO bob;"},
      {"DROP DATABASE shop;", "DROP DATABASE \"new\";"},
  };
  for (const Renamed& each : cases) EXPECT_EQ(with_database_name(each.before, "new"), each.after);
}

// The word is not reserved: roles and databases may be called so, and pg_dump does not quote them.
TEST(WithDatabaseName, IsNotConfusedByNamesLikeTheKeyword) {
  const Renamed cases[] = {
      {"GRANT ALL ON DATABASE shop TO database WITH GRANT OPTION;",
       "GRANT ALL ON DATABASE \"new\" TO database WITH GRANT OPTION;"},
      {"ALTER ROLE database IN DATABASE shop SET a TO 'b';",
       "ALTER ROLE database IN DATABASE \"new\" SET a TO 'b';"},
      {"ALTER DATABASE database SET a TO 'b';", "ALTER DATABASE \"new\" SET a TO 'b';"},
      {"CREATE DATABASE alter WITH TEMPLATE = database;",
       "CREATE DATABASE \"new\" WITH TEMPLATE = database;"},
  };
  for (const Renamed& each : cases) EXPECT_EQ(with_database_name(each.before, "new"), each.after);
}

RC_GTEST_PROP(WithDatabaseName, TakesAnyNameForAnyOther, ()) {
  const std::string old_name = *names();
  const std::string new_name = *names();
  const auto statements = [](const std::string& name) {
    return "COMMENT ON DATABASE " + quote_identifier(name) + " IS 'x';\nALTER DATABASE " +
           quote_identifier(name) + " SET a TO 'b';\n";
  };
  RC_ASSERT(with_database_name(statements(old_name), new_name) == statements(new_name));
}

RC_GTEST_PROP(WithDatabaseName, LeavesLiteralsAndOtherNames, ()) {
  const std::string other = *names();
  const std::string text = " IS " + quote_literal(other) + ";\nGRANT x ON DATABASE ";
  const std::string end = " TO " + quote_identifier(other) + ";";
  RC_ASSERT(with_database_name("COMMENT ON DATABASE shop" + text + "shop" + end, "n") ==
            "COMMENT ON DATABASE \"n\"" + text + "\"n\"" + end);
}

TEST(ParseCopy, TakesTheStatementApart) {
  const CopyTarget target = parse_copy("COPY s.t (c1, \"c)2\") FROM stdin;\n");
  EXPECT_EQ(target.relation, "s.t");
  EXPECT_EQ(target.columns, "c1, \"c)2\"");
  EXPECT_EQ(target.schema, "s");
  EXPECT_EQ(target.table, "t");
  EXPECT_EQ(target.names, (std::vector<std::string>{"c1", "c)2"}));
}

TEST(ParseCopy, TakesATableWithoutColumns) {
  const CopyTarget target = parse_copy("COPY public.no_columns  FROM stdin;\n");
  EXPECT_EQ(target.relation, "public.no_columns");
  EXPECT_EQ(target.columns, "");
}

RC_GTEST_PROP(ParseCopy, TakesAnyNames, ()) {
  const std::vector<std::string> words{*names(), *names(), *names(), *names()};
  const std::string relation = quote_identifier(words[0]) + "." + quote_identifier(words[1]);
  const std::string columns = quote_identifier(words[2]) + ", " + quote_identifier(words[3]);
  const CopyTarget target = parse_copy("COPY " + relation + " (" + columns + ") FROM stdin;\n");
  RC_ASSERT(target.relation == relation);
  RC_ASSERT(target.columns == columns);
  RC_ASSERT(target.schema == words[0]);
  RC_ASSERT(target.table == words[1]);
  RC_ASSERT(target.names == std::vector<std::string>(words.begin() + 2, words.end()));
}

TEST(ParseCopy, RefusesOtherTexts) {
  for (const char* text :
       {"", "COPY", "COPY t", "COPY t (a FROM stdin;", "COPY t (a) FROM stdin", "COPY t FROM 'x';",
        "COPY t FROM stdin; DROP TABLE t;", "COPY t FROM PROGRAM 'x';",
        "COPY (SELECT 1) TO stdout;", "INSERT INTO t VALUES (1);", "COPY a.b.c FROM stdin;",
        "COPY 'x' FROM stdin;"}) {
    EXPECT_THROW(parse_copy(text), Corrupt) << text;
  }
}

TEST(ParseSetval, TakesTheStatementApart) {
  const SequenceState state =
      parse_setval("SELECT pg_catalog.setval('public.\"a''seq\"', -42, false);\n");
  EXPECT_EQ(state.sequence, "public.\"a'seq\"");
  EXPECT_EQ(state.value, -42);
  EXPECT_FALSE(state.called);
  EXPECT_TRUE(parse_setval("SELECT pg_catalog.setval('s.q', 9223372036854775807, true);").called);
}

RC_GTEST_PROP(ParseSetval, TakesAnyNameAndValue, (std::int64_t value)) {
  const std::string name = quote_identifier(*names());
  const SequenceState state = parse_setval("SELECT pg_catalog.setval(" + quote_literal(name) +
                                           ", " + std::to_string(value) + ", true);\n");
  RC_ASSERT(state.sequence == name);
  RC_ASSERT(state.value == value);
}

TEST(ParseSetval, RefusesOtherTexts) {
  for (const char* text :
       {"", "SELECT 1;", "SELECT pg_catalog.setval('s', 1);", "SELECT setval('s', 1, true);",
        "SELECT pg_catalog.setval('s', 1, maybe);", "SELECT pg_catalog.setval('s', 1, true)",
        "SELECT pg_catalog.setval('s', 99999999999999999999, true);",
        "SELECT pg_catalog.setval('s', 1, true); DROP TABLE t;"}) {
    EXPECT_THROW(parse_setval(text), Corrupt) << text;
  }
}

}  // namespace
}  // namespace pgstow::pg
