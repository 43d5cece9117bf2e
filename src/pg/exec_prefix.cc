#include "pg/exec_prefix.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string_view>

#include "base/error.h"
#include "base/text.h"

namespace pgstow::pg {
namespace {

using Words = std::span<const std::string>;

struct Program {
  std::string_view name;
  std::string_view valued;  // the short options of its exec that take a value
  bool needs_dashes;        // its options may stand behind the pod, too: up to --
};
constexpr auto kPrograms = std::to_array<Program>({{"docker", "euw", false},
                                                   {"podman", "euw", false},
                                                   {"nerdctl", "euw", false},
                                                   {"kubectl", "cfnsv", true},
                                                   {"oc", "cfnsv", true}});

// The long options that take no value, or theirs behind =.
constexpr auto kSwitches = std::to_array<std::string_view>(
    {"interactive", "stdin", "tty", "detach", "privileged", "latest", "quiet",
     // kubectl's, of all of its commands
     "disable-compression", "insecure-skip-tls-verify", "match-server-version",
     "warnings-as-errors"});

const Program* program_of(std::string_view word) {
  const std::string_view name = word.substr(word.rfind('/') + 1);
  const auto* found = std::ranges::find(kPrograms, name, &Program::name);
  return found == kPrograms.end() ? nullptr : found;
}

struct Options {
  bool interactive = false;
  bool terminal = false;
  bool dashes = false;  // "--" ends them
};

// Of one `exec`, whose words follow.
class Reader {
 public:
  Reader(const Program& program, Words words) : program_(program), words_(words) {}

  Options read() {
    for (; at_ < words_.size(); ++at_) {
      const std::string_view word = words_[at_];
      if (word == "--") {
        options_.dashes = true;
        break;
      }
      if (word.starts_with("--")) {
        take_long(word.substr(2));
      } else if (word.size() > 1 && word[0] == '-') {
        take_short(word.substr(1));
      } else if (!program_.needs_dashes) {
        break;  // the container's name; what follows is the command's
      }
    }
    return options_;
  }

 private:
  void take_long(std::string_view option) {
    const std::size_t equals = option.find('=');
    const std::string_view name = option.substr(0, equals);
    if (equals == std::string_view::npos && std::ranges::find(kSwitches, name) == kSwitches.end()) {
      ++at_;  // its value
    }
    const bool on = !option.ends_with("=false");
    if (name == "interactive" || name == "stdin") options_.interactive = on;
    if (name == "tty") options_.terminal = on;
  }

  // "it" are two, "upostgres" is one with its value.
  void take_short(std::string_view letters) {
    const bool on = !letters.ends_with("=false");
    for (const char letter : letters.substr(0, letters.find('='))) {
      if (program_.valued.find(letter) != std::string_view::npos) {
        if (letters.back() == letter) ++at_;
        return;
      }
      if (letter == 'i') options_.interactive = on;
      if (letter == 't') options_.terminal = on;
    }
  }

  const Program& program_;
  Words words_;
  std::size_t at_ = 0;
  Options options_;
};

void check_exec(const Program& program, Words words) {
  const Options options = Reader(program, words).read();
  if (options.terminal) {
    throw ConfigError(
        fmt::format("{} exec with a terminal (-t) would change the bytes", program.name),
        "leave -t out, and keep -i");
  }
  if (!options.interactive) {
    throw ConfigError(fmt::format("{} exec without -i has no input", program.name),
                      fmt::format("write {} exec -i ...", program.name));
  }
  if (program.needs_dashes && !options.dashes) {
    throw ConfigError(
        fmt::format("{0} exec without -- takes the command's options for its own", program.name),
        fmt::format("write {} exec -i POD --", program.name));
  }
}

}  // namespace

void check_prefix(const std::vector<std::string>& prefix) {
  Words rest(prefix);
  while (!rest.empty()) {
    const Program* const program = program_of(rest.front());
    rest = rest.subspan(1);
    if (program == nullptr) continue;
    const auto exec = std::ranges::find(rest, "exec");
    if (exec == rest.end()) return;
    const bool by_compose = std::find(rest.begin(), exec, "compose") != exec;
    rest = Words(std::next(exec), rest.end());
    if (!by_compose) check_exec(*program, rest);
  }
}

}  // namespace pgstow::pg
