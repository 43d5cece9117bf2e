#include "pg/schema_moves.h"

#include <optional>
#include <utility>
#include <vector>

#include "pg/sql_lexer.h"
#include "pg/sql_text.h"

namespace pgstow::pg {
namespace {

std::vector<Token> tokens_of(std::string_view sql) {
  std::vector<Token> tokens;
  SqlLexer lexer(sql);
  while (const std::optional<Token> token = lexer.next()) tokens.push_back(*token);
  return tokens;
}

bool is_symbol(const std::vector<Token>& tokens, std::size_t at, char symbol) {
  return at < tokens.size() && tokens[at].is_symbol(symbol);
}

// The relation whose name, schema.name, begins with this token.
std::optional<TableName> name_at(const std::vector<Token>& tokens, std::size_t at) {
  if (!tokens[at].is_name() || !is_symbol(tokens, at + 1, '.')) return std::nullopt;
  if (at > 0 && tokens[at - 1].is_symbol('.')) return std::nullopt;
  if (at + 2 >= tokens.size() || !tokens[at + 2].is_name()) return std::nullopt;
  return TableName{.schema = identifier_value(tokens[at]),
                   .name = identifier_value(tokens[at + 2])};
}

bool is_cast_to_regclass(const std::vector<Token>& tokens, std::size_t at) {
  return is_symbol(tokens, at, ':') && is_symbol(tokens, at + 1, ':') && at + 2 < tokens.size() &&
         tokens[at + 2].is_keyword("regclass");
}

// The string token with its schema exchanged, if it is the name of what is moved.
std::optional<std::string> moved_string(const Token& token, const SchemaMoves& moves) {
  const std::string value = string_value(token);
  const std::vector<Token> inner = tokens_of(value);
  if (inner.size() != 3) return std::nullopt;
  const std::optional<TableName> name = name_at(inner, 0);
  const auto move = name ? moves.find(*name) : moves.end();
  if (move == moves.end()) return std::nullopt;
  return quote_literal(quoted({.schema = move->second, .name = name->name}));
}

}  // namespace

std::string with_moves(std::string_view sql, const SchemaMoves& moves, bool in_strings) {
  const std::vector<Token> tokens = tokens_of(sql);
  std::string out;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i].kind == Token::Kind::kString) {
      const bool is_name = in_strings || is_cast_to_regclass(tokens, i + 1);
      out += is_name ? moved_string(tokens[i], moves).value_or(std::string(tokens[i].text))
                     : std::string(tokens[i].text);
      continue;
    }
    const std::optional<TableName> name = name_at(tokens, i);
    const auto move = name ? moves.find(*name) : moves.end();
    out += move == moves.end() ? std::string(tokens[i].text) : quote_identifier(move->second);
  }
  return out;
}

TocEntry with_moves(TocEntry entry, const SchemaMoves& moves) {
  if (entry.schema) {  // all of one schema go to one
    const auto move = moves.lower_bound({.schema = *entry.schema, .name = ""});
    if (move != moves.end() && move->first.schema == *entry.schema) entry.schema = move->second;
  }
  const bool in_strings = entry.desc == "SEQUENCE SET";
  for (OptionalText* text : {&entry.defn, &entry.drop, &entry.copy}) {
    if (*text) *text = with_moves(**text, moves, in_strings);
  }
  return entry;
}

}  // namespace pgstow::pg
