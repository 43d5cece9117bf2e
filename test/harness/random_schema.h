// Schemas made at random, for tests of what goes through a dump and comes back.
#pragma once

#include <cstdint>
#include <string>

namespace pgstow::test {

// Statements that make the schema `name` with tables of many kinds and some rows: partitions,
// identity and generated columns, foreign keys, also in circles, indexes of several methods,
// triggers and rules that fail when they fire, materialized views on materialized views, large
// objects. The same for the same seed.
std::string random_schema(const std::string& name, std::uint64_t seed);

}  // namespace pgstow::test
