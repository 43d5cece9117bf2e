// What a shell may put in for the word that is being typed. The scripts that ask are the same for
// every version of the program; what there is to know is known here.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command_model.h"

namespace pgstow::cli {

struct Candidate {
  std::string text;
  std::string help;
};

struct Completion {
  enum class Wants { kNothing, kBackups, kStores, kFiles };

  std::string word;                   // that is being typed, without the "--flag=" before it
  std::string before;                 // that "--flag="
  std::vector<Candidate> candidates;  // those that begin with the word
  Wants wants = Wants::kNothing;      // what else fits, and is not in the model
  // What the words before say of where to look for it.
  std::map<std::string, std::string> settings;  // flag without dashes -> value
  std::optional<std::string> env_file;
};

// `words`: those behind the program's name up to the one that is being typed, which is the last one
// and may be empty.
Completion complete(const ProgramModel& program, std::span<const std::string> words);

// "a, b or c" as help texts name choices; empty if the text is no such list.
std::vector<std::string> choices_in(std::string_view help);

// The script that a shell ("bash", "zsh", "fish") reads to ask for completions.
std::string_view completion_script(std::string_view shell);

}  // namespace pgstow::cli
