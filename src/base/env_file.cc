#include "base/env_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <system_error>
#include <utility>

#include "base/env_expand.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/text.h"

namespace pgstow {
namespace {

constexpr std::size_t kMaxFile = 1u << 20;

bool is_blank(char c) { return c == ' ' || c == '\t'; }

// What other programs of a shared .env may use as names; such lines are not for us.
bool is_foreign_name(std::string_view name) {
  constexpr std::string_view kAllowed =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-[]";
  return !name.empty() && name.find_first_not_of(kAllowed) == std::string_view::npos;
}

class Parser {
 public:
  Parser(std::string_view text, const std::string& file_name, const Lookup& outer)
      : text_(text), outer_(outer) {
    file_.name = file_name;
    if (text_.starts_with("\xEF\xBB\xBF")) text_.remove_prefix(3);
  }

  EnvFile run() {
    while (at_ < text_.size()) {
      begin_ = line_;
      try {
        entry();
      } catch (ConfigError& e) {
        e.within(fmt::format("{}:{}", file_.name, begin_));
        throw;
      }
    }
    return std::move(file_);
  }

 private:
  // One logical line, with its end.
  void entry() {
    skip_blanks();
    if (at_end_of_line() || peek() == '#') {
      static_cast<void>(rest_of_line());
      return;
    }
    const std::optional<std::string> name = take_name();
    if (!name) return;
    const bool spaced = is_blank(peek());
    skip_blanks();
    const char quote = peek();
    std::string raw;
    if (quote == '\'' || quote == '"') {
      raw = take_quoted(quote);
      expect_nothing_more();
    } else {
      raw = unquoted(rest_of_line(), spaced);
    }
    store(*name, quote, raw);
  }

  char peek() const { return at_ < text_.size() ? text_[at_] : '\n'; }
  bool at_end_of_line() const {
    return peek() == '\n' ||
           (peek() == '\r' && (at_ + 1 >= text_.size() || text_[at_ + 1] == '\n'));
  }
  void skip_blanks() {
    while (is_blank(peek())) ++at_;
  }

  // The rest of the physical line, which is consumed with its end.
  std::string_view rest_of_line() {
    const std::size_t end = std::min(text_.find('\n', at_), text_.size());
    std::string_view line = text_.substr(at_, end - at_);
    at_ = std::min(end + 1, text_.size());
    ++line_;
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
  }

  // "NAME =" or "NAME:" with an optional "export"; nothing, and the line is consumed, when it is a
  // name alone. The text of a wrong line is not shown, it may be a secret.
  std::optional<std::string> take_name() {
    const std::string_view line = text_.substr(at_, text_.find('\n', at_) - at_);
    const std::size_t sign = line.find_first_of("=:");
    std::string_view name = trim(line.substr(0, sign));
    if (name.starts_with("export") && name.size() > 6 && is_blank(name[6])) {
      name = trim(name.substr(6));
    }
    if (!is_variable_name(name) && !is_foreign_name(name)) {
      if (sign == std::string_view::npos) {
        throw ConfigError("no = in this line", "write NAME=value, or # before a comment");
      }
      throw ConfigError("what stands before = is not a variable's name",
                        "names are letters, digits and _; a value of several lines needs quotes");
    }
    if (sign == std::string_view::npos) {
      skip_inherited(std::string(name));
      return std::nullopt;
    }
    at_ += sign + 1;
    return std::string(name);
  }

  // A name alone means the environment's value, which is looked up anyway. The name is not shown:
  // it may be a line of a secret that lacks its quotes.
  void skip_inherited(const std::string& name) {
    if (!outer_(name)) {
      warn("a name without a value, which the environment does not have either: line ignored");
    }
    static_cast<void>(rest_of_line());
  }

  // A # begins a comment only after a space: "a# b" is all value.
  static std::string unquoted(std::string_view rest, bool spaced) {
    for (std::size_t i = 0; i < rest.size(); ++i) {
      if (rest[i] == '#' && (i == 0 ? spaced : is_blank(rest[i - 1]))) {
        rest = rest.substr(0, i);
        break;
      }
    }
    return std::string(trim(rest));
  }

  // What stands between the quotes, escapes untouched, but line ends as \n.
  std::string take_quoted(char quote) {
    std::string raw;
    for (++at_; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == quote) {
        ++at_;
        return raw;
      }
      if (c == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n') continue;
      if (c == '\n') ++line_;
      raw += c;
      // An escaped quote does not end the value; in double quotes \\ must not hide the quote after.
      const char next = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
      if (c == '\\' && (next == quote || (next == '\\' && quote == '"'))) {
        if (quote == '\'') raw.pop_back();
        raw += next;
        ++at_;
      }
    }
    throw ConfigError(fmt::format("the {} is never closed", quote),
                      "close it, or escape a quote that is part of the value with a backslash");
  }

  void expect_nothing_more() {
    const bool spaced = is_blank(peek());
    skip_blanks();
    const bool comment = spaced && peek() == '#';
    if (!comment && !at_end_of_line()) {
      throw ConfigError("text after the closing quote",
                        "escape a quote inside the value with a backslash");
    }
    static_cast<void>(rest_of_line());
  }

  void store(const std::string& name, char quote, const std::string& raw) {
    if (!is_variable_name(name)) {
      warn(fmt::format("{} is no variable's name: line ignored", name));
      return;
    }
    std::string value = quote == '\'' ? raw : expanded(raw, quote == '"');
    if (value.find('\0') != std::string::npos)
      throw ConfigError(name + ": a NUL byte in its value");
    const auto same = [&](const EnvEntry& e) { return e.name == name; };
    if (const auto old = std::ranges::find_if(file_.entries, same); old != file_.entries.end()) {
      warn(fmt::format("{} is set in line {} already: this line wins", name, old->line));
      file_.entries.erase(old);
    }
    file_.entries.push_back({.name = name, .value = std::move(value), .line = begin_});
  }

  std::string expanded(const std::string& raw, bool with_escapes) {
    Expanded result = expand_variables(raw, with_escapes,
                                       [this](const std::string& name) { return value(name); });
    for (const std::string& name : result.unset) {
      warn(fmt::format("${} is not set: taken as empty; $$ is a plain $", name));
    }
    return std::move(result.value);
  }

  std::optional<std::string> value(const std::string& name) const {
    if (auto outside = outer_(name)) return outside;
    const EnvEntry* above = file_.find(name);
    return above == nullptr ? std::nullopt : std::optional(above->value);
  }

  void warn(const std::string& text) {
    file_.warnings.push_back(fmt::format("{}:{}: {}", file_.name, begin_, text));
  }

  std::string_view text_;
  const Lookup& outer_;
  EnvFile file_;
  std::size_t at_ = 0;
  int line_ = 1;
  int begin_ = 1;  // the first line of the entry being read
};

std::string read_whole(const Fd& fd, const std::string& name) {
  std::string text;
  std::array<char, 16384> buffer;
  try {
    while (const std::size_t n = read_some(fd, buffer, {}, name)) {
      text.append(buffer.data(), n);
      if (text.size() > kMaxFile) throw ConfigError(name + ": longer than 1 MiB: not a .env file");
    }
  } catch (const ConfigError&) {
    throw;
  } catch (const Error& e) {  // a directory, say
    throw ConfigError(e.what(), e.hint());
  }
  return text;
}

}  // namespace

const EnvEntry* EnvFile::find(std::string_view wanted) const {
  const auto found = std::ranges::find(entries, wanted, &EnvEntry::name);
  return found == entries.end() ? nullptr : &*found;
}

EnvFile parse_env(std::string_view text, const std::string& file_name, const Lookup& outer) {
  return Parser(text, file_name, outer).run();
}

namespace {

// root:service 0640 is how a package keeps the settings of a service, which reads and can't change
// them.
bool is_private(const struct stat& facts) {
  const bool groups = (facts.st_mode & S_IRGRP) != 0 && facts.st_uid != 0;
  return !groups && (facts.st_mode & S_IROTH) == 0;
}

}  // namespace

EnvFile read_env_file(const std::filesystem::path& path, const Lookup& outer) {
  const std::string name = path.string();
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat facts{};
  if (!fd || ::fstat(fd.get(), &facts) != 0) {
    throw ConfigError(fmt::format("{}: {}", name, std::generic_category().message(errno)));
  }
  EnvFile file = parse_env(read_whole(fd, name), name, outer);
  if (S_ISREG(facts.st_mode) && !is_private(facts)) {
    file.warnings.push_back(
        fmt::format("{}: others than its owner may read it: chmod 600 {}", name, name));
  }
  return file;
}

std::string quote_env_value(std::string_view value) {
  std::string out = "\"";
  for (const char c : value) {
    switch (c) {
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '$':
        out += "$$";
        break;
      case '"':
      case '\\':
        out += '\\';
        [[fallthrough]];
      default:
        out += c;
    }
  }
  return out + "\"";
}

}  // namespace pgstow
