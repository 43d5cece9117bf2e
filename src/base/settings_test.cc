#include "base/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <array>
#include <filesystem>
#include <fstream>

#include "base/error.h"

namespace pgstow {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::array kTable{
    Setting{"APP_PATH", "path", "./here", "where"},
    Setting{"APP_PASSWORD", "", "", "secret", Setting::Kind::kSecret},
    Setting{"APP_USER", "", "", "user", Setting::Kind::kFile},
    Setting{"APP_URL", "url", "", "url", Setting::Kind::kUrl},
};

Lookup variables(std::map<std::string, std::string> values) {
  return [values = std::move(values)](const std::string& name) -> std::optional<std::string> {
    const auto found = values.find(name);
    return found == values.end() ? std::nullopt : std::optional(found->second);
  };
}

class SettingsTest : public ::testing::Test {
 protected:
  SettingsTest() {
    std::string name = "/tmp/settings_test.XXXXXX";
    folder_ = ::mkdtemp(name.data());
  }
  ~SettingsTest() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string& name, std::string_view text) const {
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return folder_ / name;
  }

  Settings resolve() const { return Settings::resolve(kTable, layers_); }
  std::string error() const {
    try {
      static_cast<void>(resolve());
    } catch (const ConfigError& e) {
      return e.what();
    }
    return "no error";
  }

  std::filesystem::path folder_;
  SettingLayers layers_{
      .flags = {}, .environment = variables({}), .env_file_name = ".env", .env_file = {}};
};

TEST_F(SettingsTest, EachLayerWinsOverTheNext) {
  EXPECT_EQ(resolve().text("APP_PATH"), "./here");
  EXPECT_EQ(resolve().origin("APP_PATH"), "default");
  layers_.env_file = {{"APP_PATH", "file", 12}};
  EXPECT_EQ(resolve().text("APP_PATH"), "file");
  EXPECT_EQ(resolve().origin("APP_PATH"), ".env:12");
  layers_.environment = variables({{"APP_PATH", "environment"}});
  EXPECT_EQ(resolve().text("APP_PATH"), "environment");
  EXPECT_EQ(resolve().origin("APP_PATH"), "environment");
  layers_.flags["path"] = "flag";
  EXPECT_EQ(resolve().text("APP_PATH"), "flag");
  EXPECT_EQ(resolve().origin("APP_PATH"), "flag --path");
}

TEST_F(SettingsTest, AnEmptyVariableIsNotSetButAnEmptyFlagIsASlip) {
  layers_.environment = variables({{"APP_PATH", ""}});
  layers_.env_file = {{"APP_PATH", "", 1}};
  EXPECT_EQ(resolve().origin("APP_PATH"), "default");
  EXPECT_FALSE(resolve().find("APP_PASSWORD"));
  layers_.flags["path"] = "";
  EXPECT_EQ(error(), "flag --path: an empty value");
}

TEST_F(SettingsTest, ASecretMayComeFromAFile) {
  const std::string path = write("password", "s3cret\n\n");
  layers_.environment = variables({{"APP_PASSWORD_FILE", path}});
  EXPECT_EQ(resolve().text("APP_PASSWORD"), "s3cret\n");  // one newline is the editor's
  EXPECT_EQ(resolve().origin("APP_PASSWORD"), "file " + path + " (APP_PASSWORD_FILE, environment)");
  write("password", "s3cret\r\n");
  EXPECT_EQ(resolve().text("APP_PASSWORD"), "s3cret");
  write("password", "no newline");
  EXPECT_EQ(resolve().text("APP_PASSWORD"), "no newline");
}

TEST_F(SettingsTest, AFileInAHigherLayerWinsOverAValueInALower) {
  layers_.environment = variables({{"APP_USER_FILE", write("user", "outer")}});
  layers_.env_file = {{"APP_USER", "inner", 1}};
  EXPECT_EQ(resolve().text("APP_USER"), "outer");
  layers_.environment = variables({{"APP_USER", "outer"}});
  layers_.env_file = {{"APP_USER_FILE", "/nowhere", 1}};
  EXPECT_EQ(resolve().text("APP_USER"), "outer");
}

TEST_F(SettingsTest, BothInOneLayerIsAnError) {
  layers_.env_file = {{"APP_USER", "a", 3}, {"APP_USER_FILE", "/f", 5}};
  EXPECT_EQ(error(), "both APP_USER (.env:3) and APP_USER_FILE (.env:5) are set");
}

TEST_F(SettingsTest, OnlySomeSettingsHaveFiles) {
  layers_.environment = variables({{"APP_PATH_FILE", "/nowhere"}});
  EXPECT_EQ(resolve().text("APP_PATH"), "./here");
}

TEST_F(SettingsTest, AnUnusableFileIsNamed) {
  const auto error_with = [&](const std::string& path) {
    layers_.environment = variables({{"APP_PASSWORD_FILE", path}});
    return error();
  };
  EXPECT_EQ(error_with("/no/such"), "APP_PASSWORD_FILE: /no/such: No such file or directory");
  EXPECT_THAT(error_with(folder_), HasSubstr("Is a directory"));
  EXPECT_THAT(error_with(write("empty", "\n")), HasSubstr("is empty"));
  EXPECT_THAT(error_with("/dev/zero"), HasSubstr("longer than 64 KiB"));
  EXPECT_THAT(error_with(write("nul", std::string_view("a\0b", 3))), HasSubstr("NUL"));
}

TEST(UnknownSettings, AreNamedWithTheNearest) {
  EXPECT_THAT(unknown_settings(kTable,
                               {{"APP_PAHT", ".env:3"},
                                {"APP_PATH", "environment"},
                                {"APP_PASSWORD_FILE", "environment"},
                                {"APP_PATH_FILE", "environment"},
                                {"HOME", "environment"},
                                {"APP_QUITE_OTHER", "environment"}},
                               "APP_"),
              ElementsAre(".env:3: APP_PAHT is not known: did you mean APP_PATH?",
                          HasSubstr("APP_PATH_FILE is not known"),
                          "environment: APP_QUITE_OTHER is not known"));
}

}  // namespace
}  // namespace pgstow
