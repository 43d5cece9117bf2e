#include "backup/selection.h"

#include <fmt/format.h>

#include <map>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "pg/conninfo.h"

namespace pgstow {
namespace {

[[noreturn]] void no_such_backup(const std::string& choice, const std::vector<Backup>& backups) {
  std::vector<std::string> names;
  names.reserve(backups.size());
  for (const Backup& backup : backups) names.push_back(backup.key);
  const auto close = nearest(choice, names);
  throw NotFound(fmt::format("no backup \"{}\"", printable(pg::mask_word(choice))),
                 close ? "did you mean " + *close + "?" : "`pgstow list` shows them");
}

bool is_of(const Backup& backup, const std::string& database) {
  return database.empty() || backup.database() == database;
}

// What "latest" can choose from. The pointers are the newest of their kind.
struct Choices {
  const Backup* own = nullptr;     // of the wanted database and server
  bool any_own = false;            // such ones are there, though they may be damaged
  const Backup* proven = nullptr;  // of the wanted database, of any server
  const Backup* unproven = nullptr;
  std::map<std::string, const Backup*> servers;  // of the wanted database, by server
  std::vector<std::string> damaged;              // of the wanted database, or of nobody knows which
  bool others = false;                           // there are backups of other databases
};

bool is_own(const Backup& backup, const Wanted& wanted) {
  if (!wanted.system_identifier) return true;
  return !wanted.system_identifier->empty() &&
         backup.manifest->system_identifier == *wanted.system_identifier;
}

void add_choice(Choices& choices, const Backup& backup, const Wanted& wanted) {
  const auto keep_first = [&](const Backup*& kept) {
    if (kept == nullptr) kept = &backup;
  };
  const bool damaged = backup.state() == "damaged" || backup.state() == "unreadable";
  if (!backup.manifest) {
    if (!damaged) keep_first(choices.unproven);
  } else if (!is_of(backup, wanted.database)) {
    choices.others = choices.others || !damaged;
    return;
  } else {
    choices.any_own = choices.any_own || is_own(backup, wanted);
    if (!damaged) {
      if (is_own(backup, wanted)) keep_first(choices.own);
      keep_first(choices.proven);
      choices.servers.try_emplace(backup.manifest->system_identifier, &backup);
    }
  }
  if (damaged) choices.damaged.push_back(printable(backup.key));
}

[[noreturn]] void several_servers(const Choices& choices, const Wanted& wanted) {
  std::vector<std::string> lines;
  lines.reserve(choices.servers.size());
  for (const auto& [server, backup] : choices.servers) {
    lines.push_back(fmt::format("{} is the newest of server {}", printable(backup->key),
                                server.empty() ? "(not told)" : printable(server)));
  }
  throw ConfigError(
      fmt::format("there are backups of database {} of several servers, and none of this one{}:"
                  "\n  {}",
                  printable(wanted.database),
                  wanted.system_identifier->empty() ? "" : ", " + *wanted.system_identifier,
                  join(lines, "\n  ")),
      "name the one to restore");
}

[[noreturn]] void nothing_to_choose(const Choices& choices, const Wanted& wanted) {
  if (!choices.damaged.empty()) {
    throw Corrupt("no backup is left that is not damaged: " + join(choices.damaged, ", "),
                  "`pgstow verify --all` says what is wrong with each");
  }
  throw NotFound(
      "No backups found" + (choices.others ? " of database " + printable(wanted.database) : ""),
      choices.others ? "there are backups of other databases: name one by its number in "
                       "`pgstow list`"
                     : "make one with `pgstow backup`, or point BACKUP_LOCAL_PATH to where they "
                       "lie");
}

const Backup& latest(const std::vector<Backup>& backups, const Wanted& wanted) {
  Choices choices;
  for (const Backup& backup : backups) add_choice(choices, backup, wanted);
  if (choices.own != nullptr) return *choices.own;
  // This server's own are all damaged: another's must not slip into their place.
  if (!choices.any_own) {
    if (choices.servers.size() > 1) several_servers(choices, wanted);
    if (choices.proven != nullptr) return *choices.proven;
  }
  if (choices.unproven != nullptr) return *choices.unproven;
  nothing_to_choose(choices, wanted);
}

}  // namespace

const Backup& select_backup(const std::vector<Backup>& backups, const std::string& choice,
                            const Wanted& wanted) {
  if (choice.empty() || choice == "latest") return latest(backups, wanted);
  if (const auto number = parse_int(choice)) {
    if (*number >= 1 && std::cmp_less_equal(*number, backups.size())) {
      return backups[static_cast<std::size_t>(*number - 1)];
    }
    if (choice.size() < 8) no_such_backup(choice, backups);  // a longer one may begin a name
  }
  const Backup* match = nullptr;
  for (const Backup& backup : backups) {
    if (backup.key == choice || archive_stem(backup.key) == choice) return backup;
    if (!backup.key.starts_with(choice)) continue;
    if (match != nullptr) {
      throw NotFound(
          fmt::format("\"{}\" fits {} and {}", printable(choice), match->key, backup.key),
          "name it in full");
    }
    match = &backup;
  }
  if (match == nullptr) no_such_backup(choice, backups);
  return *match;
}

bool is_of_other_server(const Backup& backup, const Wanted& wanted) {
  return backup.manifest && wanted.system_identifier &&
         !backup.manifest->system_identifier.empty() &&
         backup.manifest->system_identifier != *wanted.system_identifier;
}

bool all_of_one_server(const std::vector<Backup>& backups, const Wanted& wanted) {
  std::set<std::string> servers;
  for (const Backup& backup : backups) {
    if (backup.manifest && is_of(backup, wanted.database)) {
      servers.insert(backup.manifest->system_identifier);
    }
  }
  return servers.size() < 2;
}

}  // namespace pgstow
