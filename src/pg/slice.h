// A slice: the part of one table that one session reads with one statement.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pg/big_tables.h"

namespace pgstow::pg {

struct Slice {
  std::size_t table;                     // its place among the tables
  std::uint64_t from = 0;                // first page
  std::optional<std::uint64_t> to = {};  // the page after the last one; nothing: to the end
  std::uint64_t bytes = 0;               // that its rows are expected to take
  bool whole() const { return from == 0 && !to; }
};

// Only servers from 14 on read a range of pages without reading the pages before it.
constexpr bool reads_ranges(int server_major) { return server_major >= 14; }

// The COPY of a range of a table's pages, without an end where there is no `to`. `relation` and
// `columns` as they are written in SQL.
std::string copy_range(const std::string& relation, const std::string& columns, std::uint64_t from,
                       const std::optional<std::uint64_t>& to);

// All rows of all tables, in their order; each table as one slice, or cut into ranges of pages. One
// takes as much text as `slice_bytes` of a heap are expected to; where values lie beside the heap,
// it has fewer of its pages, and one at least.
std::vector<Slice> whole_tables(const std::vector<BigTable>& tables);
std::vector<Slice> ranges_of(const std::vector<BigTable>& tables, std::uint64_t slice_bytes);

// The COPY that reads it. The slices of a table, one after the other, are the rows that pg_dump
// would read, in its order.
std::string copy_statement(const BigTable& table, const Slice& slice);

}  // namespace pgstow::pg
