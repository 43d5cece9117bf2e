#include "cli/completion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace pgstow::cli {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using Wants = Completion::Wants;

const OptionModel kFrom{.names = {"--from"}, .help = "Only this store", .takes_value = true};

const ProgramModel kProgram{
    .options = {{.names = {"--env-file"}, .help = "Read this file", .takes_value = true},
                {.names = {"-q", "--quiet"}, .help = "Log less"}},
    .settings = {{.names = {"--log-format"},
                  .help = "text, logfmt or json [BACKUP_LOG_FORMAT]",
                  .takes_value = true},
                 {.names = {"--local-path"}, .help = "Directory", .takes_value = true}},
    .commands = {{.names = {"list", "backup-list"}, .help = "List", .options = {kFrom}},
                 {.names = {"restore"},
                  .help = "Restore",
                  .options = {kFrom, {.names = {"-y", "--yes"}, .help = "Ask nothing"}},
                  .argument = OptionModel{.names = {"backup"}, .help = "Which one"}},
                 {.names = {"run"}, .help = "Serve"}}};

Completion of(const std::vector<std::string>& words) { return complete(kProgram, words); }

std::vector<std::string> texts(const std::vector<std::string>& words) {
  std::vector<std::string> list;
  for (const Candidate& c : of(words).candidates) list.push_back(c.text);
  return list;
}

TEST(Completion, OffersCommands) {
  EXPECT_THAT(texts({""}), ElementsAre("list", "restore", "run"));
  EXPECT_THAT(texts({"r"}), ElementsAre("restore", "run"));
  EXPECT_THAT(texts({"-q", "--local-path", "list", "re"}), ElementsAre("restore"));
  EXPECT_THAT(texts({"x"}), IsEmpty());
}

TEST(Completion, OffersTheFlagsOfTheCommandAndThoseOfAll) {
  EXPECT_THAT(texts({"restore", "-"}), ElementsAre("--from", "--yes", "--env-file", "--quiet",
                                                   "--log-format", "--local-path"));
  EXPECT_THAT(texts({"restore", "--l"}), ElementsAre("--log-format", "--local-path"));
  EXPECT_THAT(texts({"backup-list", "--f"}), ElementsAre("--from"));
  EXPECT_THAT(texts({"run", "--f"}), IsEmpty());
}

TEST(Completion, OffersValuesThatTheHelpNames) {
  EXPECT_THAT(texts({"--log-format", ""}), ElementsAre("text", "logfmt", "json"));
  EXPECT_THAT(texts({"list", "--log-format=l"}), ElementsAre("logfmt"));
  EXPECT_EQ(of({"--log-format=l"}).before, "--log-format=");
}

TEST(Completion, TellsWhatHasToBeLookedUp) {
  EXPECT_EQ(of({"restore", "ba"}).wants, Wants::kBackups);
  EXPECT_EQ(of({"restore", "-y", "--from", "s3", ""}).wants, Wants::kBackups);
  EXPECT_EQ(of({"restore", "--from", ""}).wants, Wants::kStores);
  EXPECT_EQ(of({"restore", "--local-path="}).wants, Wants::kFiles);
  EXPECT_EQ(of({"--env-file", "x"}).wants, Wants::kFiles);
  EXPECT_EQ(of({"restore", "latest", ""}).wants, Wants::kNothing);
  EXPECT_EQ(of({"list", ""}).wants, Wants::kNothing);
}

TEST(Completion, TakesAlongWhereToLook) {
  const Completion c = of({"--env-file=a", "--local-path", "/b", "restore", "--yes", ""});
  EXPECT_EQ(c.env_file, "a");
  EXPECT_THAT(c.settings, ElementsAre(Pair("local-path", "/b")));
  EXPECT_EQ(c.wants, Wants::kBackups);
}

TEST(Completion, OfNothingIsNothing) { EXPECT_THAT(texts({}), IsEmpty()); }

TEST(Completion, ChoicesAreAListOfWords) {
  EXPECT_THAT(choices_in("text, logfmt or json [X]"), ElementsAre("text", "logfmt", "json"));
  EXPECT_THAT(choices_in("bash or zsh"), ElementsAre("bash", "zsh"));
  EXPECT_THAT(choices_in("Number in the list, name, or latest (default)"), IsEmpty());
  EXPECT_THAT(choices_in("gzip:1 or zstd:1"), IsEmpty());
  EXPECT_THAT(choices_in("Ask nothing"), IsEmpty());
}

TEST(Completion, HasNoScriptForAnyShell) {
  EXPECT_THROW(static_cast<void>(completion_script("tcsh")), ConfigError);
}

}  // namespace
}  // namespace pgstow::cli
