// Which tables' rows can be loaded in COPY's binary format.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "pg/archive.h"
#include "pg/binary_copy.h"
#include "pg/connection.h"

namespace pgstow::pg {

// By the dump id of a table's TABLE DATA: the forms of its columns, in the order of its COPY.
using ValueForms = std::map<int, std::vector<ColumnForm>>;

inline constexpr std::uint64_t kLeastBinaryBytes = std::uint64_t{1} << 20;

// Asks the server for the types that the columns have there. Left out are tables that have a column
// of a type that isn't known here; those of which there are less than `least_bytes` of rows, for
// which the question would cost more than it brings; and those that an extension makes: their keys
// are there before the rows, so all have to come by one COPY, which a binary one might not be to
// the end. `bytes` as for restore_after_rows().
ValueForms value_forms(Connection& session, const ArchiveHeader& archive,
                       const std::map<int, std::uint64_t>& bytes,
                       std::uint64_t least_bytes = kLeastBinaryBytes);

}  // namespace pgstow::pg
