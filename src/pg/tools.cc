#include "pg/tools.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <set>
#include <system_error>

#include "base/child.h"
#include "base/error.h"
#include "base/text.h"

namespace pgstow::pg {
namespace {

namespace fs = std::filesystem;

constexpr int kTransactionTimeout = 17;      // the first version that has the setting
constexpr std::chrono::seconds kAnswer{60};  // of a place that is asked for its tools

// Folders parent/*/bin, such as /usr/lib/postgresql/15/bin.
void add_versioned(std::vector<fs::path>& folders, const fs::path& parent,
                   std::string_view prefix) {
  std::error_code ignored;  // a place that is not there holds no tools
  for (const fs::directory_entry& entry : fs::directory_iterator(parent, ignored)) {
    if (entry.path().filename().string().starts_with(prefix))
      folders.push_back(entry.path() / "bin");
  }
}

std::vector<fs::path> usual_folders() {
  std::vector<fs::path> folders;
  const char* path = std::getenv("PATH");
  for (const std::string_view part : split(path == nullptr ? "" : path, ':')) {
    if (!part.empty()) folders.emplace_back(part);
  }
  add_versioned(folders, "/usr/lib/postgresql", "");
  add_versioned(folders, "/usr/libexec/postgresql", "");
  add_versioned(folders, "/usr", "pgsql-");
  folders.emplace_back("/usr/local/pgsql/bin");
  return folders;
}

// "pg_dump (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)" -> 15 and what follows "(PostgreSQL) ".
std::optional<Tool> tool_saying(const fs::path& program, std::string_view said) {
  constexpr std::string_view kMark = "(PostgreSQL) ";
  const std::size_t at = said.find(kMark);
  if (at == std::string::npos) return std::nullopt;
  const std::string version(trim(said.substr(at + kMark.size())));
  return Tool{.path = program, .major = std::atoi(version.c_str()), .version = version};
}

// The same search as below, for a shell: a line for each program found, its path as it is without
// links, and what it says of its version.
constexpr const char* kSearch = R"sh(name=$1
if [ -n "$2" ]; then
  set -- "$2"
else
  set -f
  IFS=:
  set -- $PATH
  set +f
  unset IFS
  set -- "$@" /usr/lib/postgresql/*/bin /usr/libexec/postgresql*
  set -- "$@" /usr/pgsql-*/bin /usr/local/pgsql/bin /opt/bitnami/postgresql/bin
fi
for folder; do
  [ -x "$folder/$name" ] || continue
  program=$(readlink -f "$folder/$name") || continue
  [ "${program##*/}" = "$name" ] || continue
  printf '%s\t%s\n' "$program" "$("$program" --version </dev/null 2>/dev/null)"
done
)sh";

std::vector<Tool> tools_elsewhere(const std::string& name, const fs::path& folder,
                                  const std::stop_token& stop, const Runner& runner) {
  const std::string found = run_command(script_command(runner, kSearch, {name, folder.string()}),
                                        {.stop = stop, .stall = kAnswer});
  std::vector<Tool> tools;
  for (const std::string_view line : split(found, '\n')) {
    const std::size_t tab = line.find('\t');
    if (tab == std::string_view::npos) continue;
    auto tool = tool_saying(line.substr(0, tab), line.substr(tab));
    if (!tool || std::ranges::find(tools, tool->path, &Tool::path) != tools.end()) continue;
    tool->runner = runner;
    tools.push_back(*std::move(tool));
  }
  return tools;
}

std::vector<Tool> tools_here(const std::string& name, const fs::path& folder,
                             const std::stop_token& stop) {
  const std::vector<fs::path> folders =
      folder.empty() ? usual_folders() : std::vector<fs::path>{folder};
  std::vector<Tool> tools;
  std::set<fs::path> seen;
  for (const fs::path& place : folders) {
    std::error_code missing;
    const fs::path program = fs::canonical(place / name, missing);
    if (missing || program.filename() != name || !seen.insert(program).second) continue;
    try {
      const std::string said = run_command(
          {.argv = {program.string(), "--version"}, .env = child_environment({})}, {.stop = stop});
      if (auto tool = tool_saying(program, said)) tools.push_back(*std::move(tool));
    } catch (const Cancelled&) {
      throw;
    } catch (const Error&) {
      continue;  // not runnable, or not PostgreSQL's: no candidate
    }
  }
  return tools;
}

std::string package_hint(int major, const Runner& runner) {
  const std::string folder = "name the folder of its programs in BACKUP_PG_BIN";
  if (runner.is_here()) {
    return fmt::format("install the package postgresql-client-{}, or {}", major, folder);
  }
  return fmt::format("are PostgreSQL's programs there? `{} ls /usr/lib/postgresql` may tell; {}",
                     runner.name(), folder);
}

}  // namespace

std::vector<Tool> installed_tools(const std::string& name, const fs::path& folder,
                                  const std::stop_token& stop, const Runner& runner) {
  std::vector<Tool> tools = runner.is_here() ? tools_here(name, folder, stop)
                                             : tools_elsewhere(name, folder, stop, runner);
  std::ranges::stable_sort(tools, std::greater{}, &Tool::major);
  return tools;
}

Tool find_tool(const std::string& name, int major, const fs::path& folder,
               const std::stop_token& stop, const Runner& runner) {
  const std::vector<Tool> tools = installed_tools(name, folder, stop, runner);
  const auto same = std::ranges::find(tools, major, &Tool::major);
  if (same != tools.end()) return *same;
  if (!tools.empty() && tools.front().major > major) return tools.front();
  std::vector<std::string> found;
  for (const Tool& tool : tools)
    found.push_back(fmt::format("{} {}", tool.path.string(), tool.version));
  const std::string where = runner.is_here() ? "" : "`" + runner.name() + "`: ";
  throw NotFound(fmt::format("{}no {} for PostgreSQL {} (found: {})", where, name, major,
                             found.empty() ? "none" : join(found, ", ")),
                 package_hint(major, runner));
}

bool dumps_for(const Tool& pg_dump, int server_major) {
  return pg_dump.major < kTransactionTimeout || server_major >= kTransactionTimeout;
}

void check_restores_into(const Tool& pg_restore, int server_major) {
  if (dumps_for(pg_restore, server_major)) return;
  throw NotFound(
      fmt::format("pg_restore {} can't restore into a server of version {}", pg_restore.version,
                  server_major),
      fmt::format("install the package postgresql-client-{}; an archive that pg_dump {} or later "
                  "made needs a server of version {} or later",
                  server_major, kTransactionTimeout, kTransactionTimeout));
}

int needed_major(const ArchiveHeader& archive) {
  // K_VERS_1_14 came with 12, 1_15 with 16, 1_16 with 17 (pg_backup_archiver.h).
  return archive.minor >= 16 ? 17 : archive.minor == 15 ? 16 : 12;
}

}  // namespace pgstow::pg
