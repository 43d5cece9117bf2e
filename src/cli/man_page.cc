#include "cli/man_page.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "base/text.h"

namespace pgstow::cli {
namespace {

constexpr const char* kFiles = R"(.SH FILES
.TP
.I .env
Settings, one a line, by the rules of Docker Compose; read in the working directory.
.TP
.I /etc/pgstow/pgstow.env
Settings of the service as the Debian package installs it.
.TP
.I backup_YYYYMMDD_HHMMSS.dump.gz
A backup: an archive of
.BR pg_dump (1)
in its custom format, compressed by gzip.
.TP
.I backup_YYYYMMDD_HHMMSS.json
Its manifest.
)";

constexpr const char* kExamples = R"(.SH EXAMPLES
Back up, look, and restore beside the database:
.PP
.EX
export DATABASE_URL=postgresql://shop@db.example.org/shop
pgstow doctor
pgstow backup
pgstow list
pgstow restore latest \-\-into shop_test
.EE
.PP
Without pgstow:
.PP
.EX
gunzip \-c backup_20261122_223739.dump.gz | pg_restore \-d shop
.EE
.SH SEE ALSO
.BR pg_dump (1),
.BR pg_restore (1),
.BR systemctl (1)
)";

// Text as roff prints it unchanged: no escapes, no hyphens for minus signs, no requests.
std::string escaped(std::string_view text) {
  std::string out;
  bool line_starts = true;
  for (const char c : text) {
    if (line_starts && (c == '.' || c == '\'')) out += "\\&";
    line_starts = c == '\n';
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else if (c == '`') {
      out += "\\(ga";
    } else {
      out += c;
    }
  }
  return out;
}

std::string bold(std::string_view text) { return "\\fB" + escaped(text) + "\\fR"; }
std::string italic(std::string_view text) { return "\\fI" + escaped(text) + "\\fR"; }

// An entry of a list: what is explained, and the explanation below it.
std::string entry(const std::string& tag, std::string_view text) {
  return fmt::format(".TP\n{}\n{}.\n", tag, escaped(text));
}

std::string names_of(const OptionModel& option) {
  std::vector<std::string> names;
  for (const std::string& name : option.names) names.push_back(bold(name));
  return join(names, ", ") + (option.takes_value ? " " + italic("VALUE") : "");
}

std::string options(const std::vector<OptionModel>& options) {
  std::string text;
  for (const OptionModel& option : options) {
    if (option.names.back() != "--help") text += entry(names_of(option), option.help);
  }
  return text;
}

std::string command(const CommandModel& command) {
  std::string synopsis = bold("pgstow " + command.names.front());
  if (command.argument) synopsis += " [" + italic(command.argument->names.front()) + "]";
  std::string text = fmt::format(".SS {}\n{}.\n", synopsis, escaped(command.help));
  if (command.names.size() > 1) {
    text += fmt::format("Another name of it is\n.BR {} .\n", escaped(command.names[1]));
  }
  if (command.argument) {
    text += entry(italic(command.argument->names.front()), command.argument->help);
  }
  return text + options(command.options);
}

std::string setting(const Setting& setting) {
  std::string tag = bold(setting.name);
  if (!setting.flag.empty()) {
    tag += ", " + bold("--" + std::string(setting.flag)) + " " + italic("VALUE");
  }
  std::string text = entry(tag, setting.help);
  if (!setting.initial.empty()) text += fmt::format("Default: {}.\n", escaped(setting.initial));
  return text;
}

// One paragraph after the other, as an empty line parts them.
std::string paragraphs(std::string_view text) {
  std::string out;
  for (std::string_view rest = trim(text); !rest.empty();) {
    const std::size_t end = rest.find("\n\n");
    out += ".PP\n" + escaped(trim(rest.substr(0, end))) + "\n";
    rest = end == std::string_view::npos ? "" : trim(rest.substr(end));
  }
  return out;
}

}  // namespace

std::string man_page(const ProgramModel& program, std::span<const Setting> settings, Time date) {
  std::string text =
      fmt::format(".TH PGSTOW 1 {:%Y-%m-%d} \"pgstow {}\" \"PostgreSQL\"\n",
                  fmt::gmtime(std::chrono::system_clock::to_time_t(
                      std::chrono::time_point_cast<std::chrono::system_clock::duration>(date))),
                  PGSTOW_VERSION);
  text += ".SH NAME\npgstow \\- PostgreSQL backups that are proven to restore\n";
  text += ".SH SYNOPSIS\n.B pgstow\n.RI [ options ]\n.I command\n.RI [ arguments ]\n";
  text += ".SH DESCRIPTION\n" + escaped(program.help) + "\n" + paragraphs(program.footer);
  text += ".SH COMMANDS\n";
  for (const CommandModel& c : program.commands) text += command(c);
  text += ".SH OPTIONS\nAny command takes these, and the flags of settings.\n";
  text += options(program.options);
  text +=
      ".SH ENVIRONMENT\n"
      "A setting that is a secret may also be the content of a file: the one that\n"
      ".IR NAME _FILE\nnames.\n";
  for (const Setting& s : settings) text += setting(s);
  return text + kFiles + kExamples;
}

}  // namespace pgstow::cli
