// Cuts SQL text, as pg_dump writes it, into tokens (PostgreSQL manual, "Lexical Structure").
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace pgstow::pg {

struct Token {
  enum class Kind { kSpace, kWord, kQuotedName, kString, kSymbol };  // comments are space

  Kind kind;
  std::string_view text;  // as written, quotes included

  bool is_name() const { return kind == Kind::kWord || kind == Kind::kQuotedName; }
  bool is_symbol(char symbol) const { return kind == Kind::kSymbol && text.front() == symbol; }
  bool is_keyword(std::string_view lower_case_word) const;
};

// Never fails: what is not closed reaches to the end of the text. The text must outlive it.
// Strings are read with standard_conforming_strings = on; those that pg_dump writes with it off
// double every backslash and quote, and so end at the same place.
class SqlLexer {
 public:
  explicit SqlLexer(std::string_view sql) : sql_(sql) {}

  std::optional<Token> next();          // the tokens together are the whole text
  std::optional<Token> next_visible();  // the next that is not space
  std::size_t position() const { return at_; }

 private:
  Token::Kind skip_token();
  std::size_t space_end() const;
  std::size_t word_end() const;
  std::size_t quoted_end(std::size_t open, bool backslashes) const;
  std::size_t dollar_string_end() const;
  bool starts_with(std::string_view start) const { return sql_.substr(at_).starts_with(start); }

  std::string_view sql_;
  std::size_t at_ = 0;
};

// The name that a name token writes: "A""b" is A"b, and Shop is shop.
std::string identifier_value(const Token& token);

// The value of a string token: 'it''s' is it's.
std::string string_value(const Token& token);

}  // namespace pgstow::pg
