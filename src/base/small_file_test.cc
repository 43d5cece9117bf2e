#include "base/small_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>

#include "base/error.h"
#include "harness/program.h"

namespace pgstow::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string refusal(const std::filesystem::path& path) {
  try {
    static_cast<void>(read_small_file(path, 10));
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "no error";
}

TEST(SmallFile, IsReadWhole) {
  const TempDir temp;
  write_file(temp / "a", "0123456789");
  EXPECT_EQ(read_small_file(temp / "a", 10), "0123456789");
  write_file(temp / "empty", "");
  EXPECT_EQ(read_small_file(temp / "empty", 10), "");
}

TEST(SmallFile, MayBeMissing) {
  const TempDir temp;
  write_file(temp / "file", "");
  EXPECT_EQ(read_small_file(temp / "none", 10), std::nullopt);
  EXPECT_EQ(read_small_file(temp / "file" / "below", 10), std::nullopt);
}

TEST(SmallFile, IsRefusedWithItsNameAndNeverItsContent) {
  const TempDir temp;
  write_file(temp / "long", "canary56789");
  EXPECT_THAT(refusal(temp / "long"),
              AllOf(HasSubstr("long: longer than 10 bytes"), Not(HasSubstr("canary"))));
  EXPECT_THAT(refusal(temp.path()), HasSubstr(temp.path().native()));
  EXPECT_THAT(refusal("/proc/self/mem"), HasSubstr("/proc/self/mem: "));
}

}  // namespace
}  // namespace pgstow::test
