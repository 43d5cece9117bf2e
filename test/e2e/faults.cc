#include "e2e/faults.h"

#include <fmt/format.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <chrono>
#include <fstream>
#include <thread>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "harness/dump_text.h"

namespace pgstow::test {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::milliseconds kPoll{20};
constexpr std::chrono::seconds kPatience{60};

constexpr const char* kPreamble = R"(#!/bin/bash
REAL={real}
PLACE={place}
[ "$1" = --version ] && exec "$REAL" --version
pause() {{
  touch "$PLACE/paused"
  while [ -d "$PLACE" ] && [ ! -e "$PLACE/go" ]; do sleep 0.02; done
}}
set -o pipefail
)";

std::string word_of(const boost::json::value& value, std::string_view member) {
  return get_string(as_object(value, "backup"), member, "backup");
}

// The members "name" of the entries that `wanted` picks from the array "backups".
std::vector<std::string> names_in(const std::string& json,
                                  const std::function<bool(const boost::json::value&)>& wanted) {
  std::vector<std::string> names;
  const boost::json::object answer = parse_json_object(json, "answer");
  for (const boost::json::value& one : get_array(answer, "backups", "answer")) {
    if (wanted(one)) names.push_back(word_of(one, "name"));
  }
  return names;
}

}  // namespace

// No nextval(): after a crash a sequence may stand further on than it did (sequence.c,
// SEQ_LOG_VALS), and then an earlier backup would not be equal to the database.
const char* const kShop =
    "create table account(id int primary key, owner text, code text);"
    "insert into account select i, 'owner ' || i, md5(i::text) || md5((-i)::text) || "
    "md5((i * 7)::text) from generate_series(1, 12000) i;"
    "create table note(id int primary key, account int references account, body text);"
    "insert into note select i, 1 + i % 1000, repeat('note ', i % 7) "
    "from generate_series(1, 300) i;"
    "create sequence ticket; select setval('ticket', 41)";

const char* const kTwoParts =
    "create table blob(id int, body text);"
    "insert into blob select i, (select string_agg(md5(random()::text || i || j), '') "
    "from generate_series(1, 32) j) from generate_series(1, 10000) i";

std::string half_made(const TestServer& server) {
  return server.value("postgres", "select count(*) from pg_database where datname ~ 'restoring'");
}

FakeTool::FakeTool(const std::string& name, const std::string& script) {
  fs::permissions(folder_.path(), fs::perms(0755));
  fs::create_directory(folder_ / "bin");
  const fs::path file = folder_ / "bin" / name;
  write_file(file, fmt::format(fmt::runtime(kPreamble),
                               fmt::arg("real", (postgres_programs() / name).string()),
                               fmt::arg("place", folder_.path().string())) +
                       script + "\n");
  fs::permissions(file, fs::perms(0755));
  fs::create_symlink(postgres_programs() / "pg_dumpall", folder_ / "bin" / "pg_dumpall");
}

void FakeTool::await_pause(const Running& run) const {
  await("the tool's pause", [&] {
    if (run.ended()) throw Error("pgstow ended before its tool paused: " + run.err());
    return fs::exists(folder_ / "paused");
  });
}

void FakeTool::resume() const { write_file(folder_ / "go", ""); }

FakeTool pausing_dump() { return {"pg_dump", R"("$REAL" "$@" | { head -c 200000; pause; cat; })"}; }

void await(const std::string& what, const std::function<bool()>& done) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!done()) {
    if (std::chrono::steady_clock::now() > deadline) throw Error("waited in vain for " + what);
    std::this_thread::sleep_for(kPoll);
  }
}

std::vector<pid_t> processes_naming(const std::string& text) {
  std::vector<pid_t> found;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const auto pid = parse_int(entry.path().filename().string());
    if (!pid || *pid == ::getpid()) continue;
    std::ifstream file(entry.path() / "cmdline", std::ios::binary);  // it may be gone by now
    const std::string line{std::istreambuf_iterator<char>(file), {}};
    if (line.find(text) != std::string::npos) found.push_back(static_cast<pid_t>(*pid));
  }
  return found;
}

std::map<std::string, std::string> contents(const fs::path& folder) {
  std::map<std::string, std::string> files;
  if (!fs::exists(folder)) return files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with(".lock-") && fs::is_regular_file(entry.symlink_status())) {
      files[name] = read_file(entry.path());
    }
  }
  return files;
}

std::vector<std::string> parts(const Pgstow& pgstow) {
  std::vector<std::string> names;
  for (const auto& [name, bytes] : contents(pgstow.backups())) {
    if (name.starts_with('.')) names.push_back(name);
  }
  return names;
}

std::string archive_text(const fs::path& archive) {
  return comparable(
      run_ok({.argv = {"bash", "-c", "set -o pipefail; gunzip -c <\"$1\" | \"$2\" -f -", "bash",
                       archive, postgres_programs() / "pg_restore"}}));
}

std::vector<std::string> falsely_good(const Pgstow& pgstow, const std::string& expected) {
  const std::vector<std::string> listed =
      names_in(run_ok(pgstow.program({"list", "--json"})),
               [](const auto& one) { return word_of(one, "state") != "damaged"; });
  if (listed.empty()) return {};
  const std::vector<std::string> verified =
      names_in(pgstow.run({"verify", "--all", "--json"}).out,
               [](const auto& one) { return get_bool(as_object(one, "one"), "good", "one"); });
  std::vector<std::string> bad;
  for (const std::string& name : listed) {
    try {
      if (std::ranges::find(verified, name) == verified.end()) throw Error("verify: not good");
      const std::string wrong = first_difference(expected, archive_text(pgstow.backups() / name));
      if (!wrong.empty()) throw Error(wrong);
    } catch (const Error& e) {
      bad.push_back(name + ": " + e.what());
    }
  }
  return bad;
}

Unharmed::Unharmed(const TestServer& server, std::string database, const Pgstow& pgstow)
    : pgstow_(pgstow), text_(dump_text(server, database)) {
  run_ok(pgstow.program({"backup"}));
  before_ = contents(pgstow.backups());
}

std::string Unharmed::lost() const {
  std::string wrong;
  const auto now = contents(pgstow_.backups());
  for (const auto& [name, bytes] : before_) {
    const auto found = now.find(name);
    if (found == now.end() || found->second != bytes) wrong += "lost: " + name + "\n";
  }
  return wrong;
}

std::string Unharmed::after_fault() const {
  std::string wrong = lost();
  for (const std::string& bad : falsely_good(pgstow_, text_)) {
    wrong += "falsely good: " + bad + "\n";
  }
  return wrong;
}

std::string Unharmed::after_next_run() const {
  std::string wrong = lost();
  const std::size_t backups = pgstow_.archives().size();
  const Outcome next = pgstow_.run({"backup"});
  if (!next.ok()) wrong += "next run failed: " + next.describe() + "\n";
  if (pgstow_.archives().size() != backups + 1) wrong += "the next run made no backup\n";
  for (const std::string& part : parts(pgstow_)) wrong += "left behind: " + part + "\n";
  return wrong + after_fault();
}

Tally::~Tally() {
  std::string line = fmt::format("faults injected: {}", faults_);
  for (const std::string& name : names_) line += fmt::format(", {}: {}", name, counts_[name]);
  fmt::print("{}\n", line);
}

const std::string& Tally::add(const std::string& wrong) {
  ++faults_;
  for (const std::string& name : names_) {
    if (wrong.find(name) != std::string::npos) ++counts_[name];
  }
  return wrong;
}

}  // namespace pgstow::test
