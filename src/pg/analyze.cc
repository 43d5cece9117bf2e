#include "pg/analyze.h"

#include "base/text.h"
#include "pg/server.h"
#include "pg/server_error.h"
#include "pg/sql_text.h"

namespace pgstow::pg {
namespace {

// A partition comes with its root.
std::vector<std::string> tables(Connection& session, const std::vector<std::string>& schemas) {
  const Result r = session.query(
      "select c.oid::pg_catalog.regclass from pg_catalog.pg_class c "
      "join pg_catalog.pg_namespace n on n.oid = c.relnamespace "
      "where c.relkind in ('r', 'm', 'p') and not c.relispartition "
      "and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' "
      "and ($1::text[] = '{}' or n.nspname = any ($1::text[])) "
      "order by pg_catalog.pg_relation_size(c.oid) desc",
      {array_literal(schemas)});
  std::vector<std::string> names;
  for (int i = 0; i < r.rows(); ++i) names.push_back(r.text(i, 0));
  return names;
}

std::string analyze_one(Connection& session, const std::string& table) {
  try {
    session.query("analyze " + table);
  } catch (const ServerError& e) {
    return printable(table) + ": " + e.what();
  }
  return "";
}

}  // namespace

std::vector<std::string> analyze(const OpenSession& open, unsigned sessions,
                                 const std::stop_token& stop,
                                 const std::vector<std::string>& schemas) {
  const auto open_prepared = [&](std::stop_token token) {
    Connection session = open(std::move(token));
    forbid_timeouts(session);
    session.query("set default_transaction_read_only = off");
    // Names come and go as they are in the database: not every one can be converted.
    session.query(
        "select pg_catalog.set_config('client_encoding', pg_catalog.pg_encoding_to_char(encoding), "
        "false) from pg_catalog.pg_database where datname = pg_catalog.current_database()");
    return session;
  };
  Connection session = open_prepared(stop);
  const std::vector<std::string> names = tables(session, schemas);
  SessionTasks<std::string> tasks(open_prepared, sessions, stop);
  for (const std::string& name : names) {
    tasks.submit([&name](Connection& one) { return analyze_one(one, name); });
  }
  std::vector<std::string> problems;
  for (std::size_t i = 0; i < names.size(); ++i) {
    std::string problem = tasks.next();
    if (!problem.empty()) problems.push_back(std::move(problem));
  }
  return problems;
}

}  // namespace pgstow::pg
