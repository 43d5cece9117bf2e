// libpq's connection, owned, before it is one of ours (connection.h).
#pragma once

#include <libpq-fe.h>

#include <memory>

#include "pg/connection.h"

namespace pgstow::pg {

struct FinishConnection {
  void operator()(PGconn* conn) const noexcept { PQfinish(conn); }
};
using LibpqConnection = std::unique_ptr<PGconn, FinishConnection>;

// Begins to connect with these parameters (PQconnectStartParams). None of them is taken apart: a
// database called "host=evil" is a name, not a connection string.
LibpqConnection begin_connecting(const Parameters& parameters);

}  // namespace pgstow::pg
