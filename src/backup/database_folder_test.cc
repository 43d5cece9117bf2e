#include "backup/database_folder.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "store/folder.h"

namespace pgstow {
namespace {

TEST(DatabaseFolder, IsAPlainNameThatTellsTheDatabase) {
  EXPECT_EQ(folder_of_database("shop"), "shop");
  EXPECT_EQ(folder_of_database("Shop_2.0-x"), "Shop_2.0-x");
  EXPECT_EQ(folder_of_database(".."), "%2E.");
  EXPECT_EQ(folder_of_database("../a b"), "%2E.%2Fa%20b");
  EXPECT_EQ(folder_of_database("ü%2F"), "%C3%BC%252F");
}

TEST(DatabaseFolder, OtherFoldersAreNoDatabases) {
  for (const char* folder : {"", ".pgstow", "..", "a b", "%2f", "%2", "%", "%41", "lost+found"}) {
    EXPECT_FALSE(database_of_folder(folder)) << folder;
  }
}

RC_GTEST_PROP(DatabaseFolderProp, RoundTrips, (std::string name)) {
  RC_PRE(!name.empty());
  const std::string folder = folder_of_database(name);
  RC_ASSERT(is_plain_name(folder));
  RC_ASSERT(database_of_folder(folder) == name);
}

}  // namespace
}  // namespace pgstow
