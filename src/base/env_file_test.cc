#include "base/env_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "base/error.h"

namespace pgstow {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Lookup outer(std::map<std::string, std::string> variables) {
  return [variables = std::move(variables)](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
}

EnvFile parse(std::string_view text) {
  return parse_env(text, ".env", outer({{"HOME", "/root"}, {"EMPTY", ""}, {"A1", "outside"}}));
}

std::string error_of(std::string_view text) {
  try {
    static_cast<void>(parse(text));
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "no error";
}

struct Case {
  std::string_view text;
  std::string_view value;  // of X
};

class EnvValue : public ::testing::TestWithParam<Case> {};

TEST_P(EnvValue, IsReadAsComposeReadsIt) {
  const EnvFile file = parse(GetParam().text);
  const EnvEntry* x = file.find("X");
  ASSERT_NE(x, nullptr);
  EXPECT_EQ(x->value, GetParam().value);
}

INSTANTIATE_TEST_SUITE_P(
    Plain, EnvValue,
    ::testing::Values(Case{"X=1", "1"}, Case{"X=1\n", "1"}, Case{"X=1\r\n", "1"},
                      Case{"\xEF\xBB\xBFX=1", "1"}, Case{"  X = a b  ", "a b"}, Case{"X=", ""},
                      Case{"X= ", ""}, Case{"X=\r\nY=2", ""}, Case{"export X=1", "1"},
                      Case{"export\tX=1", "1"}, Case{"export=2\nX=1", "1"}, Case{"X=a=b", "a=b"},
                      Case{"# X=2\nX=1", "1"}, Case{"X=a # c", "a"}, Case{"X=a\t# c", "a"},
                      Case{"X=a# c", "a# c"}, Case{"X=#a", "#a"}, Case{"X= # c", ""},
                      Case{"X=a\\nb", "a\\nb"}, Case{"X=it's", "it's"}, Case{"X=a\"b\"", "a\"b\""},
                      Case{"X=0 3 * * *", "0 3 * * *"}, Case{"X=1\nX=2", "2"},
                      Case{"exported=1\nX=1", "1"}, Case{"X: a b", "a b"}, Case{"X:1", "1"},
                      Case{"X : 'a b' # c", "a b"}, Case{"export X: 1", "1"}, Case{"X=a:b", "a:b"},
                      Case{"X:a=b", "a=b"}, Case{"HOME\nX=1", "1"}, Case{"X=1\nX\r\n", "1"},
                      Case{"X=1\nexport HOME", "1"}));

INSTANTIATE_TEST_SUITE_P(SingleQuoted, EnvValue,
                         ::testing::Values(Case{"X='a b'", "a b"}, Case{"X=''", ""},
                                           Case{"X='$HOME ${HOME} $$'", "$HOME ${HOME} $$"},
                                           Case{"X='a\\nb'", "a\\nb"},
                                           Case{"X='a # b' # c", "a # b"}, Case{"X='a\nb'", "a\nb"},
                                           Case{"X='a\r\nb'\r\n", "a\nb"},
                                           Case{"X='say \"hi\"'", "say \"hi\""},
                                           Case{"X='Let\\'s go'", "Let's go"},
                                           Case{"X='C:\\\\x'", "C:\\\\x"}, Case{"X=' a '", " a "}));

INSTANTIATE_TEST_SUITE_P(DoubleQuoted, EnvValue,
                         ::testing::Values(Case{"X=\"a b\"", "a b"}, Case{"X=\"\"", ""},
                                           Case{R"(X="\n\r\t\\\"\$HOME")", "\n\r\t\\\"$HOME"},
                                           Case{R"(X="\d")", "\\d"}, Case{R"(X="a\\")", "a\\"},
                                           Case{"X=\"a\nb\"", "a\nb"},
                                           Case{"X=\"$HOME/b\" # c", "/root/b"},
                                           Case{"X=\"it's\"", "it's"},
                                           Case{"X=\"$$HOME\"", "$HOME"}));

INSTANTIATE_TEST_SUITE_P(
    Variables, EnvValue,
    ::testing::Values(Case{"X=$HOME/b", "/root/b"}, Case{"X=${HOME}b", "/rootb"},
                      Case{"X=$NONE", ""}, Case{"X=pa$$word", "pa$word"}, Case{"X=5$", "5$"},
                      Case{"X=$5", "$5"}, Case{"X=$ a", "$ a"}, Case{"X=${NONE:-d}", "d"},
                      Case{"X=${EMPTY:-d}", "d"}, Case{"X=${EMPTY-d}", ""},
                      Case{"X=${NONE-d}", "d"}, Case{"X=${HOME:-d}", "/root"},
                      Case{"X=${HOME:+y}", "y"}, Case{"X=${EMPTY:+y}", ""},
                      Case{"X=${EMPTY+y}", "y"}, Case{"X=${NONE+y}", ""},
                      Case{"X=${HOME:?m}", "/root"}, Case{"X=${EMPTY?m}", ""},
                      Case{"X=${NONE:-${ALSO:-deep}}", "deep"}, Case{"X=${NONE:-$HOME}}", "/root}"},
                      Case{"X=${HOME:-${NONE:?unused}}", "/root"}, Case{"B=1\nX=$B$B", "11"},
                      Case{"A1=inside\nX=$A1", "outside"}, Case{"B=$$HOME\nX=$B", "$HOME"}));

TEST(EnvFile, ErrorsNameTheLineAndNoValue) {
  EXPECT_EQ(error_of("A=1\nsecret text"), ".env:2: no = in this line");
  EXPECT_EQ(error_of("A=1\n\nse cret=1"), ".env:3: what stands before = is not a variable's name");
  EXPECT_EQ(error_of("A=1\nB='x\ny\n"), ".env:2: the ' is never closed");
  EXPECT_EQ(error_of("B=\"x\\\""), ".env:1: the \" is never closed");
  EXPECT_EQ(error_of("B='x'secret"), ".env:1: text after the closing quote");
  EXPECT_EQ(error_of("B=${"), ".env:1: ${ without a variable's name");
  EXPECT_EQ(error_of("B=${HOME"), ".env:1: ${HOME is not closed by }");
  EXPECT_EQ(error_of("B=${NONE:-x"), ".env:1: ${NONE is not closed by }");
  EXPECT_EQ(error_of("A='\n\n'\nB=${NONE:?set it in the vault}"),
            ".env:4: NONE: set it in the vault");
  EXPECT_EQ(error_of("B=${EMPTY:?}"), ".env:1: EMPTY: is not set");
  EXPECT_EQ(error_of(std::string_view("B=a\0b", 5)), ".env:1: B: a NUL byte in its value");
}

TEST(EnvFile, RefusesValuesThatGrowWithoutEnd) {
  std::string bomb = "A=xxxxxxxxxx\n";
  for (char c = 'A'; c < 'Z'; ++c) {
    for (const char* part : {"", "=", "$", "$", "$", "$"}) {
      bomb += part;
      if (*part != '=') bomb += *part == '$' ? c : static_cast<char>(c + 1);
    }
    bomb += '\n';
  }
  EXPECT_THAT(error_of(bomb), HasSubstr("longer than 1 MiB"));
  std::string deep = "A=";
  for (int i = 0; i < 1000; ++i) deep += "${NONE:-";
  EXPECT_THAT(error_of(deep), HasSubstr("nested too deeply"));
}

TEST(EnvFile, WarnsOfWhatIsLikelyASlip) {
  EXPECT_THAT(parse("X=1\nX=2").warnings,
              ElementsAre(".env:2: X is set in line 1 already: this line wins"));
  EXPECT_THAT(parse("X=pa$word").warnings,
              ElementsAre(".env:1: $word is not set: taken as empty; $$ is a plain $"));
  EXPECT_THAT(parse("X=${HOME:-$word}").warnings, IsEmpty());
  EXPECT_THAT(parse("HOME").warnings, IsEmpty());
  EXPECT_THAT(parse("X=1\n\nSECRET").warnings,
              ElementsAre(".env:3: a name without a value, which the environment does not have "
                          "either: line ignored"));
  const EnvFile foreign = parse("spring.url=1\nX=2");
  EXPECT_THAT(foreign.warnings,
              ElementsAre(".env:1: spring.url is no variable's name: line ignored"));
  EXPECT_THAT(foreign.entries, ElementsAre(EnvEntry{"X", "2", 2}));
}

TEST(EnvFile, KnowsTheLineOfEachEntry) {
  const EnvFile file = parse("# c\nA=1\n\nB='1\n2\n3'\nC=3\r\nA=4");
  EXPECT_THAT(file.entries, ElementsAre(EnvEntry{"B", "1\n2\n3", 4}, EnvEntry{"C", "3", 7},
                                        EnvEntry{"A", "4", 8}));
}

TEST(EnvFile, AnyValueSurvivesBeingWrittenAndRead) {
  EXPECT_TRUE(rc::check("quoted", [](const std::string& value) {
    RC_PRE(value.find('\0') == std::string::npos);
    const EnvFile file = parse("X=" + quote_env_value(value) + "\nY=after");
    RC_ASSERT(file.entries.size() == 2U);
    RC_ASSERT(file.entries[0].value == value);
    RC_ASSERT(file.entries[1].value == "after");
  }));
}

TEST(EnvFile, AnyTextIsReadOrRefused) {
  EXPECT_TRUE(rc::check("no crash", [] {
    const auto text = *rc::gen::container<std::string>(
        rc::gen::elementOf(std::string("AB=${}:-?+'\"\\ #\n\r$x\xEF")));
    static_cast<void>(error_of(text));
  }));
}

class EnvFileOnDisk : public ::testing::Test {
 protected:
  EnvFileOnDisk() {
    std::string name = "/tmp/env_file_test.XXXXXX";
    folder_ = ::mkdtemp(name.data());
  }
  ~EnvFileOnDisk() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path write(std::string_view text, mode_t mode) const {
    const std::filesystem::path path = folder_ / ".env";
    std::ofstream(path) << text;
    ::chmod(path.c_str(), mode);
    return path;
  }

  std::filesystem::path folder_;
};

TEST_F(EnvFileOnDisk, IsReadAndItsModeJudged) {
  const auto path = write("X=1\n", 0600);
  EXPECT_THAT(read_env_file(path, outer({})).warnings, IsEmpty());
  EXPECT_THAT(read_env_file(path, outer({})).entries, ElementsAre(EnvEntry{"X", "1", 1}));
  for (const mode_t open_mode : {0644U, 0604U}) {
    ::chmod(path.c_str(), open_mode);
    EXPECT_THAT(read_env_file(path, outer({})).warnings, ElementsAre(HasSubstr("chmod 600")));
  }
}

TEST_F(EnvFileOnDisk, ReadableByAGroupIsWarnedOfUnlessItIsRoots) {
  const auto path = write("X=1\n", 0640);
  if (::geteuid() == 0) {
    EXPECT_THAT(read_env_file(path, outer({})).warnings, IsEmpty());
    ASSERT_EQ(::chown(path.c_str(), 1000, 1000), 0);
  }
  EXPECT_THAT(read_env_file(path, outer({})).warnings, ElementsAre(HasSubstr("chmod 600")));
}

TEST_F(EnvFileOnDisk, WhatCannotBeReadIsAConfigError) {
  EXPECT_THROW(static_cast<void>(read_env_file(folder_ / "none", outer({}))), ConfigError);
  EXPECT_THROW(static_cast<void>(read_env_file(folder_, outer({}))), ConfigError);
  const auto path = write(std::string((1 << 20) + 1, '#'), 0600);
  EXPECT_THROW(static_cast<void>(read_env_file(path, outer({}))), ConfigError);
}

}  // namespace
}  // namespace pgstow
