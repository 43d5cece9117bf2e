#include "daemon/http_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "backup/config.h"
#include "base/error.h"

namespace pgstow {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Settings settings(const std::map<std::string, std::string>& variables) {
  return Settings::resolve(settings_table(), {.flags = {},
                                              .environment =
                                                  [&](const std::string& name) {
                                                    const auto found = variables.find(name);
                                                    return found == variables.end()
                                                               ? std::nullopt
                                                               : std::optional(found->second);
                                                  },
                                              .env_file_name = ".env",
                                              .env_file = {}});
}

HttpSettings read(const std::string& listen, const std::string& token = "") {
  return read_http_settings(
      settings({{"BACKUP_HTTP_LISTEN", listen}, {"BACKUP_HTTP_TOKEN", token}}));
}

std::string error(const std::string& listen, const std::string& token = "") {
  try {
    static_cast<void>(read(listen, token));
  } catch (const ConfigError& e) {
    return std::string(e.what()) + " | " + e.hint();
  }
  return "no error";
}

constexpr const char* kToken = "0123456789abcdef";

TEST(HttpConfig, ByDefaultOnlyThisHostIsServed) {
  const HttpSettings http = read_http_settings(settings({}));
  EXPECT_EQ(http.listen, (HttpAddress{.host = "127.0.0.1", .port = 9719}));
  EXPECT_EQ(http.token, "");
  EXPECT_FALSE(read("off").listen);
  EXPECT_FALSE(read("OFF").listen);
}

TEST(HttpConfig, AddressesAreReadAndShown) {
  for (const auto& [text, shown] :
       std::map<std::string, std::string>{{"127.0.0.1:80", "127.0.0.1:80"},
                                          {"localhost:9719", "127.0.0.1:9719"},
                                          {"[::1]:9719", "[::1]:9719"},
                                          {":9719", "[::]:9719"},
                                          {"*:9719", "[::]:9719"},
                                          {"0.0.0.0:9719", "0.0.0.0:9719"},
                                          {"[2001:db8::7]:65535", "[2001:db8::7]:65535"}}) {
    EXPECT_EQ(read(text, kToken).listen->text(), shown);
  }
  for (const char* text : {"9719", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536",
                           "127.0.0.1:-1", "::1:9719", "[::1]", "[127.0.0.1]:80", "1.2.3:80",
                           "example.org:80", "http://127.0.0.1:80", "on", "unix:/run/x"}) {
    EXPECT_THAT(error(text, kToken), HasSubstr("is not allowed (environment) | allowed is an IP"))
        << text;
  }
}

TEST(HttpConfig, OthersAreServedWithATokenOnly) {
  for (const char* open : {":9719", "0.0.0.0:9719", "192.0.2.7:9719", "[2001:db8::7]:9719"}) {
    EXPECT_THAT(error(open), HasSubstr("(environment) can be reached by others")) << open;
    EXPECT_EQ(read(open, kToken).token, kToken);
  }
  for (const char* own : {"127.0.0.1:9719", "127.9.9.9:9719", "[::1]:9719"}) {
    EXPECT_EQ(error(own), "no error") << own;
  }
}

TEST(HttpConfig, ATokenThatIsWeakOrCanNotBeSentIsRefusedAndNotShown) {
  EXPECT_THAT(error("off", "hunter2"), HasSubstr("BACKUP_HTTP_TOKEN (environment): shorter"));
  EXPECT_THAT(error("off", "hunter2"), Not(HasSubstr("hunter2")));
  EXPECT_THAT(error("off", "with a space in between"), HasSubstr("other characters"));
  EXPECT_THAT(error("off", "line\nbreak0123456789"), HasSubstr("other characters"));
}

TEST(HttpConfig, TheMetricsFileHasTheCollectorsEnding) {
  const auto file = [](const char* path) {
    return read_metrics_file(settings({{"BACKUP_METRICS_FILE", path}}));
  };
  EXPECT_EQ(read_metrics_file(settings({})), "");
  EXPECT_EQ(file("/var/lib/x/pgstow.prom"), "/var/lib/x/pgstow.prom");
  for (const char* path : {"/var/lib/x/pgstow", "pgstow.prom.tmp", "~/pgstow.prom", "/x/.prom"}) {
    EXPECT_THROW(file(path), ConfigError) << path;
  }
}

}  // namespace
}  // namespace pgstow
