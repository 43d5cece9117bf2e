#include "pg/sessions.h"

#include <algorithm>

namespace pgstow::pg {

std::vector<Connection> open_sessions(const OpenSession& open, unsigned most,
                                      const std::stop_token& stop) {
  std::vector<Connection> sessions;
  for (unsigned i = 0; i < std::max(most, 1U); ++i) {
    try {
      sessions.push_back(open(stop));
    } catch (const Transient&) {  // no room, since others came meanwhile
      if (sessions.empty()) throw;
      break;
    }
  }
  return sessions;
}

}  // namespace pgstow::pg
