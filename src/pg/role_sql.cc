#include "pg/role_sql.h"

#include <algorithm>
#include <array>
#include <optional>

#include "pg/sql_lexer.h"
#include "pg/sql_text.h"

namespace pgstow::pg {
namespace {

using Tokens = std::vector<Token>;

Tokens tokens_of(std::string_view statement) {
  Tokens tokens;
  SqlLexer lexer(statement);
  while (const std::optional<Token> token = lexer.next_visible()) tokens.push_back(*token);
  return tokens;
}

bool begins(const Tokens& tokens, std::initializer_list<std::string_view> words) {
  return tokens.size() >= words.size() && std::equal(words.begin(), words.end(), tokens.begin(),
                                                     [](std::string_view word, const Token& token) {
                                                       return token.is_keyword(word);
                                                     });
}

std::size_t find(const Tokens& tokens, std::string_view word, std::size_t from = 0) {
  while (from < tokens.size() && !tokens[from].is_keyword(word)) ++from;
  return from;
}

// The role named right behind a word that stands at `at`; nobody where there is none.
std::set<std::string> role_after(const Tokens& tokens, std::size_t at) {
  if (at + 1 >= tokens.size() || !tokens[at + 1].is_name()) return {};
  return {identifier_value(tokens[at + 1])};
}

// GRANT a TO b, and GRANT SET ON PARAMETER p TO b: of the latter only b is a role. What else is
// granted belongs to tablespaces.
std::set<std::string> roles_of_grant(const Tokens& tokens) {
  const std::size_t to = find(tokens, "to");
  std::set<std::string> roles = role_after(tokens, to);
  const std::size_t on = find(tokens, "on");
  if (on < to)
    return on + 1 < to && tokens[on + 1].is_keyword("parameter") ? roles : std::set<std::string>{};
  roles.merge(role_after(tokens, 0));
  return roles;
}

std::set<std::string> roles_of(const Tokens& tokens) {
  if (begins(tokens, {"create", "role"}) || begins(tokens, {"alter", "role"})) {
    return role_after(tokens, 1);
  }
  if (begins(tokens, {"comment", "on", "role"})) return role_after(tokens, 2);
  if (begins(tokens, {"security", "label"})) {
    const std::size_t on = find(tokens, "on");
    const bool role = on + 1 < tokens.size() && tokens[on + 1].is_keyword("role");
    return role ? role_after(tokens, on + 1) : std::set<std::string>{};
  }
  if (begins(tokens, {"grant"})) return roles_of_grant(tokens);
  return {};
}

// Who is no superuser may not even say that a role is to be none (user.c, AlterRole).
std::string without_defaults(std::string_view statement) {
  constexpr std::array<std::string_view, 3> kDefaults{"nosuperuser", "noreplication",
                                                      "nobypassrls"};
  std::string out;
  SqlLexer lexer(statement);
  bool in_list = false;
  while (const std::optional<Token> token = lexer.next()) {
    const bool is_default = std::ranges::any_of(
        kDefaults, [&](std::string_view word) { return token->is_keyword(word); });
    if (!in_list || !is_default) out += token->text;
    in_list = in_list || token->is_keyword("with");
  }
  return out;
}

bool is_comment(const Token& token) {
  return token.kind == Token::Kind::kSpace &&
         (token.text.starts_with("--") || token.text.starts_with("/*"));
}

// psql's own commands end with their line; in statements no backslash stands alone.
std::string statements_only(std::string_view sql) {
  std::string out;
  SqlLexer lexer(sql);
  bool skips = false;
  while (const std::optional<Token> token = lexer.next()) {
    if (token->is_symbol('\\')) skips = true;
    if (token->kind == Token::Kind::kSpace && token->text.find('\n') != std::string_view::npos) {
      skips = false;
    }
    if (!skips && !is_comment(*token)) out += token->text;
  }
  return out;
}

}  // namespace

RoleSql parse_role_sql(std::string_view globals) {
  RoleSql sql;
  for (const std::string& statement : split_statements(statements_only(globals))) {
    const Tokens tokens = tokens_of(statement);
    if (begins(tokens, {"set", "client_encoding"}) && tokens.size() == 4 &&
        tokens[3].kind == Token::Kind::kString) {
      sql.encoding = string_value(tokens[3]);
      continue;
    }
    if (begins(tokens, {"set", "standard_conforming_strings"})) {
      sql.standard_strings = find(tokens, "off") == tokens.size();
      continue;
    }
    std::set<std::string> roles = roles_of(tokens);
    if (roles.empty()) continue;
    const bool attributes = begins(tokens, {"alter", "role"}) && find(tokens, "with") == 3;
    sql.statements.push_back({.sql = attributes ? without_defaults(statement) : statement,
                              .roles = std::move(roles),
                              .creates = begins(tokens, {"create", "role"})});
  }
  return sql;
}

}  // namespace pgstow::pg
