#include "store/process_keys.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <boost/json.hpp>
#include <set>
#include <utility>

#include "base/child.h"
#include "base/error.h"
#include "base/json.h"

namespace pgstow {
namespace {

constexpr std::size_t kMaxOutput = std::size_t{256} * 1024;

class Splitter {
 public:
  explicit Splitter(std::string_view line) : rest_(line) {}

  std::vector<std::string> words() {
    while (!rest_.empty()) {
      const char c = next();
      if (c == '\'' || c == '"') {
        in_word_ = true;
        quoted(c);
      } else if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
        end_word();
      } else {
        add(c == '\\' ? escaped() : c);
      }
    }
    end_word();
    return std::move(words_);
  }

 private:
  char next() {
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }

  char escaped() {
    if (rest_.empty()) throw ConfigError("a \\ at the end of the command line");
    return next();
  }

  void quoted(char quote) {
    while (!rest_.empty()) {
      char c = next();
      if (c == quote) return;
      if (c == '\\' && quote == '"' && rest_.find_first_of("\"\\") == 0) c = next();
      word_ += c;
    }
    throw ConfigError(fmt::format("a {} in the command line is never closed", quote));
  }

  void add(char c) {
    in_word_ = true;
    word_ += c;
  }

  void end_word() {
    if (in_word_) words_.push_back(std::exchange(word_, {}));
    in_word_ = false;
  }

  std::string_view rest_;
  bool in_word_ = false;  // "" is a word, too
  std::string word_;
  std::vector<std::string> words_;
};

// Children do not get AWS_... from us, but this one is there for AWS. The values are those of our
// own lookup, which may know more than the environment we were started with.
std::vector<std::string> aws_environment(const Lookup& environment) {
  std::set<std::string> names{"AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_REGION",
                              "AWS_DEFAULT_REGION", "AWS_CA_BUNDLE"};
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    if (text.starts_with("AWS_")) names.emplace(text.substr(0, text.find('=')));
  }
  std::vector<std::string> out;
  for (const std::string& name : names) {
    if (const auto value = environment(name)) out.push_back(fmt::format("{}={}", name, *value));
  }
  return child_environment(out);
}

Child start(std::string_view command_line, const KeyTools& tools) {
  Command command{.argv = split_command_line(command_line), .env = {}, .pipe_out = true};
  if (command.argv.empty() || command.argv[0].empty()) throw ConfigError("it names no program");
  command.env = aws_environment(tools.environment);
  try {
    return Child::start(command);
  } catch (const Error& e) {  // of whatever type: NotFound would mean that there are no keys
    throw ConfigError(e.what(), e.hint());
  }
}

std::string output_of(Child& child, const Wait& wait) {
  std::string output;
  std::array<char, 4096> buffer;
  while (const std::size_t n = child.read(buffer, wait)) {
    output.append(buffer.data(), n);
    if (output.size() > kMaxOutput) throw Error("it prints without end");
  }
  static_cast<void>(child.wait(wait.stop));
  return output;
}

void check_version(std::string_view text, std::string_view from) {
  try {
    if (get_uint(parse_json_object(text, from), "Version", from) == 1) return;
  } catch (const Corrupt& e) {  // which is about backups
    throw Error(e.what(), e.hint());
  }
  throw Error(fmt::format("{}: it prints keys of another version than 1", from));
}

}  // namespace

std::vector<std::string> split_command_line(std::string_view line) {
  return Splitter(line).words();
}

AwsKeys process_keys(std::string_view command_line, const KeyTools& tools, std::string_view from,
                     std::chrono::milliseconds stall) {
  std::string output;
  try {
    Child child = start(command_line, tools);
    output = output_of(child, {.stop = tools.context.stop, .stall = stall});
  } catch (const Cancelled&) {
    throw;
  } catch (Error& e) {
    e.within(from);
    throw;
  }
  check_version(output, from);
  return parse_json_keys(output, "SessionToken", from);
}

}  // namespace pgstow
