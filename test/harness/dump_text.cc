#include "harness/dump_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <numeric>
#include <vector>

#include "base/error.h"
#include "base/text.h"
#include "harness/program.h"

namespace pgstow::test {
namespace {

using Lines = std::vector<std::string_view>;

constexpr std::size_t kLongestStatement = 8;  // lines of a COPY statement: names may hold newlines

// The place behind a quoted or plain run of `text` from `at` where one of `stops` stands unquoted.
std::size_t find_unquoted(std::string_view text, std::string_view stops, std::size_t at) {
  bool quoted = false;
  for (; at < text.size(); ++at) {
    if (text[at] == '"') quoted = !quoted;  // a doubled quote closes and opens again
    if (!quoted && stops.find(text[at]) != std::string_view::npos) return at;
  }
  return std::string_view::npos;
}

struct Copy {
  std::string target;                // "COPY s.t"
  std::vector<std::string> columns;  // quoted as they stand
};

// Parses "COPY s.t (a, "b c") FROM stdin;"; a table without columns has no list.
Copy parse_copy(const std::string& statement) {
  Copy copy;
  const std::size_t open = find_unquoted(statement, "(", 0);
  if (open == std::string::npos) return {.target = statement, .columns = {}};
  copy.target = statement.substr(0, open);
  for (std::size_t begin = open + 1;;) {
    const std::size_t end = find_unquoted(statement, ",)", begin);
    if (end == std::string::npos) throw Error("dump: odd COPY statement: " + statement);
    copy.columns.emplace_back(trim(std::string_view(statement).substr(begin, end - begin)));
    if (statement[end] == ')') return copy;
    begin = end + 1;
  }
}

// Rows of all COPY statements, under statements whose columns are in order of their names.
class Rows {
 public:
  void open(const std::string& statement) {
    const Copy copy = parse_copy(statement);
    order_.resize(copy.columns.size());
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    std::ranges::sort(order_, {}, [&](std::size_t i) { return copy.columns[i]; });
    std::vector<std::string> sorted;
    for (const std::size_t i : order_) sorted.push_back(copy.columns[i]);
    rows_ = &by_target_[copy.target + "(" + join(sorted, ", ") + ")"];
  }

  void add(std::string_view row) {
    const Lines fields = split(row, '\t');
    if (fields.size() != order_.size()) return rows_->emplace_back(row), void();
    std::string sorted;
    for (const std::size_t i : order_) sorted.append(fields[i]).append("\t");
    rows_->push_back(std::move(sorted));
  }

  void print(std::string& out) {
    for (auto& [target, rows] : by_target_) {
      std::ranges::sort(rows);
      out += target + "\n";
      for (const std::string& row : rows) out += row + "\n";
      out += "\\.\n";
    }
  }

 private:
  std::map<std::string, std::vector<std::string>> by_target_;
  std::vector<std::size_t> order_;
  std::vector<std::string>* rows_ = nullptr;
};

bool is_noise(std::string_view line) {
  static constexpr std::array<std::string_view, 7> kPrefixes = {
      "\\restrict ",   "\\unrestrict ",   "-- Dumped ",        "-- PostgreSQL database dump",
      "-- Started on", "-- Completed on", "-- Data for Name: "};
  static constexpr std::array<std::string_view, 4> kLines = {"", "--", "BEGIN;", "COMMIT;"};
  return std::ranges::any_of(kPrefixes, [&](auto prefix) { return line.starts_with(prefix); }) ||
         std::ranges::find(kLines, line) != kLines.end();
}

// Takes the statement that ends in the last of `lines` out of them: from its line "COPY ...".
// Empty when there is none, which is a table called "t FROM stdin;" in some other statement.
std::string take_copy(Lines& lines) {
  std::string statement;
  for (std::size_t n = 1; n <= std::min(lines.size(), kLongestStatement); ++n) {
    const std::string_view line = lines[lines.size() - n];
    statement = n == 1 ? std::string(line) : std::string(line) + "\n" + statement;
    if (!line.starts_with("COPY ")) continue;
    lines.resize(lines.size() - n);
    return statement;
  }
  return {};
}

// A restored child has the columns of its parents first. Called when `lines` ends in "INHERITS
// (...": puts the column lines of its CREATE TABLE in order.
void sort_columns_of_child(Lines& lines) {
  const auto is_column = [](std::string_view line) { return line.starts_with("    "); };
  const std::size_t end = lines.size() - 2;  // the line ")"
  std::size_t begin = end;
  while (begin > 0 && is_column(lines[begin - 1])) --begin;
  for (std::size_t i = begin; i < end; ++i) {
    if (lines[i].ends_with(',')) lines[i].remove_suffix(1);
  }
  std::sort(lines.begin() + static_cast<std::ptrdiff_t>(begin),
            lines.begin() + static_cast<std::ptrdiff_t>(end));
}

}  // namespace

std::string comparable(std::string_view plain_dump) {
  Lines schema;
  Rows rows;
  std::map<std::string, std::string> large_objects;  // by "SELECT pg_catalog.lo_open('OID', ..."
  bool in_copy = false;
  std::string* object = nullptr;
  for (const std::string_view line : split(plain_dump, '\n')) {
    if (in_copy) {
      in_copy = line != "\\.";
      if (in_copy) rows.add(line);
    } else if (object != nullptr || line.starts_with("SELECT pg_catalog.lo_open('")) {
      if (object == nullptr) object = &large_objects[std::string(line)];
      object->append(line).append("\n");
      if (line.starts_with("SELECT pg_catalog.lo_close(")) object = nullptr;
    } else if (!is_noise(line)) {
      schema.push_back(line);
      if (line.starts_with("INHERITS (") && schema.size() > 2) sort_columns_of_child(schema);
      if (!line.ends_with(" FROM stdin;")) continue;
      const std::string statement = take_copy(schema);
      in_copy = !statement.empty();
      if (in_copy) rows.open(statement);
    }
  }
  if (in_copy || object != nullptr) throw Error("dump: it is cut");
  std::string out;
  for (const std::string_view line : schema) out.append(line).append("\n");
  rows.print(out);
  for (const auto& [open, text] : large_objects) out += text;
  return out;
}

std::string dump_text(const TestServer& server, const std::string& database) {
  return comparable(
      run_ok({.argv = {postgres_programs() / "pg_dump", "--blobs", "-d", server.url(database)}}));
}

std::string database_properties(const TestServer& server, const std::string& database) {
  std::string out;
  for (const Row& row : server.sql(database, R"(
      SELECT concat_ws(' ', 'owner', datdba::regrole, 'encoding', pg_encoding_to_char(encoding),
                       'collate', datcollate, 'ctype', datctype, 'limit', datconnlimit,
                       'comment', shobj_description(oid, 'pg_database'))
        FROM pg_database WHERE datname = current_database()
      UNION ALL
      (SELECT concat_ws(' ', 'privilege', a.grantor::regrole, a.grantee::regrole,
                        a.privilege_type, a.is_grantable)
         FROM pg_database, aclexplode(datacl) a WHERE datname = current_database() ORDER BY 1)
      UNION ALL
      (SELECT concat_ws(' ', 'setting', CASE WHEN setrole <> 0 THEN setrole::regrole END,
                        setting)
         FROM pg_db_role_setting, unnest(setconfig) AS setting
        WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
        ORDER BY 1))")) {
    out += row.at(0) + "\n";
  }
  return out;
}

std::string first_difference(std::string_view expected, std::string_view actual) {
  if (expected == actual) return {};
  const Lines left = split(expected, '\n');
  const Lines right = split(actual, '\n');
  std::size_t at = 0;
  while (at < left.size() && at < right.size() && left[at] == right[at]) ++at;
  const auto around = [at](const Lines& lines) {
    std::string text;
    for (std::size_t i = at < 3 ? 0 : at - 3; i < std::min(at + 4, lines.size()); ++i) {
      text += fmt::format("{:>7} {}\n", i + 1, lines[i].substr(0, 300));
    }
    return text;
  };
  return "expected:\n" + around(left) + "actual:\n" + around(right);
}

}  // namespace pgstow::test
