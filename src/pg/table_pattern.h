// Which tables a word of the user means: `orders`, `public.orders`, `sales.*`, `"Odd Name"`.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pgstow::pg {

struct TableName {
  std::string schema;
  std::string name;

  auto operator<=>(const TableName&) const = default;
};

// As SQL: "public"."orders".
std::string quoted(const TableName& name);
// For people: public.orders.
std::string shown(const TableName& name);

// A name, or a pattern with * (any characters) and ? (one). What stands in double quotes stands
// for itself, a doubled quote there for one. Letters are not folded: names are as `\d` shows them.
class TablePattern {
 public:
  // Throws ConfigError for a text that can't be a table's name.
  static TablePattern parse(std::string_view text);
  // All tables of a schema.
  static TablePattern of_schema(std::string_view text);

  bool matches(const TableName& table) const;
  // It has a schema or a wildcard: more than one table may be meant.
  bool may_mean_several() const { return schema_.has_value() || wildcard_; }
  const std::string& text() const { return text_; }
  bool has_wildcard() const { return wildcard_; }
  // Of a pattern without wildcards: what it names.
  std::optional<std::string> schema() const;
  std::string name() const;

 private:
  // One character of a pattern, or a wildcard.
  struct Piece {
    enum class Kind { kLiteral, kAny, kOne } kind = Kind::kLiteral;
    char c = 0;
  };
  using Glob = std::vector<Piece>;
  static bool matches(const Glob& glob, std::string_view text);
  static std::string text_of(const Glob& glob);

  std::string text_;
  std::optional<Glob> schema_;  // nothing: any
  Glob name_;
  bool wildcard_ = false;
};

}  // namespace pgstow::pg
