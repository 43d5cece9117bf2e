#include "pg/sql_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "pg/sql_lexer.h"

namespace pgstow::pg {

namespace {

std::string quoted(std::string_view text, char quote, std::string_view escaped, char escape) {
  std::string out(1, quote);
  for (const char c : text) {
    if (escaped.find(c) != std::string_view::npos) out += escape == '\0' ? c : escape;
    out += c;
  }
  return out + quote;
}

// Walks over a statement of known form; throws Corrupt, with the text, where it has another.
class Reader {
 public:
  explicit Reader(std::string_view sql) : sql_(sql), lexer_(sql) { advance(); }

  const std::optional<Token>& token() const { return token_; }
  std::size_t start() const { return start_; }  // of the token

  void advance() {
    token_ = lexer_.next_visible();
    start_ = lexer_.position() - (token_ ? token_->text.size() : 0);
  }

  bool at_symbol(char symbol) const { return token_ && token_->is_symbol(symbol); }

  void keyword(std::string_view word) {
    if (!token_ || !token_->is_keyword(word)) fail();
    advance();
  }

  void symbol(char symbol) {
    if (!at_symbol(symbol)) fail();
    advance();
  }

  std::string name() {
    if (!token_ || !token_->is_name()) fail();
    std::string value = identifier_value(*token_);
    advance();
    return value;
  }

  std::string string() {
    if (!token_ || token_->kind != Token::Kind::kString) fail();
    std::string value = string_value(*token_);
    advance();
    return value;
  }

  std::int64_t number() {
    std::string digits;
    if (at_symbol('-')) {
      digits = "-";
      advance();
    }
    if (token_) digits += token_->text;
    const std::optional<std::int64_t> value = parse_int(digits);
    if (!value) fail();
    advance();
    return *value;
  }

  void end() {
    symbol(';');
    if (token_) fail();
  }

  [[noreturn]] void fail() const {
    throw Corrupt(fmt::format("archive: a statement of unknown form at byte {}: {}", start_,
                              printable(sql_.substr(0, 200))));
  }

 private:
  std::string_view sql_;
  SqlLexer lexer_;
  std::optional<Token> token_;
  std::size_t start_ = 0;
};

// What stands before the keyword DATABASE where a database's name follows. Elsewhere the word may
// be a name itself: it is not reserved, and pg_dump does not quote a role that is called so.
bool announces_database(const Token& token) {
  constexpr std::array<std::string_view, 5> kWords{"create", "alter", "drop", "on", "in"};
  return std::ranges::any_of(kWords, [&](std::string_view word) { return token.is_keyword(word); });
}

// As pg_dump writes grants, these words are followed by roles; as names it quotes them all but
// "role" and "authorization", after which no comma-less name of something else stands.
constexpr std::array<std::string_view, 4> kBeforeRoles{"to", "from", "role", "authorization"};

// What may stand after the last role of a list.
bool ends_roles(const Token& token) {
  constexpr std::array<std::string_view, 5> kWords{"with", "granted", "in", "grant", "revoke"};
  return std::ranges::any_of(kWords, [&](std::string_view word) { return token.is_keyword(word); });
}

}  // namespace

std::string quote_identifier(std::string_view name) { return quoted(name, '"', "\"", '"'); }

std::string quote_literal(std::string_view value) {
  const bool backslash = value.find('\\') != std::string_view::npos;
  return (backslash ? "E" : "") + quoted(value, '\'', "'\\", '\0');
}

std::string array_literal(const std::vector<std::string>& values) {
  std::string list;
  for (const std::string& value : values) {
    list += (list.empty() ? "" : ",") + quoted(value, '"', "\"\\", '\\');
  }
  return "{" + list + "}";
}

std::string quote_conninfo(std::string_view value) { return quoted(value, '\'', "'\\", '\\'); }

std::vector<std::string> split_statements(std::string_view sql) {
  std::vector<std::string> statements;
  SqlLexer lexer(sql);
  std::size_t start = 0;
  const auto add = [&](std::size_t end) {
    const std::string_view statement = trim(sql.substr(start, end - start));
    if (!statement.empty()) statements.emplace_back(statement);
  };
  while (const std::optional<Token> token = lexer.next()) {
    if (!token->is_symbol(';')) continue;
    add(lexer.position() - 1);
    start = lexer.position();
  }
  add(sql.size());
  return statements;
}

std::string with_database_name(std::string_view sql, std::string_view new_name) {
  enum class Expect { kAnnouncement, kKeyword, kName, kEndOfStatement };
  std::string out;
  SqlLexer lexer(sql);
  Expect expect = Expect::kAnnouncement;
  while (const std::optional<Token> token = lexer.next()) {
    const bool replace = expect == Expect::kName && token->is_name();
    out += replace ? quote_identifier(new_name) : std::string(token->text);
    if (token->kind == Token::Kind::kSpace) continue;
    if (token->is_symbol(';')) {
      expect = Expect::kAnnouncement;
    } else if (replace) {
      expect = Expect::kEndOfStatement;
    } else if (expect == Expect::kKeyword && token->is_keyword("database")) {
      expect = Expect::kName;
    } else if (expect != Expect::kEndOfStatement) {
      expect = announces_database(*token) ? Expect::kKeyword : Expect::kAnnouncement;
    }
  }
  return out;
}

std::set<std::string> roles_of_acl(std::string_view defn) {
  std::set<std::string> roles;
  bool in_list = false;  // of roles: those after TO, FROM, FOR ROLE, SESSION AUTHORIZATION
  SqlLexer lexer(defn);
  while (const std::optional<Token> token = lexer.next_visible()) {
    if (std::ranges::any_of(kBeforeRoles, [&](auto word) { return token->is_keyword(word); })) {
      in_list = true;
    } else if (!in_list || token->is_symbol(',') || token->is_keyword("group")) {
      continue;
    } else if (token->is_name() && !ends_roles(*token)) {
      if (!token->is_keyword("public")) roles.insert(identifier_value(*token));
    } else {
      in_list = false;
    }
  }
  return roles;
}

std::optional<std::string> role_of_setting(std::string_view statement) {
  SqlLexer lexer(statement);
  const auto next_is = [&](std::string_view word) {
    const std::optional<Token> token = lexer.next_visible();
    return token && token->is_keyword(word);
  };
  if (!next_is("alter") || !next_is("role")) return std::nullopt;
  const std::optional<Token> role = lexer.next_visible();
  if (!role || !role->is_name() || !next_is("in") || !next_is("database")) return std::nullopt;
  return identifier_value(*role);
}

CopyTarget parse_copy(std::string_view copy_statement) {
  Reader in(copy_statement);
  in.keyword("copy");
  const std::size_t start = in.start();
  CopyTarget target;
  target.table = in.name();
  std::size_t end = in.start();
  if (in.at_symbol('.')) {
    in.advance();
    target.schema = std::exchange(target.table, in.name());
    end = in.start();
  }
  target.relation = trim(copy_statement.substr(start, end - start));
  if (in.at_symbol('(')) {
    in.advance();
    const std::size_t first = in.start();
    while (in.token() && !in.at_symbol(')')) {
      if (in.token()->is_name()) target.names.push_back(identifier_value(*in.token()));
      in.advance();
    }
    target.columns = copy_statement.substr(first, in.start() - first);
    in.symbol(')');
  }
  in.keyword("from");
  in.keyword("stdin");
  in.end();
  return target;
}

SequenceState parse_setval(std::string_view defn) {
  Reader in(defn);
  in.keyword("select");
  in.keyword("pg_catalog");
  in.symbol('.');
  in.keyword("setval");
  in.symbol('(');
  SequenceState state;
  state.sequence = in.string();
  in.symbol(',');
  state.value = in.number();
  in.symbol(',');
  if (!in.token()) in.fail();
  state.called = in.token()->is_keyword("true");
  in.keyword(state.called ? "true" : "false");
  in.symbol(')');
  in.end();
  return state;
}

}  // namespace pgstow::pg
