#include "backup/selection.h"

#include <fmt/format.h>

#include <utility>

#include "base/error.h"
#include "base/text.h"

namespace pgstow {
namespace {

[[noreturn]] void no_such_backup(const std::string& choice, const std::vector<Backup>& backups) {
  std::vector<std::string> names;
  names.reserve(backups.size());
  for (const Backup& backup : backups) names.push_back(backup.key);
  const auto close = nearest(choice, names);
  throw NotFound(fmt::format("no backup \"{}\"", printable(choice)),
                 close ? "did you mean " + *close + "?" : "`pgstow list` shows them");
}

const Backup& newest(const std::vector<Backup>& backups, const std::string& database) {
  bool others = false;
  const Backup* unproven = nullptr;
  for (const Backup& backup : backups) {
    if (backup.state() == "damaged") continue;
    if (!backup.manifest) {
      if (unproven == nullptr) unproven = &backup;
    } else if (database.empty() || backup.database() == database) {
      return backup;
    } else {
      others = true;
    }
  }
  if (unproven != nullptr) return *unproven;
  throw NotFound(
      "No backups found" + (others ? " of database " + printable(database) : ""),
      others ? "there are backups of other databases: name one by its number in "
               "`pgstow list`"
             : "make one with `pgstow backup`, or point BACKUP_LOCAL_PATH to where they lie");
}

}  // namespace

const Backup& select_backup(const std::vector<Backup>& backups, const std::string& choice,
                            const std::string& database) {
  if (choice.empty() || choice == "latest") return newest(backups, database);
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

}  // namespace pgstow
