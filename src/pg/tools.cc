#include "pg/tools.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <set>
#include <system_error>

#include "base/child.h"
#include "base/error.h"
#include "base/text.h"

namespace pgstow::pg {
namespace {

namespace fs = std::filesystem;

constexpr int kTransactionTimeout = 17;  // the first version that has the setting

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
Tool ask_version(const fs::path& program, const std::stop_token& stop) {
  const std::string said = run_command(
      {.argv = {program.string(), "--version"}, .env = child_environment({})}, {.stop = stop});
  constexpr std::string_view kMark = "(PostgreSQL) ";
  const std::size_t at = said.find(kMark);
  if (at == std::string::npos) throw Error(program.string() + ": odd --version answer");
  const std::string version(trim(said.substr(at + kMark.size())));
  return {.path = program, .major = std::atoi(version.c_str()), .version = version};
}

}  // namespace

std::vector<Tool> installed_tools(const std::string& name, const fs::path& folder,
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
      tools.push_back(ask_version(program, stop));
    } catch (const Cancelled&) {
      throw;
    } catch (const Error&) {
      continue;  // not runnable, or not PostgreSQL's: no candidate
    }
  }
  std::ranges::stable_sort(tools, std::greater{}, &Tool::major);
  return tools;
}

Tool find_tool(const std::string& name, int major, const fs::path& folder,
               const std::stop_token& stop) {
  const std::vector<Tool> tools = installed_tools(name, folder, stop);
  const auto same = std::ranges::find(tools, major, &Tool::major);
  if (same != tools.end()) return *same;
  if (!tools.empty() && tools.front().major > major) return tools.front();
  std::vector<std::string> found;
  for (const Tool& tool : tools)
    found.push_back(fmt::format("{} {}", tool.path.string(), tool.version));
  throw NotFound(fmt::format("no {} for PostgreSQL {} (found: {})", name, major,
                             found.empty() ? "none" : join(found, ", ")),
                 fmt::format("install the package postgresql-client-{}, or name the folder of its "
                             "programs in BACKUP_PG_BIN",
                             major));
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
