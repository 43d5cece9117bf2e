#include "pg/key_index.h"

#include <fmt/format.h>

#include <initializer_list>

#include "pg/sql_lexer.h"

namespace pgstow::pg {
namespace {

// Goes over a statement as long as it is of the form that is asked for; after that over nothing.
class KeyReader {
 public:
  explicit KeyReader(std::string_view sql) : sql_(sql), lexer_(sql) { advance(); }

  bool good() const { return good_; }
  std::string_view rest() const { return sql_.substr(start_); }  // from the next token on

  bool has(std::initializer_list<std::string_view> words) {
    for (const std::string_view word : words) {
      if (!good_ || !token_ || !token_->is_keyword(word)) return false;
      advance();
    }
    return true;
  }

  void expect(std::initializer_list<std::string_view> words) { good_ = has(words) && good_; }

  Token name() {
    if (!token_ || !token_->is_name()) return fail();
    const Token token = *token_;
    advance();
    return token;
  }

  // s.t, or t alone.
  std::string_view qualified_name() {
    const std::size_t begin = start_;
    std::size_t end = after(name());
    while (at('.')) {
      advance();
      end = after(name());
    }
    return sql_.substr(begin, end - begin);
  }

  // (a, b)
  std::string_view names() {
    const std::size_t begin = start_;
    symbol('(');
    name();
    while (good_ && at(',')) {
      advance();
      name();
    }
    const std::size_t end = start_ + 1;
    symbol(')');
    return sql_.substr(begin, end - begin);
  }

  // (fillfactor='70')
  std::string_view options() {
    const std::size_t begin = start_;
    symbol('(');
    while (token_ && !at(')')) {
      if (at('(')) good_ = false;
      advance();
    }
    const std::size_t end = start_ + 1;
    symbol(')');
    return sql_.substr(begin, end - begin);
  }

  bool at(char symbol) const { return token_ && token_->is_symbol(symbol); }

 private:
  void advance() {
    token_ = lexer_.next_visible();
    start_ = token_ ? lexer_.position() - token_->text.size() : sql_.size();
  }

  void symbol(char symbol) {
    if (!at(symbol)) {
      fail();
    } else {
      advance();
    }
  }

  std::size_t after(const Token& token) const {
    return good_ ? static_cast<std::size_t>(token.text.data() - sql_.data()) + token.text.size()
                 : start_;
  }

  Token fail() {
    good_ = false;
    return {.kind = Token::Kind::kSpace, .text = ""};
  }

  std::string_view sql_;
  SqlLexer lexer_;
  std::optional<Token> token_;
  std::size_t start_ = 0;  // of the token
  bool good_ = true;
};

}  // namespace

std::optional<KeyIndex> split_key(std::string_view defn) {
  KeyReader reader(defn);
  reader.expect({"alter", "table"});
  reader.has({"only"});
  const std::string_view table = reader.qualified_name();
  reader.expect({"add", "constraint"});
  const Token name = reader.name();
  const bool primary = reader.has({"primary", "key"});
  if (!primary) reader.expect({"unique"});
  const bool nulls_are_one = !primary && reader.has({"nulls", "not", "distinct"});
  const std::string_view columns = reader.names();
  std::string tail;
  if (reader.has({"include"})) tail += fmt::format(" INCLUDE {}", reader.names());
  if (nulls_are_one) tail += " NULLS NOT DISTINCT";
  if (reader.has({"with"})) tail += fmt::format(" WITH {}", reader.options());
  const std::string_view rest = reader.rest();
  if (reader.has({"deferrable"}) && reader.has({"initially"})) reader.expect({"deferred"});
  if (!reader.good() || !reader.at(';')) return std::nullopt;
  return KeyIndex{
      .primary = primary,
      .name = identifier_value(name),
      .create = fmt::format("CREATE UNIQUE INDEX {} ON {} USING btree {}{};\n", name.text, table,
                            columns, tail),
      .take = fmt::format("ALTER TABLE ONLY {}\n    ADD CONSTRAINT {} {} USING INDEX {}{}{}", table,
                          name.text, primary ? "PRIMARY KEY" : "UNIQUE", name.text,
                          rest.starts_with(';') ? "" : " ", rest)};
}

}  // namespace pgstow::pg
