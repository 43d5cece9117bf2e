// The command line as data, for those who tell of it: the man page and the completion in shells.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace pgstow::cli {

struct OptionModel {
  std::vector<std::string> names = {};  // "-y", "--yes"; an argument has its one name: "backup"
  std::string help = {};
  bool takes_value = false;
};

struct CommandModel {
  std::vector<std::string> names = {};  // aliases behind the first
  std::string help = {};
  std::vector<OptionModel> options = {};
  std::optional<OptionModel> argument = {};
};

struct ProgramModel {
  std::string help = {};
  std::string footer = {};
  std::vector<OptionModel> options = {};   // any command takes them
  std::vector<OptionModel> settings = {};  // so these, each the flag of a setting
  std::vector<CommandModel> commands = {};
};

constexpr const char* kSettingsGroup = "Settings";

ProgramModel model_of(const CLI::App& app);

}  // namespace pgstow::cli
