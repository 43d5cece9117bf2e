// For tests of readers on a real server: what pg_dump makes of the same snapshot, and a database
// that others work in meanwhile.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <thread>

#include "base/error.h"
#include "harness/postgres.h"
#include "harness/program.h"
#include "pg/testing_dump.h"

namespace pgstow::pg::testing_dump {

inline Parameters parameters(const test::TestServer& server, const std::string& database,
                             const std::string& user = "postgres") {
  return {{"host", server.socket_dir()},
          {"port", std::to_string(server.port())},
          {"user", user},
          {"dbname", database}};
}

// What pg_dump makes alone, of the same snapshot.
inline std::string peer(const test::TestServer& server, const TestDump& test) {
  return test::run_ok(
      {.argv = {test::postgres_programs() / "pg_dump", "-Fc", "-Z0",
                "--snapshot=" + test.dump->locked.snapshot.id, "--encoding=" + test.plan.encoding,
                server.url(test.leader->database())}});
}

inline std::map<std::string, Proof> proofs_by_name(const ArchiveHeader& header,
                                                   const ArchiveProof& of) {
  std::map<std::string, Proof> by_name{{"large objects", of.large_objects}};
  for (const auto& [id, proof] : of.tables) by_name[name_of(*header.find(id))] = proof;
  return by_name;
}

inline std::map<std::string, Proof> proofs(const std::string& archive) {
  ProofTaker taker;
  fixtures::parse(archive, taker);
  return proofs_by_name(taker.header(), taker.finish());
}

inline std::set<std::string> read_by_us(const TestDump& test) {
  std::set<std::string> names;
  for (const BigTable& table : test.dump->locked.tables) names.insert(table.relation);
  return names;
}

// Runs statements in a session of its own, whenever they get their locks.
inline std::jthread later(const test::TestServer& server, const std::string& database,
                          const std::string& sql) {
  return std::jthread([&server, database, sql] { server.sql(database, sql); });
}

inline void await_waiter(const test::TestServer& server) {
  while (server.value("postgres", "select count(*) from pg_locks where not granted") == "0") {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

inline constexpr const char* kTables = R"(
  create table a (id int primary key, t text);
  insert into a select i, repeat('a' || i, 30) from generate_series(1, 3000) i;
  create table b (like a);
  insert into b select * from a;
  create table small (i int))";

class ReadersAmongOthers : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { shared_.emplace(); }
  static void TearDownTestSuite() { shared_.reset(); }
  ReadersAmongOthers() {
    server.sql("postgres", "drop database if exists shop");
    server.create_database("shop");
    server.sql("shop", kTables);
    server.sql("shop", "vacuum analyze");
  }
  // Readers that begin with a few slices, and do not read on before somebody takes what they have.
  static void slowly(DumpPlan& plan) { plan.buffer_bytes = 1 << 16; }
  // Also while the dump goes on: the place where the log is written stays.
  static std::string log_of(const TestDump& test) {
    std::string text(1 << 16, '\0');
    const ssize_t n = ::pread(::fileno(test.log_file.get()), text.data(), text.size(), 0);
    if (n < 0) throw_errno("the log");
    text.resize(static_cast<std::size_t>(n));
    return text;
  }

  static inline std::optional<test::TestServer> shared_ = std::nullopt;
  const test::TestServer& server = *shared_;
};

// Of all sizes around those that are cut, of three owners, one with holes.
inline constexpr const char* kObjects = R"(
  create role "O'Neill";
  select lo_from_bytea(n, substring(convert_to(repeat(md5(n::text), 40000), 'utf8') for n))
    from unnest(array[1, 2, 2047, 2048, 2049, 16383, 16384, 16385, 1048576, 1064960, 1064961]) n;
  select lo_create(3000000001), lo_put(lo_create(3000000002), 5000000, 'far');
  select lo_from_bytea(20000 + n, md5(n::text)::bytea) from generate_series(1, 2300) n;
  alter large object 2048 owner to "O'Neill";
  alter large object 20003 owner to "O'Neill";
  alter large object 20001 owner to pg_monitor)";

}  // namespace pgstow::pg::testing_dump
