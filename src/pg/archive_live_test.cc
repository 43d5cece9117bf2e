// Archives of a rich database, made by the installed pg_dump, against what the server itself holds.
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "harness/dump_text.h"
#include "harness/postgres.h"
#include "harness/program.h"
#include "pg/archive.h"
#include "pg/archive_fixtures.h"
#include "pg/archive_proof.h"
#include "pg/archive_writer.h"
#include "pg/block_inflater.h"
#include "pg/sql_text.h"

namespace pgstow::pg {
namespace {

using namespace fixtures;

class LiveArchive : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    server_.emplace();
    server_->create_database("rich");
    server_->script("rich", test::test_sql("rich.sql"));
  }
  static void TearDownTestSuite() { server_.reset(); }

  static std::string program(const char* name) { return test::postgres_programs() / name; }

  static std::string dump(const std::string& compression) {
    return test::run_ok(
        {.argv = {program("pg_dump"), "-Fc", "-Z" + compression, server_->url("rich")}});
  }

  // The session that pg_dump reads in, so that values are written as it writes them.
  static std::string psql(const std::string& sql) {
    std::vector<std::string> env = server_->environment();
    env.emplace_back(
        "PGOPTIONS=-c datestyle=ISO -c intervalstyle=postgres -c extra_float_digits=3"
        " -c search_path= -c row_security=off");
    return test::run_ok({.argv = {program("psql"), "-XAtq", "-d", "rich", "-c", sql}, .env = env});
  }

  static std::optional<test::TestServer> server_;
};

std::optional<test::TestServer> LiveArchive::server_;

struct Taken {
  ArchiveHeader header;
  ArchiveProof proof;
  std::string rewritten;
};

Taken take(const std::string& archive) {
  StringSink sink;
  ArchiveWriter writer(sink);
  ProofTaker taker(&writer);
  BlockInflater inflater(taker);
  parse(archive, inflater, 10'007);
  return {taker.header(), taker.finish(), sink.text};
}

// The proof of lines of text, without RowHasher.
Proof line_by_line(std::string_view text) {
  Proof proof;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    proof.digest += digest_of(text.substr(at, end - at));
    ++proof.rows;
    at = end + 1;
  }
  proof.bytes = text.size();
  return proof;
}

TEST_F(LiveArchive, ProvesWhatTheServerHolds) {
  const Taken taken = take(dump("0"));
  EXPECT_TRUE(taken.proof.complete);
  std::uint64_t rows = 0;
  for (const auto& [id, proof] : taken.proof.tables) {
    const TocEntry& entry = *taken.header.find(id);
    const CopyTarget target = parse_copy(*entry.copy);
    const std::string columns = target.columns.empty() ? "" : "(" + target.columns + ")";
    // Of a partition loaded through its root the statement names the root: the name is used.
    const std::string table =
        quote_identifier(*entry.schema) + "." + quote_identifier(entry.tag) + " " + columns;
    EXPECT_EQ(proof, line_by_line(psql("COPY " + table + " TO STDOUT"))) << entry.tag;
    rows += proof.rows;
  }
  EXPECT_GT(taken.proof.tables.size(), 30U);
  EXPECT_GT(rows, 1000U);
}

TEST_F(LiveArchive, ProvesTheLargeObjectsOfTheServer) {
  Proof expected;
  for (const test::Row& row : server_->sql(
           "rich", "SELECT oid, encode(lo_get(oid), 'hex') FROM pg_largeobject_metadata")) {
    std::string bytes;
    for (std::uint32_t oid = static_cast<std::uint32_t>(std::stoul(row[0])), i = 0; i < 4; ++i) {
      bytes += static_cast<char>(oid >> (8 * i) & 0xff);
    }
    for (std::size_t at = 0; at < row[1].size(); at += 2) {
      bytes += static_cast<char>(std::stoi(row[1].substr(at, 2), nullptr, 16));
    }
    expected += Proof{1, bytes.size() - 4, digest_of(bytes)};
  }
  EXPECT_GT(expected.rows, 5U);
  EXPECT_EQ(take(dump("0")).proof.large_objects, expected);
}

TEST_F(LiveArchive, HasOneProofWhetherCompressedInsideOrNot) {
  const Taken plain = take(dump("0"));
  const Taken packed = take(dump("6"));
  EXPECT_TRUE(packed.proof.complete);
  EXPECT_EQ(packed.proof.tables, plain.proof.tables);
  EXPECT_EQ(packed.proof.large_objects, plain.proof.large_objects);
  EXPECT_EQ(packed.proof.tables, take(packed.rewritten).proof.tables);
}

TEST_F(LiveArchive, KeepsEveryFieldOfItsHeader) {
  const std::string archive = dump("0");
  const std::string header = encode_header(take(archive).header);
  EXPECT_EQ(archive.substr(0, header.size()), header);
  EXPECT_GT(header.size(), 20'000U);
}

TEST_F(LiveArchive, RestoresTheSameDatabaseAfterTheWriter) {
  for (const char* compression : {"0", "6"}) {
    const std::string name = std::string("copy_") + compression;
    server_->create_database(name);
    const test::Outcome restore =
        test::run({.argv = {program("pg_restore"), "--exit-on-error", "-d", server_->url(name)},
                   .input = take(dump(compression)).rewritten});
    ASSERT_TRUE(restore.ok()) << restore.describe();
    EXPECT_EQ(
        test::first_difference(test::dump_text(*server_, "rich"), test::dump_text(*server_, name)),
        "");
  }
}

// Every statement that we look into, as this pg_dump writes it, in a database with a hostile name.
TEST_F(LiveArchive, HasItsDatabaseRenamedInEveryStatement) {
  const std::string name = "sh\"op DATABASE x; '";
  const std::string quoted = quote_identifier(name);
  server_->sql("postgres", "CREATE ROLE database");
  server_->sql("postgres", "CREATE DATABASE " + quoted + " CONNECTION LIMIT 7 OWNER database");
  for (const std::string& statement :
       {"COMMENT ON DATABASE " + quoted + " IS 'ON DATABASE x; \\'",
        "ALTER DATABASE " + quoted + " SET work_mem = '5MB'",
        "ALTER ROLE database IN DATABASE " + quoted + " SET application_name = 'a; \\b'",
        "GRANT CONNECT ON DATABASE " + quoted + " TO database WITH GRANT OPTION",
        "REVOKE TEMPORARY ON DATABASE " + quoted + " FROM PUBLIC",
        "ALTER DATABASE " + quoted + " IS_TEMPLATE true"}) {
    server_->sql("postgres", statement);
  }
  const std::string archive =
      test::run_ok({.argv = {program("pg_dump"), "-Fc", "-d", "dbname=" + quote_conninfo(name)},
                    .env = server_->environment()});
  int statements = 0;
  for (const TocEntry& entry : take(archive).header.toc) {
    const bool about = entry.desc.starts_with("DATABASE") || entry.tag.starts_with("DATABASE ");
    if (!about || !entry.defn) continue;
    for (const std::string& statement :
         split_statements(with_database_name(*entry.defn, "new \"name"))) {
      SCOPED_TRACE(statement);
      EXPECT_NE(statement.find("DATABASE \"new \"\"name\""), std::string::npos);
      EXPECT_EQ(statement.find("sh\"\"op"), std::string::npos);
      server_->sql("postgres", statement);
      ++statements;
    }
    if (entry.desc == "DATABASE") {  // as pg_restore does; privileges are granted by the owner
      server_->sql("postgres", R"(ALTER DATABASE "new ""name" OWNER TO database)");
    }
  }
  EXPECT_GE(statements, 8);
  const auto state = [&](const std::string& database) {
    return server_->value("postgres",
                          "SELECT concat_ws('|', datconnlimit, datistemplate,"
                          " shobj_description(oid, 'pg_database'), (SELECT array_agg(acl::text"
                          " ORDER BY acl::text) FROM unnest(datacl) acl)) FROM pg_database"
                          " WHERE datname = " +
                              quote_literal(database));
  };
  EXPECT_EQ(state("new \"name"), state(name));
}

}  // namespace
}  // namespace pgstow::pg
