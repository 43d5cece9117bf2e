// The command line: flags, help, signals, and the one place where an error becomes text and an exit
// code.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <optional>
#include <span>

#include "base/error.h"
#include "base/log.h"
#include "base/log_file.h"
#include "base/signals.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/pages_command.h"
#include "pg/conninfo.h"

namespace pgstow::cli {
namespace {

using Command = int (*)(const Session&);
using Page = int (*)(const ProgramModel&, const std::string& choice);

// What the command line said.
struct CommandLine {
  Command command = nullptr;
  Page page = nullptr;  // instead of a command: it needs no configuration
  Arguments arguments;
  std::map<std::string, std::string> settings;  // flag -> value, of the flags that were given
  std::optional<std::string> env_file;
  std::vector<std::string> secret_words;  // those with a password in them
  bool quiet = false;
  bool verbose = false;
  bool service = false;  // BACKUP_LOG_FILE counts, SIGHUP reloads
};

constexpr const char* kFooter = R"(
Every setting can be a flag, an environment variable or a line in .env, in this order of precedence;
`pgstow config` shows all of them and where each value comes from.

Exit codes: 0 ok, 1 failed, 2 wrong usage or configuration, 3 done with warnings, 4 a backup is
damaged, 10 not found, 11 locked by another run, 128+N ended by signal N.)";

// --into "$NAME" with NAME unset must not mean the default.
CLI::Validator not_empty() {
  return CLI::Validator(
      [](const std::string& text) {
        return text.empty() ? std::string("an empty value is not allowed") : std::string();
      },
      "");
}

void add_pages(CLI::App& app, CommandLine& line) {
  CLI::App* c = app.add_subcommand("completion", "Print what a shell reads to complete words");
  c->add_option("shell", line.arguments.choice, "bash, zsh or fish")->required();
  c->callback([&line] { line.page = completion_command; });
  c = app.add_subcommand("man", "Print the manual page, for man -l -");
  c->callback([&line] { line.page = man_command; });
}

void add_database(CLI::App* c, CommandLine& line) {
  c->add_option("--database", line.arguments.database, "Only this one of BACKUP_DATABASES")
      ->check(not_empty());
}

void add_backup(CLI::App& app, CommandLine& line) {
  CLI::App* c = app.add_subcommand("backup", "Make a backup of the database, or databases, now");
  add_database(c, line);
  c->add_flag("--json", line.arguments.json, "Print what was made as JSON");
  c->callback([&line] { line.command = backup_command; });
}

void add_from(CLI::App* c, CommandLine& line, const char* help) {
  c->add_option("--from", line.arguments.from, help)->check(not_empty());
}

void add_list(CLI::App& app, CommandLine& line) {
  CLI::App* c = app.add_subcommand("list", "List the backups, newest first");
  c->alias("backup-list");
  add_database(c, line);
  add_from(c, line, "Only this store, such as local or s3");
  c->add_flag("--json", line.arguments.json, "Print as JSON");
  c->callback([&line] { line.command = list_command; });
}

void add_verify(CLI::App& app, CommandLine& line) {
  CLI::App* c = app.add_subcommand("verify", "Check that stored bytes are the bytes written");
  add_database(c, line);
  c->add_option("backup", line.arguments.choice, "Number in the list, name, or latest (default)")
      ->check(not_empty());
  c->add_flag("--all", line.arguments.all, "Every backup, in every store");
  add_from(c, line, "Take it from this store (default: the nearest that has it whole)");
  c->add_flag("--json", line.arguments.json, "Print as JSON");
  c->callback([&line] { line.command = verify_command; });
}

void add_restore(CLI::App& app, CommandLine& line) {
  CLI::App* c = app.add_subcommand(
      "restore", "Restore a backup, proven, beside the present database; then swap them");
  add_database(c, line);
  c->add_option("backup", line.arguments.choice, "Number in the list, name, or latest (default)")
      ->check(not_empty());
  c->add_flag("-y,--yes", line.arguments.yes, "Ask nothing");
  add_from(c, line, "Take it from this store (default: the nearest that has it whole)");
  CLI::Option* in_place = c->add_flag("--in-place", line.arguments.in_place,
                                      "Drop the present database first (no room for two)");
  c->add_option("--into", line.arguments.into, "Restore into a new database of this name")
      ->check(not_empty())
      ->excludes(in_place);
  c->add_option("--table", line.arguments.tables,
                "Only this table, NAME or SCHEMA.NAME, * and ? allowed; may be given several times")
      ->check(not_empty())
      ->allow_extra_args(false)
      ->excludes(in_place);
  c->add_option("--schema", line.arguments.schemas, "Only the tables of this schema; likewise")
      ->check(not_empty())
      ->allow_extra_args(false)
      ->excludes(in_place);
  c->add_option("--as", line.arguments.as, "The one table under this new name, beside the present")
      ->check(not_empty());
  c->add_flag("--data-only", line.arguments.data_only,
              "Only the rows, into tables that are there and empty");
  c->add_flag("--replace-rows", line.arguments.replace_rows,
              "With --data-only: remove the present rows in the same transaction");
  c->add_flag("--no-owner", line.arguments.no_owner, "Objects belong to the restoring role");
  c->add_flag("--no-privileges", line.arguments.no_privileges, "Leave GRANTs out");
  c->add_flag("--create-roles", line.arguments.create_roles,
              "First create the roles that the server lacks, as they were kept with the backup");
  c->callback([&line] { line.command = restore_command; });
}

void add_sync(CLI::App& app, CommandLine& line) {
  CLI::App* c = app.add_subcommand("sync", "Copy backups to the stores that miss them");
  add_database(c, line);
  add_from(c, line, "Only copies out of this store (default: the nearest whole one)");
  c->add_option("--to", line.arguments.to, "Only this store is brought up to date")
      ->check(not_empty());
  c->add_flag("-n,--dry-run", line.arguments.dry_run, "Only tell what would be copied");
  c->add_flag("--json", line.arguments.json, "Print as JSON");
  c->callback([&line] { line.command = sync_command; });
}

void add_prune(CLI::App& app, CommandLine& line) {
  CLI::App* c = app.add_subcommand("prune", "Remove the backups that retention no longer keeps");
  add_database(c, line);
  c->add_flag("-n,--dry-run", line.arguments.dry_run,
              "Only tell what is kept, why, and what is not");
  c->add_flag("--force", line.arguments.force,
              "Also when the newest backup is far smaller than those before it");
  c->add_flag("--all", line.arguments.all, "Of all databases, not only of the configured one");
  c->add_flag("--json", line.arguments.json, "Print as JSON");
  c->callback([&line] { line.command = prune_command; });
}

void add_keep(CLI::App& app, CommandLine& line) {
  CLI::App* c = app.add_subcommand("keep", "Pin a backup: retention never removes it");
  add_database(c, line);
  c->add_option("backup", line.arguments.choice, "Number in the list, name, or latest")
      ->check(not_empty())
      ->required();
  c->add_flag("--off", line.arguments.off, "Take the pin away");
  c->callback([&line] { line.command = keep_command; });
}

void add_undo(CLI::App& app, CommandLine& line) {
  CLI::App* c = app.add_subcommand("undo", "Put back the database as it was before the restore");
  add_database(c, line);
  c->add_flag("-y,--yes", line.arguments.yes, "Ask nothing");
  c->add_flag("--drop", line.arguments.drop, "Drop the kept database instead");
  c->callback([&line] { line.command = undo_command; });
}

void add_doctor(CLI::App& app, CommandLine& line) {
  CLI::App* c = app.add_subcommand("doctor", "Check what works and what does not");
  add_database(c, line);
  c->add_flag("--json", line.arguments.json, "Print as JSON");
  c->callback([&line] { line.command = doctor_command; });
}

void add_config(CLI::App& app, CommandLine& line) {
  CLI::App* c = app.add_subcommand("config", "Show every setting and where it comes from");
  c->add_flag("--json", line.arguments.json, "Print as JSON");
  c->callback([&line] { line.command = config_command; });
}

void add_notify(CLI::App& app, CommandLine& line) {
  CLI::App* c = app.add_subcommand("notify", "Try whether notifications arrive");
  c->add_flag("--test", line.arguments.test, "Send a test through each configured notifier");
  c->callback([&line] { line.command = notify_command; });
}

void add_service(CLI::App& app, CommandLine& line) {
  CLI::App* c = app.add_subcommand("run", "Run the service in the foreground: backups by schedule");
  c->add_flag("--check", line.arguments.check, "Only check its configuration");
  c->add_option("--database-is", line.arguments.database_is)->group("");  // for a reload
  c->callback([&line] {
    line.command = run_service_command;
    line.service = !line.arguments.check;
  });
  c = app.add_subcommand("up", "Start the service in the background");
  c->callback([&line] { line.command = up_command; });
  c = app.add_subcommand("down", "Stop the service");
  c->callback([&line] { line.command = down_command; });
  c = app.add_subcommand("restart", "Stop the service and start it again");
  c->callback([&line] { line.command = restart_command; });
  c = app.add_subcommand("status", "Tell next run, last good backup, each store, what is wrong");
  c->add_flag("--json", line.arguments.json, "Print as JSON");
  c->callback([&line] { line.command = status_command; });
}

void add_schedule(CLI::App& app, CommandLine& line) {
  CLI::App* c = app.add_subcommand("schedule", "Explain the schedule and show its next runs");
  c->add_option("expression", line.arguments.choice, "Another one, such as \"0 3 * * *\"")
      ->check(not_empty());
  c->add_option("-n,--count", line.arguments.count, "How many runs to show")
      ->check(CLI::Range(1, 1000));
  c->add_flag("--json", line.arguments.json, "Print as JSON");
  c->callback([&line] { line.command = schedule_command; });
}

void add_logs(CLI::App& app, CommandLine& line) {
  CLI::App* c = app.add_subcommand("logs", "Show the log of the service in the background");
  c->add_flag("-f,--follow", line.arguments.follow, "Go on with what is logged, until Ctrl-C");
  c->add_option("-n,--lines", line.arguments.lines, "How many lines, the last ones (20)");
  c->callback([&line] { line.command = logs_command; });
}

void add_settings(CLI::App& app, CommandLine& line) {
  app.add_option("--env-file", line.env_file, "Read this file instead of .env");
  app.add_flag("-q,--quiet", line.quiet, "Log warnings and errors only");
  app.add_flag("-v,--verbose", line.verbose, "Log more");
  for (const Setting& setting : settings_table()) {
    if (setting.flag.empty()) continue;
    const std::string flag(setting.flag);
    app.add_option_function<std::string>(
           "--" + flag, [&line, flag](const std::string& value) { line.settings[flag] = value; },
           fmt::format("{} [{}]", setting.help, setting.name))
        ->group(kSettingsGroup);
  }
}

void define(CLI::App& app, CommandLine& line) {
  app.name("pgstow");
  app.footer(kFooter);
  app.require_subcommand(1);
  app.fallthrough();
  app.set_version_flag("--version", "pgstow " PGSTOW_VERSION);
  add_backup(app, line);
  add_list(app, line);
  add_verify(app, line);
  add_restore(app, line);
  add_sync(app, line);
  add_prune(app, line);
  add_keep(app, line);
  add_undo(app, line);
  add_doctor(app, line);
  add_pages(app, line);
  add_config(app, line);
  add_notify(app, line);
  add_schedule(app, line);
  add_service(app, line);
  add_logs(app, line);
  add_settings(app, line);
}

// For people on standard error; into the log where that is for machines, or in a file.
void show_error(const Log& log, const Error& e, bool in_file = false) {
  const bool for_people = log.format() == LogFormat::kText && !is_journal(stderr);
  if (in_file || !for_people) {
    Facts facts;
    if (!e.hint().empty()) facts.emplace_back("hint", e.hint());
    log.error(e.what(), facts);
  }
  if (!for_people) return;
  // Redacted before anything is escaped: an escaped secret would not be found.
  to_stderr(fmt::format("pgstow: {}\n", printable_lines(log.redacted(e.what()))));
  if (!e.hint().empty()) {
    to_stderr(fmt::format("hint: {}\n", printable_lines(log.redacted(e.hint()))));
  }
}

Level level_of(const CommandLine& line, const Config& config) {
  return line.quiet ? Level::kWarning : line.verbose ? Level::kDebug : config.log_level;
}

bool draws_on_terminal(const CommandLine& line, const Config& config) {
  const char* term = std::getenv("TERM");
  return ::isatty(STDERR_FILENO) == 1 && term != nullptr && std::string_view(term) != "dumb" &&
         !line.quiet && config.log_format == LogFormat::kText;
}

// Runs the command under its configuration; errors are shown with its secrets taken out.
int run_command_line(const CommandLine& line, const Config& config, const Startup& startup,
                     StopOnSignal& stop) {
  const SystemClock clock;
  const bool in_file = line.service && !config.log_file.path.empty();
  StreamOutput stream(stderr);
  LogFile file(config.log_file, stream);
  Log log(clock, config.log_format, level_of(line, config),
          in_file ? static_cast<LogOutput&>(file) : stream);
  for (const std::string& secret : config.secrets) log.redact(secret);
  for (const std::string& word : line.secret_words) log.redact(word);
  for (const std::string& warning : config.warnings) log.warning(warning);
  const Context context{.log = log, .clock = clock, .stop = stop.token()};
  ProgressView progress(log, draws_on_terminal(line, config));
  try {
    return line.command({config, line.arguments, context, progress, stop, startup});
  } catch (const Error& e) {
    progress.done();
    show_error(log, e, in_file);
    return stop.signal() != 0 ? static_cast<int>(Exit::kSignalBase) + stop.signal() : e.exit_code();
  } catch (const std::exception& e) {  // out of memory, a bug: said like any other failure
    progress.done();
    show_error(log, Error(e.what()), in_file);
    return static_cast<int>(Exit::kFailed);
  }
}

// What no error may echo, wherever it is thrown: the words of the command line that hold a
// password.
std::vector<std::string> secret_words(std::span<char*> words) {
  std::vector<std::string> secret;
  for (const std::string word : words) {
    for (const std::string& part : {word, word.substr(word.find('=') + 1)}) {
      if (pg::mask_word(part) != part) secret.push_back(part);
    }
  }
  return secret;
}

// In our words: CLI11's would show the password of a URL that stands where none is expected.
void show_parse_error(const CLI::App& app, const CLI::ParseError& e) {
  std::string text = pg::mask_word(e.what());
  if (dynamic_cast<const CLI::ExtrasError*>(&e) != nullptr) {
    std::vector<std::string> words;
    for (const std::string& word : app.remaining(true)) {
      words.push_back(printable(pg::mask_word(word)));
    }
    text = "not expected: " + join(words, " ");
  }
  to_stderr(fmt::format("pgstow: {}\nhint: `pgstow --help` and `pgstow COMMAND --help` tell more\n",
                        text));
}

// "bakup" instead of "backup": CLI11 itself would only say that a command is missing.
void show_missing_command(const CLI::App& app, const CLI::ParseError& e, int argc, char** argv) {
  std::vector<std::string> commands;
  for (const CLI::App* c : app.get_subcommands({})) commands.push_back(c->get_name());
  const std::span<char*> words(argv + 1, static_cast<std::size_t>(std::max(argc - 1, 0)));
  const auto word = std::ranges::find_if(words, [](const char* w) { return *w != '-'; });
  if (word == words.end() || std::ranges::find(commands, *word) != commands.end()) {
    show_parse_error(app, e);
    return;
  }
  const auto close = nearest(*word, commands);
  to_stderr(fmt::format("pgstow: no command \"{}\"\nhint: {}\n", printable(pg::mask_word(*word)),
                        close ? "did you mean " + *close + "?" : "`pgstow --help` lists them"));
}

// The flags again that any command takes.
std::vector<std::string> flags_of(const CommandLine& line) {
  std::vector<std::string> flags;
  if (line.env_file) flags.push_back("--env-file=" + *line.env_file);
  if (line.quiet) flags.emplace_back("--quiet");
  if (line.verbose) flags.emplace_back("--verbose");
  for (const auto& [flag, value] : line.settings) {
    flags.push_back(fmt::format("--{}={}", flag, value));
  }
  return flags;
}

int run(int argc, char** argv) {
  CLI::App app("PostgreSQL backups that are proven to restore.");
  CommandLine line;
  define(app, line);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& e) {  // --help, --version
    return app.exit(e);
  } catch (const CLI::RequiredError& e) {
    show_missing_command(app, e, argc, argv);
    return static_cast<int>(Exit::kUsage);
  } catch (const CLI::ParseError& e) {
    show_parse_error(app, e);
    return static_cast<int>(Exit::kUsage);
  }
  line.secret_words = secret_words(std::span(argv, static_cast<std::size_t>(argc)));
  const SystemClock clock;
  Startup startup = startup_of_process();
  startup.flags = flags_of(line);
  try {
    if (line.page != nullptr) return line.page(model_of(app), line.arguments.choice);
    const Config config = load_config(line.settings, line.env_file);
    StopOnSignal stop(line.service ? StopOnSignal::Hangup::kReloads : StopOnSignal::Hangup::kStops);
    return run_command_line(line, config, startup, stop);
  } catch (const Error& e) {
    Log log(clock, LogFormat::kText, Level::kInfo);
    for (const std::string& word : line.secret_words) log.redact(word);
    show_error(log, e);
    return e.exit_code();
  }
}

}  // namespace
}  // namespace pgstow::cli

int main(int argc, char** argv) {
  // Without a standard stream, the next file or socket would take its number, and its output.
  for (int fd = 0; fd >= 0 && fd <= STDERR_FILENO;) fd = ::open("/dev/null", O_RDWR);
  // Secrets are in this process's memory: no core file, no peeking by other processes of the user.
  const rlimit no_core{0, 0};
  static_cast<void>(::setrlimit(RLIMIT_CORE, &no_core));
  static_cast<void>(::prctl(PR_SET_DUMPABLE, 0));
  ::tzset();
  return pgstow::cli::run(argc, argv);
}
