// Any text through everything that looks into SQL: refused by Corrupt, or taken apart without loss.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "pg/sql_lexer.h"
#include "pg/sql_text.h"

namespace {

using namespace pgstow;
using namespace pgstow::pg;

void require(bool holds) {
  if (!holds) std::abort();
}

void lex(std::string_view sql) {
  std::string again;
  SqlLexer lexer(sql);
  while (const std::optional<Token> token = lexer.next()) {
    require(!token->text.empty());
    if (token->kind == Token::Kind::kString) require(string_value(*token).size() < sql.size());
    again += token->text;
  }
  require(again == sql);
}

void quote(std::string_view text) {
  const std::string name = quote_identifier(text);
  SqlLexer names(name);
  require(names.next()->text == name && !names.next());
  const std::string literal = quote_literal(text);
  SqlLexer literals(literal);
  require(string_value(*literals.next()) == text && !literals.next());
}

template <class Parse>
void try_parse(Parse parse, std::string_view sql) {
  try {
    parse(sql);
  } catch (const Corrupt&) {
    return;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view sql(reinterpret_cast<const char*>(data), size);
  lex(sql);
  quote(sql);
  lex(with_database_name(sql, "a\"b"));
  for (const std::string& statement : split_statements(sql)) lex(statement);
  try_parse(parse_copy, sql);
  try_parse(parse_setval, sql);
  return 0;
}
