#include "cli/completion.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "base/text.h"

namespace pgstow::cli {
namespace {

using Wants = Completion::Wants;

bool is_named(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

const OptionModel* find_option(const std::vector<OptionModel>& options, std::string_view name) {
  const auto found =
      std::ranges::find_if(options, [&](const auto& o) { return is_named(o.names, name); });
  return found == options.end() ? nullptr : &*found;
}

// Reads the words as the parser would, as far as completion has to know.
class Words {
 public:
  explicit Words(const ProgramModel& program) : program_(program) {}

  void read(const std::string& word) {
    if (open_ != nullptr) {
      remember(*open_, word);
      open_ = nullptr;
    } else if (word.starts_with('-')) {
      read_flag(word);
    } else if (command_ == nullptr) {
      const auto found = std::ranges::find_if(
          program_.commands, [&](const auto& c) { return is_named(c.names, word); });
      if (found != program_.commands.end()) command_ = &*found;
    } else {
      ++arguments_;
    }
  }

  const OptionModel* option(std::string_view name) const {
    const OptionModel* found = nullptr;
    if (command_ != nullptr) found = find_option(command_->options, name);
    if (found == nullptr) found = find_option(program_.options, name);
    return found != nullptr ? found : find_option(program_.settings, name);
  }

  const OptionModel* open() const { return open_; }  // whose value comes next
  const CommandModel* command() const { return command_; }
  bool awaits_argument() const {
    return command_ != nullptr && command_->argument && arguments_ == 0;
  }
  Completion known;

 private:
  void read_flag(const std::string& word) {
    const std::size_t equals = word.find('=');
    const OptionModel* found = option(word.substr(0, equals));
    if (found == nullptr || !found->takes_value) return;
    if (equals == std::string::npos) {
      open_ = found;
    } else {
      remember(*found, word.substr(equals + 1));
    }
  }

  void remember(const OptionModel& option, const std::string& value) {
    const std::string& name = option.names.back();
    if (name == "--env-file") {
      known.env_file = value;
    } else if (find_option(program_.settings, name) != nullptr) {
      known.settings[name.substr(2)] = value;
    }
  }

  const ProgramModel& program_;
  const CommandModel* command_ = nullptr;
  const OptionModel* open_ = nullptr;
  int arguments_ = 0;
};

bool names_file(std::string_view flag) {
  constexpr std::array kEnds{"-file", "-path", "-bin"};
  return std::ranges::any_of(kEnds, [&](const char* end) { return flag.ends_with(end); });
}

void add(Completion& completion, const std::string& text, const std::string& help) {
  if (text.starts_with(completion.word)) completion.candidates.push_back({text, help});
}

void add_value(Completion& completion, const OptionModel& option) {
  const std::string& name = option.names.back();
  for (const std::string& choice : choices_in(option.help)) add(completion, choice, "");
  if (name == "backup") {
    add(completion, "latest", "the newest");
    completion.wants = Wants::kBackups;
  } else if (name == "--from" || name == "--to") {
    completion.wants = Wants::kStores;
  } else if (names_file(name)) {
    completion.wants = Wants::kFiles;
  }
}

void add_flags(Completion& completion, const std::vector<OptionModel>& options) {
  for (const OptionModel& option : options) {
    for (const std::string& name : option.names) {
      if (name.starts_with("--")) add(completion, name, option.help);
    }
  }
}

void add_commands(Completion& completion, const ProgramModel& program) {
  for (const CommandModel& command : program.commands) {
    add(completion, command.names.front(), command.help);
  }
}

// The value in "--flag=value".
bool is_value_of_flag(Completion& completion, const Words& words) {
  const std::size_t equals = completion.word.find('=');
  if (!completion.word.starts_with("--") || equals == std::string::npos) return false;
  const OptionModel* option = words.option(completion.word.substr(0, equals));
  completion.before = completion.word.substr(0, equals + 1);
  completion.word.erase(0, equals + 1);
  if (option != nullptr && option->takes_value) add_value(completion, *option);
  return true;
}

}  // namespace

std::vector<std::string> choices_in(std::string_view help) {
  std::vector<std::string> choices;
  std::string text(help.substr(0, help.find(" [")));
  const std::size_t last = text.find(" or ");
  if (last == std::string::npos) return {};
  text.replace(last, 4, ", ");
  for (const std::string_view part : split(text, ',')) {
    const std::string_view choice = trim(part);
    const auto is_letter = [](char c) { return c >= 'a' && c <= 'z'; };
    if (choice.empty() || !std::ranges::all_of(choice, is_letter)) return {};
    choices.emplace_back(choice);
  }
  return choices;
}

Completion complete(const ProgramModel& program, std::span<const std::string> words) {
  if (words.empty()) return {};
  Words before(program);
  for (const std::string& word : words.first(words.size() - 1)) before.read(word);
  Completion completion = before.known;
  completion.word = words.back();
  if (before.open() != nullptr) {
    add_value(completion, *before.open());
  } else if (is_value_of_flag(completion, before)) {
    return completion;
  } else if (completion.word.starts_with('-')) {
    if (before.command() != nullptr) add_flags(completion, before.command()->options);
    add_flags(completion, program.options);
    add_flags(completion, program.settings);
  } else if (before.command() == nullptr) {
    add_commands(completion, program);
  } else if (before.awaits_argument()) {
    add_value(completion, *before.command()->argument);
  }
  return completion;
}

}  // namespace pgstow::cli
