// Row-level security that binds the owners of tables, too (ALTER TABLE ... FORCE).
#pragma once

#include <string>
#include <vector>

#include "pg/connection.h"

namespace pgstow::pg {

// Lets the session's role read and write all rows of those of the tables (quoted names), and of
// what is below them, that it owns. Returns the statements that force their policies on it again;
// none where it was free of them anyway. Each such table is locked for the moment or, in a
// transaction, until its end.
std::vector<std::string> stop_forcing(Connection& session, const std::vector<std::string>& tables);

// The same for as long as the object is there. The session is lent.
class FreedOwner {
 public:
  FreedOwner(Connection& session, const std::vector<std::string>& tables);
  FreedOwner(const FreedOwner&) = delete;
  FreedOwner& operator=(const FreedOwner&) = delete;
  // Without force_again(), after an error, it does what it can.
  ~FreedOwner();

  void force_again();

 private:
  Connection& session_;
  std::vector<std::string> again_;
};

}  // namespace pgstow::pg
