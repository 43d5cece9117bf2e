#include "pg/table_pattern.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "pg/sql_text.h"

namespace pgstow::pg {

std::string quoted(const TableName& name) {
  return quote_identifier(name.schema) + "." + quote_identifier(name.name);
}

std::string shown(const TableName& name) { return printable(name.schema + "." + name.name); }

TablePattern TablePattern::parse(std::string_view text) {
  TablePattern pattern;
  pattern.text_ = text;
  const auto refuse = [&](const char* cause) {
    throw ConfigError("table " + printable(text) + ": " + cause,
                      "a table is named as NAME or SCHEMA.NAME; * and ? stand for any characters "
                      "and for one, and \"...\" takes a name literally");
  };
  bool in_quotes = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') {
      const bool doubled = in_quotes && i + 1 < text.size() && text[i + 1] == '"';
      if (doubled) pattern.name_.push_back({.c = text[++i]});
      if (!doubled) in_quotes = !in_quotes;
    } else if (!in_quotes && c == '.') {
      if (pattern.schema_ || pattern.name_.empty()) refuse("not a name of one or two parts");
      pattern.schema_ = std::move(pattern.name_);
      pattern.name_ = {};
    } else {
      const bool wild = !in_quotes && (c == '*' || c == '?');
      pattern.wildcard_ = pattern.wildcard_ || wild;
      const Piece::Kind kind = !wild      ? Piece::Kind::kLiteral
                               : c == '*' ? Piece::Kind::kAny
                                          : Piece::Kind::kOne;
      pattern.name_.push_back({.kind = kind, .c = c});
    }
  }
  if (in_quotes) refuse("a quote is not closed");
  if (pattern.name_.empty()) refuse("the name is empty");
  return pattern;
}

TablePattern TablePattern::of_schema(std::string_view text) {
  TablePattern pattern = parse(text);
  if (pattern.schema_) {
    throw ConfigError("schema " + printable(text) + ": not one name",
                      "a name with a dot in it stands in double quotes");
  }
  pattern.schema_ = std::exchange(pattern.name_, {{.kind = Piece::Kind::kAny}});
  return pattern;
}

std::optional<std::string> TablePattern::schema() const {
  return schema_ ? std::optional(text_of(*schema_)) : std::nullopt;
}

std::string TablePattern::name() const { return text_of(name_); }

std::string TablePattern::text_of(const Glob& glob) {
  std::string text;
  for (const Piece& piece : glob) text += piece.c;
  return text;
}

bool TablePattern::matches(const TableName& table) const {
  return (!schema_ || matches(*schema_, table.schema)) && matches(name_, table.name);
}

// Goes back to the last * where the rest does not fit: linear in memory, never exponential.
bool TablePattern::matches(const Glob& glob, std::string_view text) {
  std::size_t piece = 0;
  std::size_t at = 0;
  std::optional<std::size_t> star;
  std::size_t star_at = 0;
  while (at < text.size()) {
    if (piece < glob.size() && glob[piece].kind == Piece::Kind::kAny) {
      star = piece++;
      star_at = at;
    } else if (piece < glob.size() &&
               (glob[piece].kind == Piece::Kind::kOne || glob[piece].c == text[at])) {
      ++piece;
      ++at;
    } else if (star) {
      piece = *star + 1;
      at = ++star_at;
    } else {
      return false;
    }
  }
  return std::all_of(glob.begin() + static_cast<std::ptrdiff_t>(piece), glob.end(),
                     [](const Piece& p) { return p.kind == Piece::Kind::kAny; });
}

}  // namespace pgstow::pg
