#include "pg/slice.h"

#include <fmt/format.h>

#include <algorithm>

namespace pgstow::pg {
namespace {

std::uint64_t pages_at_once(const BigTable& table, std::uint64_t slice_bytes) {
  const double page = static_cast<double>(table.bytes) / static_cast<double>(table.pages);
  return std::max<std::uint64_t>(
      1, static_cast<std::uint64_t>(static_cast<double>(slice_bytes) / page));
}

}  // namespace

std::vector<Slice> slices_of(const std::vector<BigTable>& tables, std::uint64_t slice_bytes,
                             int server_major) {
  std::vector<Slice> slices;
  for (std::size_t i = 0; i < tables.size(); ++i) {
    Slice slice{.table = i};
    if (reads_ranges(server_major) && tables[i].pages > 0) {
      const std::uint64_t step = pages_at_once(tables[i], slice_bytes);
      for (; slice.from + step < tables[i].pages; slice.from += step) {
        slices.push_back({.table = i, .from = slice.from, .to = slice.from + step});
      }
    }
    slices.push_back(slice);  // without an end: the number of pages was an answer of its moment
  }
  return slices;
}

// ONLY, since SELECT would read the inheritance children, too; COPY of a table does not.
std::string copy_range(const std::string& relation, const std::string& columns, std::uint64_t from,
                       const std::optional<std::uint64_t>& to) {
  const std::string end = to ? fmt::format(" AND ctid < '({},0)'", *to) : "";
  return fmt::format("COPY (SELECT {} FROM ONLY {} WHERE ctid >= '({},0)'{}) TO STDOUT", columns,
                     relation, from, end);
}

std::string copy_statement(const BigTable& table, const Slice& slice) {
  if (slice.whole()) {
    const std::string columns = table.columns.empty() ? "" : " (" + table.columns + ")";
    return fmt::format("COPY {}{} TO STDOUT", table.relation, columns);
  }
  return copy_range(table.relation, table.columns, slice.from, slice.to);
}

}  // namespace pgstow::pg
