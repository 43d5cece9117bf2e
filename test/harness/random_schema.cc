#include "harness/random_schema.h"

#include <array>
#include <random>
#include <vector>

namespace pgstow::test {
namespace {

struct ColumnKind {
  const char* type;
  const char* value;  // of row i
};

constexpr std::array<ColumnKind, 12> kColumns{{
    {"int", "i % 17"},
    {"bigint", "i::bigint * 1000000007"},
    {"text", "repeat(md5(i::text), i % 5)"},
    {"text", "E'tab\\t line\\n back\\\\ \\\\. ' || i"},
    {"numeric(20, 5)", "i / 7.0"},
    {"float8", "sqrt(i)"},
    {"timestamptz", "timestamptz '2026-01-01 UTC' + i * interval '1 hour'"},
    {"jsonb", "jsonb_build_object('i', i, 'a', array[i, null])"},
    {"bytea", "decode(md5(i::text), 'hex')"},
    {"int[]", "array[i, null, -i]"},
    {"boolean", "nullif(i % 3, 0) = 1"},
    {"text", "nullif(i % 4, 0)::text"},
}};

std::string quoted(const std::string& name) {
  std::string out = "\"";
  for (const char c : name) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

struct Table {
  std::string name;  // quoted, with its schema
  bool partitioned = false;
};

class Maker {
 public:
  Maker(const std::string& schema, std::uint64_t seed)
      : schema_(quoted(schema)),
        random_(seed),
        sql_("set client_min_messages = warning; create schema " + schema_ + ";\n") {
    sql_ += "create function " + schema_ +
            ".fail() returns trigger language plpgsql as "
            "$$ begin raise exception 'a trigger fired'; end $$;\n";
  }

  std::string make() {
    const int count = 2 + upto(4);
    for (int i = 0; i < count; ++i) add_table(i);
    for (int i = 0; i < count; ++i) add_foreign_key(i);
    for (const Table& table : tables_) add_late_parts(table);
    add_views();
    add_large_objects();
    return sql_;
  }

 private:
  int upto(int limit) { return static_cast<int>(random_() % static_cast<unsigned>(limit)); }
  bool maybe() { return upto(2) == 0; }

  std::string name(const std::string& stem) {
    static constexpr std::array<const char*, 6> kOdd{"", "Upper ", "it's ", "a\"b ", "ü☂ ", "--x="};
    return quoted(kOdd[static_cast<std::size_t>(upto(kOdd.size()))] + stem);
  }

  void add_table(int number) {
    Table table{.name = schema_ + "." + name("t" + std::to_string(number)),
                .partitioned = upto(3) == 0};
    const char* identity = maybe() ? " generated always as identity" : "";
    std::string columns = std::string("id int not null") + (table.partitioned ? "" : identity);
    std::string values = "i";
    std::string names = "id";
    const int count = upto(6);
    for (int i = 0; i < count; ++i) {
      const ColumnKind& kind = kColumns[static_cast<std::size_t>(upto(kColumns.size()))];
      const std::string column = name("c" + std::to_string(i));
      columns += ", " + column + " " + kind.type + (maybe() ? " default null" : "");
      names += ", " + column;
      values += std::string(", ") + kind.value;
    }
    columns += ", ref int, check (id > 0)";
    if (maybe()) columns += ", twice int generated always as (id * 2) stored";
    sql_ += "create table " + table.name + " (" + columns + ")";
    if (table.partitioned) {
      add_partitions(table);
    } else {
      sql_ += ";\n";
    }
    if (maybe()) sql_ += "alter table " + table.name + " add gone text default 'x';\n";
    const int rows = upto(4) == 0 ? 0 : 1 + upto(150);
    rows_.push_back(rows);
    sql_ += "insert into " + table.name + " (" + names + ") overriding system value select " +
            values + " from generate_series(1, " + std::to_string(rows) + ") i;\n";
    sql_ += "alter table " + table.name + " drop column if exists gone;\n";
    sql_ += "alter table " + table.name + " add primary key (id);\n";
    tables_.push_back(table);
  }

  void add_partitions(const Table& table) {
    const bool hash = maybe();
    sql_ += std::string(" partition by ") + (hash ? "hash" : "range") + " (id);\n";
    for (int i = 0; i < 3; ++i) {
      const std::string part = schema_ + "." + name("p" + std::to_string(parts_++));
      sql_ += "create table " + part + " partition of " + table.name + " ";
      sql_ += hash     ? "for values with (modulus 3, remainder " + std::to_string(i) + ");\n"
              : i == 2 ? "default;\n"
                       : "for values from (" + std::to_string(i * 50) + ") to (" +
                             std::to_string(i * 50 + 50) + ");\n";
    }
  }

  // To itself, or to any other: circles come about.
  void add_foreign_key(int from) {
    if (upto(4) == 0) return;
    const auto to = static_cast<std::size_t>(upto(static_cast<int>(tables_.size())));
    const std::string& table = tables_[static_cast<std::size_t>(from)].name;
    if (rows_[to] > 0) {
      sql_ += "update " + table + " set ref = 1 + id % " + std::to_string(rows_[to]) + ";\n";
    }
    sql_ += "alter table " + table + " add foreign key (ref) references " + tables_[to].name +
            (maybe() ? " on delete cascade;\n" : " deferrable initially deferred;\n");
  }

  void add_late_parts(const Table& table) {
    if (maybe()) sql_ += "create index on " + table.name + " (ref desc nulls last);\n";
    if (maybe()) sql_ += "create index on " + table.name + " using gin ((array[id, ref]));\n";
    if (maybe()) sql_ += "create index on " + table.name + " using brin (id);\n";
    if (maybe()) sql_ += "create index on " + table.name + " using hash (ref) where id > 7;\n";
    if (maybe()) {
      sql_ += "create trigger " + name("stop") + " after insert on " + table.name +
              " for each row execute function " + schema_ + ".fail();\n";
    }
    if (maybe()) {
      sql_ +=
          "alter table " + table.name + " enable row level security, force row level security;\n";
    }
    if (maybe()) sql_ += "comment on table " + table.name + " is 'of ''chance''';\n";
    if (maybe()) sql_ += "revoke all on " + table.name + " from current_user;\n";
  }

  void add_views() {
    const std::string first = schema_ + "." + name("m");
    const std::string second = schema_ + "." + name("a_second");  // sorted before the first
    sql_ += "create materialized view " + first + " as select id, ref from " +
            tables_[static_cast<std::size_t>(upto(static_cast<int>(tables_.size())))].name + ";\n";
    sql_ += "create unique index on " + first + " (id);\n";
    sql_ += "create materialized view " + second + " as select count(*) as n, max(ref) from " +
            first + (maybe() ? ";\n" : " with no data;\n");
    sql_ += "create view " + schema_ + "." + name("v") + " as select * from " + second + ";\n";
    sql_ += "create unlogged table " + schema_ + "." + name("u") +
            " as select generate_series(1, " + std::to_string(upto(50)) + ") as n;\n";
    sql_ += "create sequence " + schema_ + "." + name("s") + " start " +
            std::to_string(1 + upto(99)) + ";\n";
  }

  void add_large_objects() {
    const int count = upto(4);
    for (int i = 0; i < count; ++i) {
      sql_ += "select lo_from_bytea(0, decode(repeat(md5('" + std::to_string(random_()) + "'), " +
              std::to_string(upto(6000)) + "), 'hex'));\n";
    }
  }

  std::string schema_;
  std::mt19937_64 random_;
  std::string sql_;
  std::vector<Table> tables_;
  std::vector<int> rows_;
  int parts_ = 0;
};

}  // namespace

std::string random_schema(const std::string& name, std::uint64_t seed) {
  return Maker(name, seed).make();
}

}  // namespace pgstow::test
