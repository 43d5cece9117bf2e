#include "cli/restore_choice.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>

#include "base/error.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/text.h"

namespace pgstow::cli {
namespace {

// One line from standard input, stoppable; empty at its end.
std::string read_line(const std::stop_token& stop) {
  const Fd input(::dup(STDIN_FILENO));
  std::string line;
  std::array<char, 1> c;
  while (read_some(input, c, {.stop = stop}, "standard input") == 1 && c[0] != '\n') line += c[0];
  return line;
}

// Numbers shift with every new backup, and so does the latest.
bool is_named(const Session& session, const Backup& backup) {
  const std::string& choice = session.arguments.choice;
  if (choice.empty() || choice == "latest") return false;
  return !parse_int(choice) || backup.key.starts_with(choice);
}

}  // namespace

bool somebody_to_ask() { return ::isatty(STDIN_FILENO) == 1; }

bool confirmed(const Session& session, const std::string& question) {
  if (session.arguments.yes) return true;
  if (!somebody_to_ask()) {
    throw ConfigError("standard input is no terminal, so nobody can be asked",
                      "give --yes to restore without a question");
  }
  to_stderr(question + " [y/N] ");
  const std::string answer = lower(trim(read_line(session.context.stop)));
  return answer == "y" || answer == "yes";
}

void warn_of_passed_over(const Session& session, const std::vector<Backup>& backups,
                         const Backup& selected) {
  if (restore_job(session.config, session.arguments).chosen) return;
  for (const Backup& backup : backups) {
    if (backup.key == selected.key) return;
    if (backup.state() == "damaged") {
      session.context.log.warning("a newer backup is damaged and passed over",
                                  {{"backup", backup.key}});
    } else if (!backup.manifest) {
      session.context.log.warning("a newer file carries no proof and is passed over",
                                  {{"backup", backup.key}, {"hint", "name it to restore it"}});
    }
  }
}

void refuse_unnamed(const Session& session, const std::vector<Backup>& backups,
                    const Backup& backup, const Wanted& wanted) {
  if (!session.arguments.yes || !backup.manifest || is_named(session, backup)) return;
  if (backup.database() != wanted.database) {
    throw ConfigError(fmt::format("number {} is {}, a backup of database {}, not of {}",
                                  session.arguments.choice, printable(backup.key),
                                  printable(backup.database()), printable(wanted.database)),
                      "with --yes, another database's backup is taken by its name only");
  }
  if (is_of_other_server(backup, wanted) && !all_of_one_server(backups, wanted)) {
    throw ConfigError(
        fmt::format("number {} is {}, a backup of another server's database {}",
                    session.arguments.choice, printable(backup.key), printable(backup.database())),
        "with --yes, another server's backup is taken by its name only");
  }
}

void tell_of_other_server(const Session& session, const std::vector<Backup>& backups,
                          const Backup& backup, const Wanted& wanted) {
  if (!is_of_other_server(backup, wanted)) return;
  if (all_of_one_server(backups, wanted) && backup.database() == wanted.database) {
    session.context.log.info("the backup is of another server, as all of this database are",
                             {{"backup", backup.key}});
  } else {
    session.context.log.warning(
        "the backup is of another server",
        {{"backup", backup.key}, {"server", backup.manifest->system_identifier}});
  }
}

}  // namespace pgstow::cli
