#include "pg/sql_lexer.h"

#include <algorithm>

#include "base/text.h"

namespace pgstow::pg {

namespace {

constexpr std::string_view kSpace = " \t\r\n\v\f";

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool starts_word(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || byte >= 0x80;
}

bool continues_word(char c) { return starts_word(c) || is_digit(c) || c == '$'; }

}  // namespace

bool Token::is_keyword(std::string_view lower_case_word) const {
  return kind == Kind::kWord && text.size() == lower_case_word.size() &&
         lower(text) == lower_case_word;
}

std::optional<Token> SqlLexer::next() {
  if (at_ == sql_.size()) return std::nullopt;
  const std::size_t start = at_;
  const Token::Kind kind = skip_token();
  return Token{kind, sql_.substr(start, at_ - start)};
}

std::optional<Token> SqlLexer::next_visible() {
  std::optional<Token> token = next();
  while (token && token->kind == Token::Kind::kSpace) token = next();
  return token;
}

Token::Kind SqlLexer::skip_token() {
  const char c = sql_[at_];
  if (kSpace.find(c) != std::string_view::npos || starts_with("--") || starts_with("/*")) {
    at_ = space_end();
    return Token::Kind::kSpace;
  }
  if (c == '"') {
    at_ = quoted_end(at_, false);
    return Token::Kind::kQuotedName;
  }
  if (c == '\'' || starts_with("E'") || starts_with("e'")) {
    at_ = c == '\'' ? quoted_end(at_, false) : quoted_end(at_ + 1, true);
    return Token::Kind::kString;
  }
  if (const std::size_t end = dollar_string_end(); end != at_) {
    at_ = end;
    return Token::Kind::kString;
  }
  if (continues_word(c) && c != '$') {
    at_ = word_end();
    return Token::Kind::kWord;
  }
  ++at_;
  return Token::Kind::kSymbol;
}

// The end of one run of white space, or of one comment.
std::size_t SqlLexer::space_end() const {
  if (starts_with("--")) return std::min(sql_.find('\n', at_), sql_.size());
  if (!starts_with("/*")) return std::min(sql_.find_first_not_of(kSpace, at_), sql_.size());
  std::size_t at = at_;
  std::size_t depth = 0;  // block comments nest
  while (at < sql_.size()) {
    const std::string_view pair = sql_.substr(at, 2);
    at += pair == "/*" || pair == "*/" ? 2 : 1;
    if (pair == "/*") ++depth;
    if (pair == "*/" && --depth == 0) break;
  }
  return at;
}

std::size_t SqlLexer::word_end() const {
  const auto end =
      std::find_if_not(sql_.begin() + static_cast<std::ptrdiff_t>(at_), sql_.end(), continues_word);
  return static_cast<std::size_t>(end - sql_.begin());
}

// The end of what is quoted from `open` on; a doubled quote stands for one.
std::size_t SqlLexer::quoted_end(std::size_t open, bool backslashes) const {
  const char quote = sql_[open];
  for (std::size_t at = open + 1; at < sql_.size(); ++at) {
    if (backslashes && sql_[at] == '\\') {
      ++at;
    } else if (sql_[at] == quote) {
      if (at + 1 == sql_.size() || sql_[at + 1] != quote) return at + 1;
      ++at;
    }
  }
  return sql_.size();
}

// The end of a $tag$...$tag$ string that starts here; this place itself when none does.
std::size_t SqlLexer::dollar_string_end() const {
  if (sql_[at_] != '$') return at_;
  std::size_t tag_end = at_ + 1;
  while (tag_end < sql_.size() && continues_word(sql_[tag_end]) && sql_[tag_end] != '$') ++tag_end;
  if (tag_end == sql_.size() || sql_[tag_end] != '$' || is_digit(sql_[at_ + 1])) return at_;
  const std::string_view tag = sql_.substr(at_, tag_end + 1 - at_);
  const std::size_t close = sql_.find(tag, tag_end + 1);
  return close == std::string_view::npos ? sql_.size() : close + tag.size();
}

std::string identifier_value(const Token& token) {
  if (token.kind != Token::Kind::kQuotedName) return lower(token.text);
  std::string name;
  const std::string_view inner = token.text.substr(1, token.text.size() - 2);
  for (std::size_t i = 0; i < inner.size(); ++i) {
    name += inner[i];
    if (inner[i] == '"') ++i;
  }
  return name;
}

std::string string_value(const Token& token) {
  std::string_view text = token.text;
  if (text.starts_with('$')) {
    const std::size_t tag = text.find('$', 1) + 1;
    return text.size() < 2 * tag ? std::string()
                                 : std::string(text.substr(tag, text.size() - 2 * tag));
  }
  const bool backslashes = !text.starts_with('\'');
  text.remove_prefix(backslashes ? 2 : 1);
  std::string value;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool escape = text[at] == '\'' || (backslashes && text[at] == '\\');
    if (escape && ++at == text.size()) break;  // the closing quote
    value += text[at];
  }
  return value;
}

}  // namespace pgstow::pg
