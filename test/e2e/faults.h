// What the fault tests share: tools that misbehave on command, and the questions that are asked
// after every fault. Was anything lost, is anything listed that is no good, does the next run work?
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "e2e/pgstow.h"

namespace pgstow::test {

// pg_dump or pg_restore, replaced by a bash script in a folder of its own for BACKUP_PG_BIN. The
// script has "$@" and $REAL, the true program; `pause` in it waits for resume(). It answers
// --version as the true one does, and ends a pause by itself when this object is gone.
class FakeTool {
 public:
  FakeTool(const std::string& name, const std::string& script);

  // "BACKUP_PG_BIN=...", for Pgstow::with().
  std::string setting() const { return "BACKUP_PG_BIN=" + (folder_ / "bin").string(); }
  // Waits until the script pauses; throws Error with what `run` said if it ended before.
  void await_pause(const Running& run) const;
  void resume() const;

 private:
  TempDir folder_{"pgstow-fake-"};
};

// pg_dump that pauses after 200 kB of its archive; its backend is in the middle of a COPY then, if
// the table is larger than what sockets and pipes hold.
FakeTool pausing_dump();

// Waits, a minute at most, until done() is true; throws Error naming `what` if it never is.
void await(const std::string& what, const std::function<bool()>& done);

// Processes whose arguments contain the text; never ourselves.
std::vector<pid_t> processes_naming(const std::string& text);

// Name -> bytes of all regular files there, but for locks, which hold nothing that matters.
std::map<std::string, std::string> contents(const std::filesystem::path& folder);

// Hidden parts of objects that are, or were, being written.
std::vector<std::string> parts(const Pgstow& pgstow);

// The archive as comparable text (dump_text.h), made by gunzip and pg_restore alone. Throws Error
// when they can't read it.
std::string archive_text(const std::filesystem::path& archive);

// Archives that `list` shows as anything but damaged though `verify` finds fault with them, or
// though they do not hold `expected` (a dump_text()). There must never be one.
std::vector<std::string> falsely_good(const Pgstow& pgstow, const std::string& expected);

// The backup folder of a database with one good backup, before and after faults.
class Unharmed {
 public:
  // Makes the backup that must survive. Throws Error if that fails.
  Unharmed(const TestServer& server, std::string database, const Pgstow& pgstow);

  const std::string& text() const { return text_; }
  // Nothing falsely good is listed, and every file from before is there, byte for byte. Empty when
  // that is so, otherwise what is wrong.
  std::string after_fault() const;
  // The same, and a plain run works, makes one more good backup and leaves no part behind.
  std::string after_next_run() const;

 private:
  std::string lost() const;

  const Pgstow& pgstow_;
  std::string text_;
  std::map<std::string, std::string> before_;
};

// Counts faults and what came of them, and prints the sums when it goes, also out of a test that
// failed. Each name is one sum.
class Tally {
 public:
  explicit Tally(std::vector<std::string> names) : names_(std::move(names)) {}
  Tally(const Tally&) = delete;
  Tally& operator=(const Tally&) = delete;
  ~Tally();

  // One fault, with what was found wrong after it, empty if nothing: each name that stands in the
  // text is counted. Returns the text.
  const std::string& add(const std::string& wrong);
  int faults() const { return faults_; }

 private:
  std::vector<std::string> names_;
  std::map<std::string, int> counts_;
  int faults_ = 0;
};

// Statements that make a table `account` of 1.3 MB, more than what pipes and sockets hold, a small
// `note` and a sequence `ticket`.
extern const char* const kShop;

// Statements that make a table `blob` whose archive, 6 MB, hardly packs: two parts in a bucket.
extern const char* const kTwoParts;

// How many databases of restores that are not at their end are there.
std::string half_made(const TestServer& server);

}  // namespace pgstow::test
