// Large objects read by readers, against what pg_dump alone makes of the same snapshot.
#include "pg/large_objects.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>

#include "base/error.h"
#include "pg/testing_readers.h"
#include "pg/waiters.h"

namespace pgstow::pg {
namespace {

using namespace testing_dump;
using ::testing::Contains;
using ::testing::HasSubstr;

class ReadersOfObjects : public ReadersAmongOthers {
 protected:
  ReadersOfObjects() {
    server.sql("shop", "drop role if exists \"O'Neill\"");
    server.sql("shop", kObjects);
  }
  ~ReadersOfObjects() override {
    server.sql("postgres", "drop database shop");
    server.sql("postgres", "drop role \"O'Neill\"");
  }
};

TEST_F(ReadersOfObjects, MakeTheArchiveThatPgDumpMakes) {
  TestDump test(parameters(server, "shop"));
  test.begin();
  EXPECT_EQ(test.dump->objects.oids.size(), 2313U);
  const std::string expected = peer(server, test);
  EXPECT_EQ(difference(expected, test.finish()), "");
  EXPECT_EQ(proofs(expected), proofs_by_name(test.header, test.proof));
}

TEST_F(ReadersOfObjects, SeeTheirSnapshotWhateverOthersDo) {
  TestDump test(parameters(server, "shop"), slowly);
  test.begin();
  const std::string expected = peer(server, test);
  server.sql("shop", "select lo_unlink(20005), lo_put(20006, 0, 'other'), lo_create(5)");
  server.sql("shop", "alter large object 20007 owner to pg_monitor");
  server.sql("shop", "vacuum pg_largeobject, pg_largeobject_metadata");
  EXPECT_EQ(difference(expected, test.finish()), "");
}

TEST_F(ReadersOfObjects, LeaveToPgDumpWhatHasMoreThanContents) {
  for (const char* more :
       {"comment on large object 2049 is 'x'", "grant select on large object 20001 to public"}) {
    SCOPED_TRACE(more);
    server.sql("shop", more);
    TestDump test(parameters(server, "shop"));
    test.begin();
    EXPECT_TRUE(test.dump->objects.oids.empty());
    const std::string expected = peer(server, test);
    EXPECT_EQ(difference(expected, test.finish()), "");
    server.sql("shop", "comment on large object 2049 is null");
  }
}

// A role that owns them, and nothing else.
TEST_F(ReadersOfObjects, NeedNoSuperuser) {
  server.sql("postgres", "alter role \"O'Neill\" login");
  server.sql("shop",
             "do $$ begin execute (select string_agg(format('alter large object %s owner to "
             "\"O''Neill\"', oid), ';') from pg_largeobject_metadata); end $$");
  server.sql("shop", "grant select on all tables in schema public to \"O'Neill\"");
  TestDump test(parameters(server, "shop", "O'Neill"));
  test.begin();
  EXPECT_EQ(test.dump->objects.oids.size(), 2313U);
  const std::string expected = peer(server, test);
  EXPECT_EQ(difference(expected, test.finish()), "");
}

// VACUUM FULL, or REINDEX: whoever comes first is not waited for by one while another waits for us.
TEST_F(ReadersOfObjects, LetWhoHasThemToHimselfGoFirst) {
  for (const char* catalogue : {"pg_largeobject", "pg_largeobject_metadata"}) {
    SCOPED_TRACE(catalogue);
    Connection other = Connection::open(parameters(server, "shop"), {});
    other.query("begin");
    other.query(std::string("lock table ") + catalogue + " in access exclusive mode");
    TestDump test(parameters(server, "shop"));
    std::jthread commit([&](const std::stop_token& stop) {
      const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
      while (log_of(test).find("beginning again") == std::string::npos && !stop.stop_requested() &&
             std::chrono::steady_clock::now() < deadline) {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
      }
      other.query("commit");
    });
    test.begin();
    EXPECT_THAT(log_of(test), HasSubstr("beginning again"));
    EXPECT_EQ(test.dump->objects.oids.size(), 2313U);
    const std::string expected = peer(server, test);
    EXPECT_EQ(difference(expected, test.finish()), "");
  }
}

// Who has them for long costs the tables nothing.
TEST_F(ReadersOfObjects, AreDoneWithoutWhereSomebodyKeepsThemToHimself) {
  Connection other = Connection::open(parameters(server, "shop"), {});
  other.query("begin");
  other.query("lock table pg_largeobject in share mode");
  TestDump test(parameters(server, "shop"));
  test.begin();
  EXPECT_TRUE(test.dump->objects.oids.empty());
  EXPECT_THAT(read_by_us(test), Contains(R"("public"."a")"));
  other.query("commit");
  const std::string expected = peer(server, test);
  EXPECT_EQ(difference(expected, test.finish()), "");
}

TEST_F(ReadersOfObjects, HaveTheirLocksBeforeAnybodyElseQueues) {
  for (const char* change :
       {"reindex table pg_largeobject", "vacuum full pg_largeobject",
        "reindex table pg_largeobject_metadata", "vacuum full pg_largeobject_metadata"}) {
    SCOPED_TRACE(change);
    std::jthread changing;  // ends after the dump, whatever becomes of it
    TestDump test(parameters(server, "shop"), [](DumpPlan& plan) {
      slowly(plan);
      plan.stall_timeout = std::chrono::seconds(20);
    });
    test.begin();
    const std::string expected = peer(server, test);
    changing = later(server, "shop", change);
    await_waiter(server);
    EXPECT_THAT(waiters(*test.leader, test.dump->holders), ::testing::SizeIs(1));
    EXPECT_EQ(difference(expected, test.finish()), "");
  }
}

TEST_F(ReadersOfObjects, FewOfThemArePgDumps) {
  TestDump test(parameters(server, "shop"), [](DumpPlan& plan) {
    plan.objects_from = 2314;
    plan.bytes_in_all = std::uint64_t{1} << 30;
  });
  test.begin();
  EXPECT_TRUE(test.dump->objects.oids.empty());
}

TEST_F(ReadersOfObjects, FailWithASessionThatIsLost) {
  TestDump test(parameters(server, "shop"), slowly);
  test.begin();
  ASSERT_EQ(server.kill_backends("pgstow reader"), 3);
  EXPECT_THROW(static_cast<void>(test.finish()), Transient);
}

}  // namespace
}  // namespace pgstow::pg
