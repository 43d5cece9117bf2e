#include "base/words.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/text.h"

namespace pgstow {
namespace {

constexpr std::string_view kWhite = " \t\r\n";
// What no shell takes for anything else.
constexpr std::string_view kPlain =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+./:,=@%";
// What a \ keeps inside of "...".
constexpr std::string_view kEscapable = "$`\"\\\n";

bool is_one_of(char c, std::string_view set) { return set.find(c) != std::string_view::npos; }

// Reads one word from the front of `text`.
class WordReader {
 public:
  explicit WordReader(std::string_view& text) : text_(text) {}

  std::string read() {
    while (!text_.empty() && !is_one_of(text_.front(), kWhite)) {
      switch (const char c = take()) {
        case '\'':
          single_quoted();
          break;
        case '"':
          double_quoted();
          break;
        case '\\':
          escaped();
          break;
        default:
          word_ += c;
      }
    }
    return std::move(word_);
  }

 private:
  char take() {
    if (text_.empty()) throw ConfigError("a quote is not closed, or a \\ stands at the end");
    const char c = text_.front();
    text_.remove_prefix(1);
    return c;
  }

  void single_quoted() {
    for (char c = take(); c != '\''; c = take()) word_ += c;
  }

  void double_quoted() {
    for (char c = take(); c != '"'; c = take()) {
      if (c == '\\' && !text_.empty() && is_one_of(text_.front(), kEscapable)) {
        escaped();
      } else {
        word_ += c;
      }
    }
  }

  void escaped() {
    if (const char c = take(); c != '\n') word_ += c;  // a continued line
  }

  std::string_view& text_;
  std::string word_;
};

}  // namespace

std::vector<std::string> split_words(std::string_view text) {
  std::vector<std::string> words;
  for (;;) {
    text.remove_prefix(std::min(text.find_first_not_of(kWhite), text.size()));
    if (text.empty()) return words;
    words.push_back(WordReader(text).read());
  }
}

std::string shell_quoted(std::string_view word) {
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string_view::npos) {
    return std::string(word);
  }
  std::string out = "'";
  for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string shell_line(const std::vector<std::string>& words) {
  std::vector<std::string> quoted;
  quoted.reserve(words.size());
  for (const std::string& word : words) quoted.push_back(shell_quoted(word));
  return join(quoted, " ");
}

}  // namespace pgstow
