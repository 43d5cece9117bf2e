// The system calls that make an object, seen from outside: their order, and what is left when any
// of them fails or is the last one before SIGKILL. This program runs itself under strace(1) for it.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "harness/program.h"
#include "harness/store_contract.h"
#include "store/local.h"

namespace pgstow::test {
namespace {

namespace fs = std::filesystem;
using Keys = std::vector<std::string>;

const std::string kOld = noise(1'000, 1);
const std::string kNew = noise(300'000, 2);

// The traced part. Alone, without our environment variable, these are ordinary cases.
void write_in_pieces(Existing existing) {
  std::optional<TempDir> temp;  // not made when traced: whoever is killed can't remove it
  const char* given = std::getenv("PGSTOW_TEST_FOLDER");
  LocalStore store(given != nullptr ? fs::path(given) : temp.emplace().path());
  const auto sink = store.create("shop", existing);
  for (std::size_t at = 0; at < kNew.size(); at += 100'000) {
    sink->write(std::string_view(kNew).substr(at, 100'000));
  }
  sink->finish();
}

TEST(LocalTraced, WritesNew) { write_in_pieces(Existing::kRefuse); }
TEST(LocalTraced, Replaces) { write_in_pieces(Existing::kReplace); }

const char* case_of(Existing existing) {
  return existing == Existing::kRefuse ? "LocalTraced.WritesNew" : "LocalTraced.Replaces";
}

// One call of the traced part, as strace tells it; `number` counts the calls of that name in the
// whole program, which is how strace is told where to inject.
struct Site {
  std::string call;
  int number = 0;
  std::string line;

  bool has(std::string_view word) const { return line.find(word) != std::string::npos; }
  std::string inject(std::string_view what) const {
    return call + ":" + std::string(what) + ":when=" + std::to_string(number);
  }
};

// A store in a fresh folder, written to by this program under strace.
class Traced {
 public:
  explicit Traced(Existing existing) : existing_(existing) {
    put(store_, "earlier", kOld);
    if (existing == Existing::kReplace) put(store_, "shop", kOld);
  }

  // `injections` as strace's --inject.
  Outcome write(const std::vector<std::string>& injections) {
    Program program{.argv = {"strace", "-y", "-o", trace_.native(), "-e",
                             "trace=openat,write,fchmod,flock,newfstatat,fcntl,fsync,rename,"
                             "renameat,renameat2,linkat,unlinkat,close"}};
    for (const std::string& injection : injections) {
      program.argv.insert(program.argv.end(), {"-e", "inject=" + injection});
    }
    program.argv.push_back(fs::read_symlink("/proc/self/exe").native());
    program.argv.push_back(std::string("--gtest_filter=") + case_of(existing_));
    program.env = {"PGSTOW_TEST_FOLDER=" + folder_.native(), "ASAN_OPTIONS=detect_leaks=0"};
    return run(program);
  }

  // The calls on the store's folder and files, in order.
  std::vector<Site> sites() const {
    std::vector<Site> ours;
    std::map<std::string, int> counts;
    std::istringstream all(read_file(trace_));
    for (std::string line; std::getline(all, line);) {
      const std::string call = line.substr(0, line.find('('));
      const Site site{.call = call, .number = ++counts[call], .line = line};
      if (site.has(folder_.native())) ours.push_back(site);
    }
    return ours;
  }
  bool injected() const { return read_file(trace_).find("(INJECTED)") != std::string::npos; }

  std::size_t files() const {
    const fs::directory_iterator all(folder_);
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
  }
  LocalStore& store() { return store_; }

  // What must hold whatever happened to the writer: nothing half-made, and the next run works.
  void expect_sound(bool succeeded) {
    EXPECT_EQ(read_object(store_, "earlier"), kOld);
    const bool listed = !store_.list("shop").empty();
    const std::string bytes = listed ? read_object(store_, "shop") : "";
    const bool old = existing_ == Existing::kReplace && bytes == kOld;
    const bool none = existing_ == Existing::kRefuse && !listed;
    EXPECT_TRUE(bytes == kNew || (!succeeded && (old || none)));
    store_.clear_leftovers();
    EXPECT_EQ(files(), listed ? 2U : 1U) << "leftovers";
    put(store_, "shop", kNew, Existing::kReplace);
    EXPECT_TRUE(read_object(store_, "shop") == kNew);
  }

 private:
  const Existing existing_;
  const TempDir temp_;
  const fs::path folder_ = temp_.path() / "backups";
  const fs::path trace_ = temp_.path() / "trace";
  LocalStore store_{folder_};
};

// The calls of an undisturbed run.
std::vector<Site> rehearse(Existing existing) {
  Traced traced(existing);
  const Outcome outcome = traced.write({});
  if (!outcome.ok()) throw Error("rehearsal: " + outcome.describe());
  return traced.sites();
}

// The place of the first site that has all these words, or -1.
int first(const std::vector<Site>& sites, const std::vector<std::string_view>& words) {
  const auto found = std::ranges::find_if(sites, [&](const Site& site) {
    return std::ranges::all_of(words, [&](std::string_view word) { return site.has(word); });
  });
  return found == sites.end() ? -1 : static_cast<int>(found - sites.begin());
}

int last(std::vector<Site> sites, const std::vector<std::string_view>& words) {
  std::ranges::reverse(sites);
  const int from_the_end = first(sites, words);
  return from_the_end < 0 ? -1 : static_cast<int>(sites.size()) - 1 - from_the_end;
}

class LocalTrace : public ::testing::TestWithParam<Existing> {};

TEST_P(LocalTrace, WritesThenSyncsThenRenamesThenSyncsTheFolder) {
  const std::vector<Site> sites = rehearse(GetParam());
  const int written = last(sites, {"write(", ".part>"});
  const int synced = first(sites, {"fsync(", ".part>"});
  const int renamed = first(sites, {"rename", ".part", "\"shop\""});
  const int folder_synced = first(sites, {"fsync(", "backups>"});
  EXPECT_GE(written, 0);
  EXPECT_LT(written, synced);
  EXPECT_LT(synced, renamed);
  EXPECT_LT(renamed, folder_synced);
  const bool refuses = GetParam() == Existing::kRefuse;
  EXPECT_EQ(first(sites, {"rename", "RENAME_NOREPLACE"}) >= 0, refuses);
}

TEST_P(LocalTrace, KilledAtAnyCallLeavesNothingHalfMade) {
  const std::vector<Site> sites = rehearse(GetParam());
  EXPECT_GE(sites.size(), 15U);
  for (const Site& site : sites) {
    SCOPED_TRACE(site.line);
    Traced traced(GetParam());
    const Outcome outcome = traced.write({site.inject("signal=KILL")});
    EXPECT_EQ(outcome.signal, SIGKILL) << outcome.describe();
    // Only what dies after the last promise was kept has kept it.
    traced.expect_sound(&site - sites.data() > last(sites, {"fsync("}));
  }
}

// How a call may fail; nothing for a call whose failure changes nothing.
std::vector<std::string_view> errors_of(const Site& site) {
  if (site.call == "openat") return {"error=EMFILE", "error=ENOSPC", "error=EIO"};
  if (site.call == "write") return {"error=ENOSPC", "error=EDQUOT", "error=EIO"};
  if (site.call == "fsync") return {"error=EIO", "error=ENOSPC"};
  if (site.call.starts_with("rename")) return {"error=EIO", "error=ENOSPC"};
  if (site.call == "flock") return {"error=ENOLCK"};
  if (site.call == "fcntl") return {"error=EMFILE"};
  if (site.call == "close" && site.has(".part>")) return {"error=EIO"};
  return {};
}

TEST_P(LocalTrace, AnyCallThatFailsFailsTheRunAndLeavesNothing) {
  const std::vector<Site> sites = rehearse(GetParam());
  int faults = 0;
  for (const Site& site : sites) {
    for (const std::string_view error : errors_of(site)) {
      SCOPED_TRACE(site.inject(error));
      Traced traced(GetParam());
      const Outcome outcome = traced.write({site.inject(error)});
      EXPECT_TRUE(traced.injected());
      EXPECT_EQ(outcome.exit_code, 1) << outcome.describe();
      EXPECT_EQ(traced.files(), GetParam() == Existing::kRefuse ? 1U : 2U);
      traced.expect_sound(false);
      ++faults;
    }
  }
  EXPECT_GE(faults, 20);
}

TEST_P(LocalTrace, InterruptedCallsGoOn) {
  for (const Site& site : rehearse(GetParam())) {
    if (site.call != "write" && site.call != "flock") continue;
    SCOPED_TRACE(site.line);
    Traced traced(GetParam());
    const Outcome outcome = traced.write({site.inject("error=EINTR")});
    EXPECT_TRUE(traced.injected());
    EXPECT_TRUE(outcome.ok()) << outcome.describe();
    traced.expect_sound(true);
  }
}

INSTANTIATE_TEST_SUITE_P(Both, LocalTrace,
                         ::testing::Values(Existing::kRefuse, Existing::kReplace));

// File systems without RENAME_NOREPLACE, and those without hard links, too.
class LocalFallback : public ::testing::TestWithParam<std::vector<std::string>> {};

TEST_P(LocalFallback, MakesNewObjects) {
  Traced traced(Existing::kRefuse);
  const Outcome outcome = traced.write(GetParam());
  EXPECT_TRUE(traced.injected());
  EXPECT_TRUE(outcome.ok()) << outcome.describe();
  EXPECT_EQ(traced.files(), 2U);
  traced.expect_sound(true);
}

TEST_P(LocalFallback, RefusesWhatCameMeanwhile) {
  // The check at create() is made blind, as if the object came later.
  const std::vector<Site> sites = rehearse(Existing::kRefuse);
  const int check = first(sites, {"newfstatat(", "\"shop\""});
  ASSERT_GE(check, 0);
  std::vector<std::string> injections = GetParam();
  injections.push_back(sites[static_cast<std::size_t>(check)].inject("error=ENOENT"));
  Traced traced(Existing::kRefuse);
  put(traced.store(), "shop", kOld);
  const Outcome outcome = traced.write(injections);
  EXPECT_FALSE(outcome.ok());
  EXPECT_NE(outcome.out.find("File exists"), std::string::npos) << outcome.describe();
  EXPECT_GE(first(traced.sites(), {"renameat2", "INJECTED"}), 0);
  EXPECT_EQ(read_object(traced.store(), "shop"), kOld);
  EXPECT_EQ(traced.files(), 2U);
}

INSTANTIATE_TEST_SUITE_P(All, LocalFallback,
                         ::testing::Values(std::vector<std::string>{"renameat2:error=EINVAL"},
                                           std::vector<std::string>{"renameat2:error=ENOSYS"},
                                           std::vector<std::string>{"renameat2:error=EINVAL",
                                                                    "linkat:error=EPERM"},
                                           std::vector<std::string>{"renameat2:error=EINVAL",
                                                                    "linkat:error=EOPNOTSUPP"}));

}  // namespace
}  // namespace pgstow::test
