#include "pg/needs.h"

#include <fmt/format.h>

#include <utility>

#include "base/text.h"
#include "pg/sql_text.h"

namespace pgstow::pg {
namespace {

std::set<std::string> roles_with_settings(const TocEntry& entry) {
  std::set<std::string> roles;
  if (entry.desc != "DATABASE PROPERTIES" || !entry.defn) return roles;
  for (const std::string& statement : split_statements(*entry.defn)) {
    if (auto role = role_of_setting(statement)) roles.insert(std::move(*role));
  }
  return roles;
}

// What a server must have before the archive can be restored there.
struct Needs {
  std::set<std::string> roles;
  std::set<std::string> tablespaces;
  std::set<std::string> extensions;
};

Needs needs_of(const ArchiveHeader& archive, const CreateOptions& options) {
  Needs needs;
  for (const TocEntry& entry : archive.toc) {
    if (!options.no_owner && entry.owner && !entry.owner->empty()) needs.roles.insert(*entry.owner);
    if (!options.no_privileges && entry.defn &&
        (entry.desc == "ACL" || entry.desc == "DEFAULT ACL")) {
      needs.roles.merge(roles_of_acl(*entry.defn));
    }
    if (!options.no_owner) needs.roles.merge(roles_with_settings(entry));
    if (entry.tablespace && !entry.tablespace->empty()) needs.tablespaces.insert(*entry.tablespace);
    if (entry.desc == "EXTENSION") needs.extensions.insert(entry.tag);
  }
  return needs;
}

std::set<std::string> names_of(const Result& r) {
  std::set<std::string> names;
  for (int i = 0; i < r.rows(); ++i) names.insert(r.text(i, 0));
  return names;
}

}  // namespace

std::set<std::string> roles_with_settings(const ArchiveHeader& archive) {
  std::set<std::string> roles;
  for (const TocEntry& entry : archive.toc) roles.merge(roles_with_settings(entry));
  return roles;
}

std::vector<std::string> missing_roles(Connection& maintenance, const ArchiveHeader& archive,
                                       const CreateOptions& options) {
  const std::set<std::string> there =
      names_of(maintenance.query("select rolname from pg_catalog.pg_roles"));
  std::vector<std::string> missing;
  for (const std::string& role : needs_of(archive, options).roles) {
    if (!there.contains(role)) missing.push_back(role);
  }
  return missing;
}

std::vector<std::string> missing_on_server(Connection& maintenance, const ArchiveHeader& archive,
                                           const CreateOptions& options) {
  const Needs needs = needs_of(archive, options);
  std::vector<std::string> missing;
  const auto report = [&](const std::set<std::string>& wanted, const std::string& present,
                          const auto& text) {
    const std::set<std::string> there = names_of(maintenance.query(present));
    for (const std::string& name : wanted) {
      if (!there.contains(name)) missing.push_back(text(name));
    }
  };
  report(needs.roles, "select rolname from pg_catalog.pg_roles", [](const std::string& name) {
    return fmt::format("role {}: CREATE ROLE {};", printable(name), quote_identifier(name));
  });
  report(needs.tablespaces, "select spcname from pg_catalog.pg_tablespace",
         [](const std::string& name) {
           return fmt::format("tablespace {}: CREATE TABLESPACE {} LOCATION '...';",
                              printable(name), quote_identifier(name));
         });
  report(needs.extensions, "select name from pg_catalog.pg_available_extensions",
         [](const std::string& name) {
           return fmt::format("extension {}: install its package on the server", name);
         });
  return missing;
}

}  // namespace pgstow::pg
