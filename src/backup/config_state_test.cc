#include "backup/config_state.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <map>
#include <optional>

#include "base/error.h"

namespace pgstow {
namespace {

// The variables that count, put back at the end.
class StateFolderTest : public ::testing::Test {
 protected:
  StateFolderTest() {
    for (const char* name : kNames) {
      if (const char* value = std::getenv(name)) saved_[name] = value;
      ::unsetenv(name);
    }
  }
  ~StateFolderTest() override {
    for (const char* name : kNames) ::unsetenv(name);
    for (const auto& [name, value] : saved_) ::setenv(name.c_str(), value.c_str(), 1);
  }

  static StoreSettings local(const char* name, const char* folder) {
    return {.name = name, .folder = folder};
  }
  static StoreSettings s3() {
    StoreSettings store{.name = "s3"};
    store.s3.emplace();
    return store;
  }

  Config config_;

 private:
  static constexpr std::array kNames{"STATE_DIRECTORY", "XDG_STATE_HOME", "HOME"};
  std::map<std::string, std::string> saved_;
};

TEST_F(StateFolderTest, LiesInTheFirstLocalStore) {
  ::setenv("HOME", "/home/ann", 1);
  config_.stores = {s3(), local("local", "./backups"), local("local:usb", "/mnt/usb")};
  EXPECT_EQ(state_folder(config_), "./backups/.pgstow");
  EXPECT_EQ(notes_folder(config_), "./backups");
  EXPECT_EQ(service_log_path(config_), "./backups/.pgstow/service.log");
}

TEST_F(StateFolderTest, WithoutOneItIsWhereProgramsKeepTheirState) {
  config_.stores = {s3()};
  EXPECT_EQ(state_folder(config_), "");
  EXPECT_THROW(service_log_path(config_), ConfigError);
  ::setenv("HOME", "/home/ann", 1);
  EXPECT_EQ(state_folder(config_), "/home/ann/.local/state/pgstow");
  ::setenv("XDG_STATE_HOME", "not/absolute", 1);
  EXPECT_EQ(state_folder(config_), "/home/ann/.local/state/pgstow");
  ::setenv("XDG_STATE_HOME", "/state", 1);
  EXPECT_EQ(state_folder(config_), "/state/pgstow");
  ::setenv("STATE_DIRECTORY", "/var/lib/pgstow:/var/lib/other", 1);
  EXPECT_EQ(state_folder(config_), "/var/lib/pgstow");
  EXPECT_EQ(notes_folder(config_), "/var/lib/pgstow");
}

TEST_F(StateFolderTest, WhatIsSetWins) {
  ::setenv("STATE_DIRECTORY", "/var/lib/pgstow", 1);
  config_.stores = {local("local", "./backups")};
  config_.state_path = "/srv/state";
  EXPECT_EQ(state_folder(config_), "/srv/state");
  EXPECT_EQ(notes_folder(config_), "./backups");
  EXPECT_EQ(service_log_path(config_), "/srv/state/service.log");
  config_.log_file.path = "/var/log/pgstow.log";
  EXPECT_EQ(service_log_path(config_), "/var/log/pgstow.log");
}

}  // namespace
}  // namespace pgstow
