#include "pg/conninfo.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libpq-fe.h>
#include <rapidcheck.h>

#include <memory>

#include "base/error.h"

namespace pgstow::pg {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

using Parameters = std::map<std::string, std::string>;

Lookup environment(Parameters variables) {
  return [variables = std::move(variables)](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
}

// Text and hint of the error.
std::string error_of(std::string_view url) {
  try {
    static_cast<void>(parse_url(url));
  } catch (const ConfigError& e) {
    return fmt::format("{} ({})", e.what(), e.hint());
  }
  return "no error";
}

std::string encoded(std::string_view text) {
  std::string out;
  for (const char c : text) out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  return out;
}

TEST(ParseUrl, TakesWhatLibpqTakes) {
  const Parameters full{{"user", "u"},
                        {"password", "p w"},
                        {"host", "h"},
                        {"port", "5433"},
                        {"dbname", "d"},
                        {"sslmode", "require"},
                        {"application_name", "x"}};
  EXPECT_EQ(parse_url("postgres://u:p%20w@h:5433/d?sslmode=require&application_name=x").parameters,
            full);
  EXPECT_EQ(
      parse_url(" postgresql://u:p%20w@h:5433/d?application_name=x&sslmode=require\n").parameters,
      full);
  EXPECT_EQ(parse_url("user=u password='p w' host=h port=5433 dbname=d sslmode=require "
                      "application_name=x")
                .parameters,
            full);
  EXPECT_EQ(parse_url("postgresql://").parameters, Parameters{});
  EXPECT_EQ(parse_url("postgresql://a,b:1/d").parameters.at("host"), "a,b");
  EXPECT_EQ(parse_url("postgresql://u@[::1]:5432/d").parameters.at("host"), "::1");
  EXPECT_EQ(parse_url("postgresql://%2Fvar%2Frun/d").parameters.at("host"), "/var/run");
  EXPECT_EQ(parse_url("postgresql:///d?host=/tmp").parameters.at("host"), "/tmp");
  EXPECT_EQ(parse_url("postgresql://u:a:b@h/d").parameters.at("password"), "a:b");
  EXPECT_EQ(parse_url("postgresql://u:a?b@h/d").parameters.at("password"), "a?b");
  EXPECT_EQ(parse_url("service=x").parameters, (Parameters{{"service", "x"}}));
  EXPECT_EQ(parse_url("options='-c a=postgres://x'").parameters.at("options"), "-c a=postgres://x");
}

TEST(ParseUrl, LeavesDriversOut) {
  for (const char* url : {"postgresql+psycopg2://u:p@h/d", "postgres+asyncpg://u:p@h/d",
                          "jdbc:postgresql://u:p@h/d", "PostgreSQL+Psycopg://u:p@h/d"}) {
    const ConnectionTarget target = parse_url(url);
    EXPECT_EQ(target.parameters, parse_url("postgresql://u:p@h/d").parameters) << url;
    EXPECT_THAT(target.warnings, ElementsAre(HasSubstr("ignored the driver"))) << url;
  }
  EXPECT_THAT(parse_url("postgresql://u:p@h/d").warnings, IsEmpty());
}

TEST(ParseUrl, LeavesParametersOfOrmsOutWithAWarningEach) {
  const ConnectionTarget target = parse_url(
      "postgresql://u@h/d?schema=public&connection_limit=5&sslmode=require&pgbouncer=true"
      "&statement_cache_size=0");
  EXPECT_EQ(target.parameters,
            (Parameters{{"user", "u"}, {"host", "h"}, {"dbname", "d"}, {"sslmode", "require"}}));
  EXPECT_THAT(target.warnings,
              ElementsAre("database URL: ignored schema=public: a backup holds the whole database",
                          "database URL: ignored connection_limit=5", HasSubstr("pgbouncer=true"),
                          HasSubstr("statement_cache_size=0")));
}

TEST(ParseUrl, KnowsTheSslWordsOfOthers) {
  const auto sslmode = [](const std::string& query) {
    return parse_url("postgresql://h/d?" + query).parameters.at("sslmode");
  };
  EXPECT_EQ(sslmode("ssl=true"), "require");
  EXPECT_EQ(sslmode("ssl=require"), "require");
  EXPECT_EQ(sslmode("ssl=verify-full"), "verify-full");
  EXPECT_EQ(sslmode("ssl=false"), "disable");
  EXPECT_EQ(sslmode("sslmode=no-verify"), "require");
}

TEST(ParseUrl, RefusesWithAHint) {
  EXPECT_THAT(error_of("mysql://u:secret@h/d"),
              AllOf(HasSubstr("mysql:// is no PostgreSQL"), Not(HasSubstr("secret"))));
  EXPECT_THAT(error_of("postgres://u:se@cret@h/d"), HasSubstr("%40"));
  EXPECT_THAT(error_of("postgres://u:se/cret@h/d"), HasSubstr("%2F"));
  EXPECT_THAT(error_of("postgres://u:se%cret@h/d"), HasSubstr("%25"));
  EXPECT_THAT(error_of("postgres://u:se%00cret@h/d"), HasSubstr("%25"));
  EXPECT_THAT(error_of("postgres://u:secret/d"),
              AllOf(HasSubstr("no @ before the host"), Not(HasSubstr("secret"))));
  EXPECT_THAT(error_of("postgres://h:70000/d"), HasSubstr("65535"));
  EXPECT_THAT(error_of("postgres://h/d?sslmod=require"),
              AllOf(HasSubstr("no parameter sslmod"), HasSubstr("did you mean sslmode?")));
  EXPECT_THAT(error_of("postgres://h/d?sslmode=require&sslpassword=x"), HasSubstr("0600"));
  EXPECT_THAT(error_of("password=se cret host=h"),
              AllOf(HasSubstr("single quotes"), Not(HasSubstr("cret "))));
  EXPECT_THAT(error_of(""), HasSubstr("can't read it"));
  EXPECT_THAT(error_of(std::string_view("host=h\0 x", 9)), HasSubstr("can't read it"));
}

TEST(ParseUrl, AnyPasswordSurvivesEncoding) {
  EXPECT_TRUE(rc::check("password", [](const std::string& user, const std::string& password) {
    RC_PRE(user.find('\0') == std::string::npos && password.find('\0') == std::string::npos);
    const auto target =
        parse_url(fmt::format("postgresql://u{}:x{}@h/d", encoded(user), encoded(password)));
    RC_ASSERT(target.parameters.at("user") == "u" + user);
    RC_ASSERT(target.parameters.at("password") == "x" + password);
  }));
}

// A password full of characters that mean something in URLs, unescaped: whatever becomes of it,
// none of its words is shown.
TEST(ParseUrl, NothingShowsAnyPartOfThePassword) {
  EXPECT_TRUE(rc::check("no leak", [] {
    const auto mess =
        rc::gen::container<std::string>(rc::gen::elementOf(std::string("@/:?#%&=[] '\\+,41")));
    const std::string password = *mess + "Hunter" + *mess + "Zwei" + *mess;
    const std::string form = *rc::gen::elementOf(std::vector<std::string>{
        "postgresql://u:{}@h:5432/d?schema=public", "postgres://u:{}@h",
        "postgresql+x://u:{}@h/d?sslmode=require", "postgresql://h/d?user=u&password={}",
        "host=h password={} user=u"});
    const std::string url = fmt::format(fmt::runtime(form), password);
    std::string shown = mask_url(url);
    try {
      for (const std::string& warning : parse_url(url).warnings) shown += warning;
    } catch (const ConfigError& e) {
      shown += e.what() + e.hint();
    }
    RC_LOG() << url << "\n" << shown << "\n";
    RC_ASSERT(shown.find("Hunter") == std::string::npos);
    RC_ASSERT(shown.find("Zwei") == std::string::npos);
  }));
}

TEST(ImageVariables, FillInWhatIsMissing) {
  const ImageVariables image{"app", "secret", "shop", "db", "5433"};
  ConnectionTarget target;
  apply_image_variables(target, image, environment({}));
  EXPECT_EQ(target.parameters, (Parameters{{"user", "app"},
                                           {"password", "secret"},
                                           {"dbname", "shop"},
                                           {"host", "db"},
                                           {"port", "5433"}}));
  ConnectionTarget no_database;
  apply_image_variables(no_database, {"app", "", "", "", ""}, environment({}));
  EXPECT_EQ(no_database.parameters, (Parameters{{"user", "app"}, {"dbname", "app"}}));
}

TEST(ImageVariables, ComeAfterLibpqsOwn) {
  const ImageVariables image{"app", "secret", "shop", "db", "5433"};
  const auto filled = [&](const Parameters& variables) {
    ConnectionTarget target;
    apply_image_variables(target, image, environment(variables));
    return target.parameters;
  };
  EXPECT_EQ(filled({{"PGUSER", "u"},
                    {"PGPASSWORD", "p"},
                    {"PGDATABASE", "d"},
                    {"PGHOST", "h"},
                    {"PGPORT", "1"}}),
            Parameters{});
  EXPECT_EQ(filled({{"PGHOST", ""}}).at("host"), "db");
  EXPECT_FALSE(filled({{"PGHOSTADDR", "127.0.0.1"}}).contains("host"));
  EXPECT_FALSE(filled({{"PGPASSFILE", "/f"}}).contains("password"));
  EXPECT_FALSE(filled({{"PGUSER", "postgres"}}).contains("password"));
  EXPECT_EQ(filled({{"PGUSER", "app"}}).at("password"), "secret");
  EXPECT_EQ(filled({{"PGSERVICE", "s"}}), Parameters{});
}

TEST(ImageVariables, ComeAfterTheUrlPartByPart) {
  const ImageVariables image{"app", "secret", "shop", "db", "5433"};
  const auto filled = [&](std::string_view url) {
    ConnectionTarget target = parse_url(url);
    apply_image_variables(target, image, environment({}));
    return target.parameters;
  };
  EXPECT_EQ(
      filled("postgres://h"),
      (Parameters{{"host", "h"}, {"user", "app"}, {"password", "secret"}, {"dbname", "shop"}}));
  EXPECT_EQ(filled("postgres:///other").at("dbname"), "other");
  EXPECT_EQ(filled("postgres://app@h/d").at("password"), "secret");
  EXPECT_FALSE(filled("postgres://admin@h/d").contains("password"));
  EXPECT_FALSE(filled("postgres://h/d?passfile=/f").contains("password"));
  EXPECT_EQ(filled("service=s"), (Parameters{{"service", "s"}}));
}

// libpq itself reads it back.
TEST(ToConninfo, HoldsEverythingButSecrets) {
  EXPECT_EQ(to_conninfo({{"host", "h"}, {"password", "p"}, {"sslpassword", "q"}, {"user", "u"}}),
            "host='h' user='u'");
  EXPECT_TRUE(rc::check("read back", [](const std::string& host, const std::string& database) {
    RC_PRE(host.find('\0') == std::string::npos && database.find('\0') == std::string::npos);
    const Parameters parameters{{"host", host}, {"dbname", database}};
    const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> options(
        PQconninfoParse(to_conninfo(parameters).c_str(), nullptr), PQconninfoFree);
    RC_ASSERT(options != nullptr);
    for (const PQconninfoOption* o = options.get(); o->keyword != nullptr; ++o) {
      const auto wanted = parameters.find(o->keyword);
      RC_ASSERT((o->val != nullptr) == (wanted != parameters.end()));
      if (o->val != nullptr) RC_ASSERT(std::string(o->val) == wanted->second);
    }
  }));
}

TEST(MaskUrl, HidesPasswordsOnly) {
  EXPECT_EQ(mask_url("postgres://u:secret@h:1/d?sslmode=require"),
            "postgres://u:********@h:1/d?sslmode=require");
  EXPECT_EQ(mask_url("postgres://u@h:1,g:2/d"), "postgres://u@h:1,g:2/d");
  EXPECT_EQ(mask_word("backup_2026"), "backup_2026");
  EXPECT_EQ(mask_word("--ulr=postgresql://u:secret@h/d"), "--ulr=postgresql://u:********@h/d");
  EXPECT_EQ(mask_word("--postgresql://u:secret@h/d"), "--postgresql://u:********@h/d");
  EXPECT_EQ(mask_word("jdbc:postgresql://h/d?password=secret"),
            "jdbc:postgresql://h/d?password=********");
  EXPECT_EQ(mask_word("host=h PASSWORD = 'sec ret' user=u"), "host=h PASSWORD=********");
  EXPECT_EQ(mask_word("postgresql://u:sec ret"), "postgresql://********");
  EXPECT_EQ(mask_word("://secret"), "********");
  EXPECT_EQ(mask_url("postgres://[::1]:5432/d"), "postgres://[::1]:5432/d");
  EXPECT_EQ(mask_url("postgresql+psycopg2://u:s:t@h"), "postgresql+psycopg2://u:********@h");
  EXPECT_EQ(mask_url("postgres:///d?user=u&passfile=/f&password=secret&port=1"),
            "postgres:///d?user=u&passfile=/f&password=********");
  EXPECT_EQ(mask_url("host=h password='a b' dbname='x y'"),
            "password=******** dbname='x y' host=h");
  EXPECT_EQ(mask_url("postgres://u:secret/d"), "postgres://********");
  EXPECT_EQ(mask_url("postgres://u:se@cret@h/d"), "postgres://********");
  EXPECT_EQ(mask_url("password=se cret"), "********");
}

TEST(LibpqVariables, AreThoseOfLibpq) {
  EXPECT_THAT(libpq_variables(),
              AllOf(Contains("PGHOST"), Contains("PGPASSFILE"), Contains("PGSERVICE"),
                    Contains("PGSERVICEFILE"), Contains("PGSSLROOTCERT"), Not(Contains("PGDATA"))));
}

}  // namespace
}  // namespace pgstow::pg
