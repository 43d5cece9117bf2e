#include "pg/globals.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/text.h"
#include "pg/child_command.h"
#include "pg/conninfo.h"
#include "pg/role_sql.h"
#include "pg/sql_text.h"

namespace pgstow::pg {
namespace {

// A transaction in which the globals' text means what it meant where it was written; undone unless
// it is committed. Failing to undo it needs no word: the session is lost then, and the server does.
class AsWritten {
 public:
  AsWritten(Connection& session, const RoleSql& sql) : session_(session) {
    session_.query("begin");
    try {
      if (!sql.encoding.empty()) {
        session_.query("set local client_encoding = " + quote_literal(sql.encoding));
      }
      session_.query(sql.standard_strings ? "set local standard_conforming_strings = on"
                                          : "set local standard_conforming_strings = off");
    } catch (...) {
      undo();
      throw;
    }
  }
  AsWritten(const AsWritten&) = delete;
  AsWritten& operator=(const AsWritten&) = delete;
  ~AsWritten() {
    if (!committed_) undo();
  }
  void commit() {
    session_.query("commit");
    committed_ = true;
  }

 private:
  void undo() noexcept {
    try {
      session_.query("rollback");
    } catch (const std::exception&) {
      return;
    }
  }

  Connection& session_;
  bool committed_ = false;
};

std::vector<std::string> missing_roles(Connection& maintenance, const RoleSql& sql) {
  std::set<std::string> there;
  const Result r = maintenance.query("select rolname from pg_catalog.pg_roles");
  for (int i = 0; i < r.rows(); ++i) there.insert(r.text(i, 0));
  std::vector<std::string> missing;
  for (const RoleStatement& statement : sql.statements) {
    if (!statement.creates) continue;
    const std::string& role = *statement.roles.begin();
    if (!there.contains(role)) missing.push_back(role);
  }
  return missing;
}

}  // namespace

Tool tool_beside(const Tool& tool, const std::string& name) {
  Tool beside = tool;
  beside.path.replace_filename(name);
  return beside;
}

bool may_read_passwords(Connection& session) {
  return session.query("select pg_catalog.has_table_privilege('pg_catalog.pg_authid', 'select')")
      .flag(0, 0);
}

// The database goes as a conninfo string, since a name may look like one, and stands in no other
// place, since libpq would expand the first that it finds.
Globals read_globals(Connection& session, const Tool& pg_dumpall, const std::string& encoding,
                     const Wait& wait) {
  Globals globals{.sql = {}, .passwords = may_read_passwords(session)};
  Parameters server = session.parameters_for_children();
  server.erase("dbname");
  std::vector<std::string> arguments{"--globals-only", "--encoding=" + encoding,
                                     "--database=" + to_conninfo({{"dbname", session.database()}})};
  if (!globals.passwords) arguments.emplace_back("--no-role-passwords");
  Command command = tool_command(pg_dumpall, arguments, server);
  command.pipe_out = true;
  globals.sql = run_command(std::move(command), wait);
  return globals;
}

std::vector<std::string> roles_to_create(Connection& maintenance, std::string_view globals) {
  const RoleSql sql = parse_role_sql(globals);
  const AsWritten transaction(maintenance, sql);
  return missing_roles(maintenance, sql);
}

std::vector<std::string> create_roles(Connection& maintenance, std::string_view globals) {
  const RoleSql sql = parse_role_sql(globals);
  AsWritten transaction(maintenance, sql);
  const std::vector<std::string> created = missing_roles(maintenance, sql);
  for (const RoleStatement& statement : sql.statements) {
    const auto is_new = [&](const std::string& role) {
      return std::ranges::find(created, role) != created.end();
    };
    if (std::ranges::none_of(statement.roles, is_new)) continue;
    try {
      maintenance.query(statement.sql);
    } catch (Error& e) {
      e.within("creating role " + printable(*statement.roles.begin()));
      throw;
    }
  }
  transaction.commit();
  return created;
}

}  // namespace pgstow::pg
