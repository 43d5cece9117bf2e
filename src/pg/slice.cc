#include "pg/slice.h"

#include <fmt/format.h>

#include <algorithm>

namespace pgstow::pg {
namespace {

constexpr std::uint64_t kPageBytes = 8192;

// What is stored, as text: numbers and times grow, a half perhaps; what is compressed, four times.
std::uint64_t as_text(std::uint64_t bytes) { return bytes * 3 / 2; }
std::uint64_t at_most_as_text(std::uint64_t bytes) { return bytes * 4; }

// What lies beside the heap is mostly compressed.
std::uint64_t expected_text(const BigTable& table) {
  const std::uint64_t heap = std::min(table.bytes, table.pages * kPageBytes);
  return as_text(heap) + at_most_as_text(table.bytes - heap);
}

}  // namespace

std::vector<Slice> whole_tables(const std::vector<BigTable>& tables) {
  std::vector<Slice> slices;
  slices.reserve(tables.size());
  for (std::size_t i = 0; i < tables.size(); ++i) {
    slices.push_back({.table = i, .bytes = at_most_as_text(tables[i].bytes)});
  }
  return slices;
}

std::vector<Slice> ranges_of(const std::vector<BigTable>& tables, std::uint64_t slice_bytes) {
  std::vector<Slice> slices;
  for (std::size_t i = 0; i < tables.size(); ++i) {
    const std::uint64_t text = expected_text(tables[i]);
    Slice slice{.table = i, .bytes = text};
    if (tables[i].pages > 0) {
      const std::uint64_t page = std::max<std::uint64_t>(text / tables[i].pages, 1);
      const std::uint64_t step = std::max<std::uint64_t>(as_text(slice_bytes) / page, 1);
      slice.bytes = std::min(text, step * page);
      for (; slice.from + step < tables[i].pages; slice.from += step) {
        slice.to = slice.from + step;
        slices.push_back(slice);
      }
      slice.to.reset();  // the number of pages was an answer of its moment
    }
    slices.push_back(slice);
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
