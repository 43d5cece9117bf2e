#include "pg/row_security.h"

#include <algorithm>
#include <chrono>

#include "base/error.h"
#include "base/text.h"

namespace pgstow::pg {
namespace {

// Of all tables, since there are seldom any: an array of oids.
std::string bound_tables(Connection& session) {
  const Result r = session.query(
      "select oid from pg_catalog.pg_class where relkind in ('r', 'p') and relrowsecurity and "
      "relforcerowsecurity and pg_catalog.row_security_active(oid) and "
      "pg_catalog.pg_has_role(relowner, 'usage')");
  std::vector<std::string> oids;
  for (int i = 0; i < r.rows(); ++i) oids.push_back(r.text(i, 0));
  return "{" + join(oids, ",") + "}";
}

// A table, and all that is below it: whoever reads it checks a foreign key by reading these.
std::vector<std::string> tree_of(Connection& session, const std::string& table,
                                 const std::string& oids) {
  const Result r = session.query(
      "with recursive tree as (select pg_catalog.to_regclass($1)::oid as oid union "
      "select i.inhrelid from tree t join pg_catalog.pg_inherits i on i.inhparent = t.oid) "
      "select pg_catalog.format('%I.%I', n.nspname, c.relname) from tree t "
      "join pg_catalog.pg_class c on c.oid = t.oid and c.oid = any ($2::oid[]) "
      "join pg_catalog.pg_namespace n on n.oid = c.relnamespace",
      {table, oids});
  std::vector<std::string> names;
  for (int i = 0; i < r.rows(); ++i) names.push_back(r.text(i, 0));
  return names;
}

}  // namespace

std::vector<std::string> stop_forcing(Connection& session, const std::vector<std::string>& tables) {
  const std::string bound = bound_tables(session);
  std::vector<std::string> again;
  if (bound == "{}") return again;
  for (const std::string& table : tables) {
    for (const std::string& one : tree_of(session, table, bound)) {
      const std::string force = "alter table only " + one + " force row level security";
      if (std::ranges::count(again, force) > 0) continue;
      session.query("alter table only " + one + " no force row level security");
      again.push_back(force);
    }
  }
  return again;
}

FreedOwner::FreedOwner(Connection& session, const std::vector<std::string>& tables)
    : session_(session) {
  session.query("set default_transaction_read_only = off");
  session.query("begin");  // all or, if it is cut short, none
  again_ = stop_forcing(session, tables);
  session.query("commit");
}

// A stop may be what ended the work; it must not end this.
FreedOwner::~FreedOwner() {
  constexpr std::chrono::seconds kPatience{30};
  session_.stop_by({});
  for (const std::string& statement : again_) {
    try {
      session_.query_within(kPatience, statement);
    } catch (const Error&) {  // the error that led here is on its way
      continue;
    }
  }
}

void FreedOwner::force_again() {
  for (const std::string& statement : again_) session_.query(statement);
  again_.clear();
}

}  // namespace pgstow::pg
