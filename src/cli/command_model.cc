#include "cli/command_model.h"

#include <CLI/CLI.hpp>

namespace pgstow::cli {
namespace {

OptionModel option_model(const CLI::Option& option) {
  OptionModel model{.help = option.get_description(),
                    .takes_value = option.get_items_expected_max() > 0};
  for (const std::string& name : option.get_snames()) model.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) model.names.push_back("--" + name);
  if (model.names.empty()) model.names.push_back(option.get_name(true));
  return model;
}

CommandModel command_model(const CLI::App& command) {
  CommandModel model{.names = {command.get_name()}, .help = command.get_description()};
  for (const std::string& alias : command.get_aliases()) model.names.push_back(alias);
  for (const CLI::Option* option : command.get_options()) {
    if (option->get_group().empty()) continue;  // hidden: not for people
    if (option->get_positional()) {
      model.argument = option_model(*option);
    } else {
      model.options.push_back(option_model(*option));
    }
  }
  return model;
}

}  // namespace

ProgramModel model_of(const CLI::App& app) {
  ProgramModel model{.help = app.get_description(), .footer = app.get_footer()};
  for (const CLI::Option* option : app.get_options()) {
    const bool is_setting = option->get_group() == kSettingsGroup;
    (is_setting ? model.settings : model.options).push_back(option_model(*option));
  }
  for (const CLI::App* command : app.get_subcommands({})) {
    model.commands.push_back(command_model(*command));
  }
  return model;
}

}  // namespace pgstow::cli
