// Every call of a small story fails once: nothing half-made is ever listed, and the next run works.
#include "harness/fault_store.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"
#include "harness/program.h"
#include "harness/store_contract.h"
#include "store/local.h"

namespace pgstow::test {
namespace {

const std::string kOld = noise(1'000, 1);
const std::string kNew = noise(300'000, 2);

// As a run does: clears up, writes in pieces, reads back.
void store_and_read_back(Store& store, Existing existing) {
  store.clear_leftovers();
  {
    const auto sink = store.create("shop", existing);
    for (std::size_t at = 0; at < kNew.size(); at += 100'000) {
      sink->write(std::string_view(kNew).substr(at, 100'000));
    }
    sink->finish();
  }
  if (store.list("shop").size() != 1) throw Corrupt("shop is not listed");
  if (read_object(store, "shop") != kNew) throw Corrupt("shop is another");
  store.remove("obsolete");
}

std::size_t files_in(const std::filesystem::path& folder) {
  const std::filesystem::directory_iterator all(folder);
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

// The story with its n-th call failing, in a fresh folder; false when it had no n-th call.
bool survives_fault(int n, Moment moment, Existing existing) {
  SCOPED_TRACE("call " + std::to_string(n));
  const TempDir temp;
  LocalStore real(temp.path());
  put(real, "obsolete", "x");
  if (existing == Existing::kReplace) put(real, "shop", kOld);
  FaultStore faulty(real, n, moment);
  try {
    store_and_read_back(faulty, existing);
    EXPECT_FALSE(faulty.failed());
  } catch (const Error& e) {
    EXPECT_TRUE(std::string_view(e.what()).starts_with("fault: ")) << e.what();
    EXPECT_TRUE(faulty.failed());
  }

  const std::vector<Object> objects = real.list();
  EXPECT_EQ(files_in(temp.path()), objects.size()) << "hidden files are left";
  for (const Object& object : objects) {
    if (object.key != "shop") continue;
    const std::string bytes = read_object(real, "shop");
    EXPECT_TRUE(bytes == kNew || (existing == Existing::kReplace && bytes == kOld));
  }
  store_and_read_back(real, Existing::kReplace);
  return faulty.failed();
}

int sweep(Moment moment, Existing existing) {
  int n = 1;
  while (survives_fault(n, moment, existing)) ++n;
  return n - 1;
}

// clear, create, 3 writes, finish, list, open, at least 3 reads and the end, remove.
constexpr int kLeastCalls = 13;

TEST(FaultStore, EveryCallOfANewObject) {
  EXPECT_GE(sweep(Moment::kBefore, Existing::kRefuse), kLeastCalls);
  EXPECT_GE(sweep(Moment::kAfter, Existing::kRefuse), kLeastCalls);
}

TEST(FaultStore, EveryCallOfAReplacedObject) {
  EXPECT_GE(sweep(Moment::kBefore, Existing::kReplace), kLeastCalls);
  EXPECT_GE(sweep(Moment::kAfter, Existing::kReplace), kLeastCalls);
}

TEST(FaultStore, BeforeDoesNothingAndAfterDoesAll) {
  const TempDir temp;
  LocalStore real(temp.path());
  put(real, "shop", "x");
  FaultStore before(real, 1, Moment::kBefore);
  EXPECT_THROW(before.remove("shop"), Error);
  EXPECT_EQ(keys(real), std::vector<std::string>{"shop"});
  EXPECT_EQ(keys(before), std::vector<std::string>{"shop"});
  EXPECT_EQ(before.calls(), 2);
  FaultStore after(real, 1, Moment::kAfter);
  EXPECT_THROW(after.remove("shop"), Error);
  EXPECT_EQ(keys(real), std::vector<std::string>{});
}

}  // namespace
}  // namespace pgstow::test
