#include "daemon/notify_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/notify_on.h"
#include "daemon/testing_notify.h"

namespace pgstow::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Kind = Event::Kind;

Message told(const Event& event) { return Wording(Zone::load("Europe/Berlin")).message(event); }

TEST(Wording, OfAGoodBackup) {
  Event event = good_event();
  event.next_run = noon() + std::chrono::hours(24);
  EXPECT_EQ(told(event).title, "Backup of shop on db1 is good");
  EXPECT_EQ(told(event).text,
            "Backup of shop on db1 is good\n"
            "backup_20261122_120000.dump.gz: 1.74 MB, 23,560 rows, in 4.1 s\n"
            "In: local, s3\n"
            "Time: 2026-11-22 13:00:00 +01:00\n"
            "Next run: 2026-11-23 13:00:00 +01:00");
}

TEST(Wording, OfAFailure) {
  EXPECT_EQ(told(failed_event()).text,
            "Backup of shop on db1 FAILED\n"
            "Why: pg_dump: exit status 1: server closed the connection\n"
            "What to do: look at the server's log\n"
            "Time: 2026-11-22 13:00:00 +01:00\n"
            "Last good backup: 2026-11-21 04:00:00 +01:00 (33 h 0 min ago)");
  Event first = failed_event();
  first.last_good.reset();
  EXPECT_THAT(told(first).text, HasSubstr("Last good backup: none that is known"));
}

TEST(Wording, OfAnIncompleteOne) {
  Event event = good_event(Kind::kIncomplete);
  for (int i = 1; i <= 7; ++i) event.warnings.push_back("warning " + std::to_string(i));
  EXPECT_THAT(told(event).text,
              AllOf(HasSubstr("INCOMPLETE"), HasSubstr("- warning 5\n- and 2 more\n"),
                    Not(HasSubstr("warning 6")), HasSubstr("Last good backup")));
}

TEST(Wording, OfTheOthers) {
  EXPECT_EQ(told(event_of(Kind::kStale)).title, "NO GOOD BACKUP of shop on db1 for 33 h 0 min");
  EXPECT_EQ(told(event_of(Kind::kStarted)).title, "Backup of shop on db1 has started");
  EXPECT_EQ(told(good_event(Kind::kRecovered)).title, "Backup of shop on db1 is good again");
  EXPECT_THAT(told(event_of(Kind::kTest)).title, HasSubstr("Test"));
}

// What is long is cut, so that the lines below it are told, too; nothing obeys the terminal.
TEST(Wording, OfHostileNamesAndEndlessErrors) {
  Event event = failed_event();
  event.database = "a\r\nBcc: x\x1b[2J\xff\xc2\x85" + std::string(10'000, 'x');
  event.error = std::string(100'000, 'e');
  const Message message = told(event);
  EXPECT_THAT(message.title, HasSubstr("a\\x0d\\nBcc: x\\x1b[2J\\xff\\u0085xxx"));
  EXPECT_LT(message.text.size(), 3000U);
  EXPECT_THAT(message.text, HasSubstr("Last good backup"));
  for (const char c : message.text) EXPECT_TRUE(static_cast<unsigned char>(c) >= ' ' || c == '\n');
}

TEST(Wording, OfTheUsersOwn) {
  const Wording own(Zone::load("UTC"), "{event} {database}@{host}: {error}{hint}\\n{log}");
  EXPECT_EQ(own.message(failed_event()).text,
            "failed shop@db1: pg_dump: exit status 1: server closed the connectionlook at the "
            "server's log\nline one\nline two\n");
  EXPECT_EQ(Wording(Zone::load("UTC"), "{text}").message(failed_event()).text,
            Wording(Zone::load("UTC")).message(failed_event()).text);
  const Wording all(Zone::load("UTC"),
                    "{time}|{backup}|{size}|{raw_size}|{rows}|{stores}|{warnings}|{duration}|"
                    "{exit_code}|{last_good}|{next_run}|{run_id}");
  EXPECT_EQ(all.message(good_event()).text,
            "2026-11-22 12:00:00 +00:00|backup_20261122_120000.dump.gz|1.74 MB|5.54 MB|23,560|"
            "local, s3||4.1 s|0|2026-11-21 03:00:00 +00:00|none|" +
                std::string(kRunId));
  EXPECT_THROW(Wording(Zone::load("UTC"), "{databse}"), ConfigError);
}

TEST(NotifyOn, SaysWhatPeopleHear) {
  const NotifyOn both = parse_notify_on("failure, Recovery");
  for (const Kind kind : {Kind::kIncomplete, Kind::kFailed, Kind::kStale}) {
    EXPECT_TRUE(both.wants(kind, false));
    EXPECT_FALSE(parse_notify_on("recovery").wants(kind, true));
  }
  EXPECT_TRUE(both.wants(Kind::kRecovered, true));
  EXPECT_TRUE(both.wants(Kind::kGood, true));
  EXPECT_FALSE(both.wants(Kind::kGood, false));
  EXPECT_FALSE(both.wants(Kind::kStarted, true));
  EXPECT_FALSE(parse_notify_on("failure").wants(Kind::kGood, true));
  EXPECT_FALSE(parse_notify_on("failure").wants(Kind::kRecovered, true));
  NotifyOn always = parse_notify_on("always");
  EXPECT_TRUE(always.wants(Kind::kGood, false));
  EXPECT_TRUE(always.wants(Kind::kFailed, false));
  EXPECT_FALSE(always.wants(Kind::kStarted, false));  // no end of a job
  always.started = true;
  EXPECT_TRUE(always.wants(Kind::kStarted, false));
  EXPECT_TRUE(parse_notify_on("recovery").wants(Kind::kTest, false));
  EXPECT_THAT(thrown_by([] { parse_notify_on("failures"); }),
              AllOf(HasSubstr("\"failures\""), HasSubstr("always, failure")));
  EXPECT_THROW(parse_notify_on(""), ConfigError);
}

}  // namespace
}  // namespace pgstow::test
