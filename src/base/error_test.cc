#include "base/error.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace pgstow {
namespace {

TEST(Error, GathersWhereOnItsWayUpAndKeepsItsType) {
  try {
    try {
      throw NotFound("no such key", "look elsewhere");
    } catch (Error& e) {
      e.within("backup of shop").within("run 7");
      throw;
    }
  } catch (const NotFound& e) {
    EXPECT_STREQ(e.what(), "run 7: backup of shop: no such key");
    EXPECT_EQ(e.hint(), "look elsewhere");
    return;
  }
  FAIL();
}

TEST(Error, ExitCodesAreTheDocumentedOnes) {
  EXPECT_EQ(Error("x").exit_code(), 1);
  EXPECT_EQ(Transient("x").exit_code(), 1);
  EXPECT_EQ(ProcessFailed("x").exit_code(), 1);
  EXPECT_EQ(Exists("x").exit_code(), 1);
  EXPECT_EQ(ConfigError("x").exit_code(), 2);
  EXPECT_EQ(Corrupt("x").exit_code(), 4);
  EXPECT_EQ(NotFound("x").exit_code(), 10);
  EXPECT_EQ(Locked("x").exit_code(), 11);
}

TEST(ThrowErrno, SaysWhatAndWhy) {
  try {
    throw_errno("/backups", ENOSPC);
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(), "/backups: No space left on device");
    EXPECT_NE(e.hint().find("BACKUP_LOCAL_PATH"), std::string::npos);
  }
  for (const int code : {EDQUOT, EACCES, EPERM, EROFS}) {
    try {
      throw_errno("x", code);
    } catch (const Error& e) {
      EXPECT_FALSE(e.hint().empty()) << code;
    }
  }
  EXPECT_THROW(throw_errno("x", ENOENT), NotFound);
  EXPECT_THROW(throw_errno("x", EEXIST), Exists);
  errno = ENOENT;
  EXPECT_THROW(throw_errno("x"), NotFound);
}

}  // namespace
}  // namespace pgstow
