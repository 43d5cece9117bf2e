// Statistics for the planner of a database that was just filled.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "pg/sessions.h"

namespace pgstow::pg {

// Runs ANALYZE on every table, materialized view and partitioned table of the database that open()
// leads to, or of some schemas of it, in as many sessions, the largest first. Returns a line for
// each that could not be analyzed; the planner is then left to autovacuum.
std::vector<std::string> analyze(const OpenSession& open, unsigned sessions,
                                 const std::stop_token& stop,
                                 const std::vector<std::string>& schemas = {});

}  // namespace pgstow::pg
