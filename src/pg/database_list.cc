#include "pg/database_list.h"

#include "pg/database.h"

namespace pgstow::pg {

std::vector<std::string> databases_to_back_up(Connection& session) {
  // -2: what a DROP DATABASE that was interrupted leaves behind (DATCONNLIMIT_INVALID_DB).
  const Result r = session.query(
      "select datname from pg_catalog.pg_database "
      "where datallowconn and not datistemplate and datconnlimit <> -2");
  std::vector<std::string> names;
  for (int i = 0; i < r.rows(); ++i) {
    if (!is_beside_another(r.text(i, 0))) names.push_back(r.text(i, 0));
  }
  return names;
}

}  // namespace pgstow::pg
