#include "cli/man_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

namespace pgstow::cli {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// 2026-11-23, 00:00 in UTC.
constexpr Time kDate{std::chrono::seconds(1795392000)};

TEST(ManPage, TellsOfCommandsFlagsAndSettings) {
  const std::array settings{Setting{"BACKUP_JOBS", "jobs", "4", "Threads"},
                            Setting{"BACKUP_X", "", "", "No flag"}};
  const ProgramModel program{
      .commands = {{.names = {"list", "backup-list"},
                    .help = "List them",
                    .options = {{.names = {"-n", "--dry-run"}, .help = "Only tell"}},
                    .argument = OptionModel{.names = {"backup"}, .help = "Which"}}}};
  const std::string page = man_page(program, settings, kDate);
  EXPECT_THAT(page, StartsWith(".TH PGSTOW 1 2026-11-23 "));
  EXPECT_THAT(page, HasSubstr(".SS \\fBpgstow list\\fR [\\fIbackup\\fR]\nList them.\n"));
  EXPECT_THAT(page, HasSubstr("\\fB\\-n\\fR, \\fB\\-\\-dry\\-run\\fR\nOnly tell.\n"));
  EXPECT_THAT(page, HasSubstr("BACKUP_JOBS\\fR, \\fB\\-\\-jobs\\fR \\fIVALUE\\fR\nThreads.\n"
                              "Default: 4.\n"));
  EXPECT_THAT(page, HasSubstr("\\fBBACKUP_X\\fR\nNo flag.\n.SH"));
}

TEST(ManPage, ShowsWhatRoffWouldObey) {
  const ProgramModel program{.help = ".env \\fB\n'quoted"};
  const std::string page = man_page(program, {}, kDate);
  EXPECT_THAT(page, HasSubstr("\n\\&.env \\efB\n\\&'quoted\n"));
  EXPECT_THAT(page, Not(HasSubstr("\n.env")));
}

}  // namespace
}  // namespace pgstow::cli
