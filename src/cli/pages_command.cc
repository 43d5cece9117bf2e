#include "cli/pages_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "backup/stores.h"
#include "base/error.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/completion.h"
#include "cli/man_page.h"

namespace pgstow::cli {
namespace {

constexpr unsigned kPatience = 2;  // seconds that somebody waits behind the tab key

std::string line_of(const std::string& text, const std::string& help) {
  return help.empty() ? text + "\n" : text + "\t" + help + "\n";
}

// The stores to look into: those on this host, where there are any.
std::vector<Store*> near(const Stores& stores) {
  std::vector<Store*> list;
  for (const Place& place : stores.places()) {
    if (place.local != nullptr) list.push_back(place.store.get());
  }
  return list.empty() ? stores.all() : list;
}

std::string backups(const Completion& completion, const Config& config) {
  const SystemClock clock;
  const Log log(clock, LogFormat::kText, Level::kError);
  const Context context{.log = log, .clock = clock, .stop = {}};
  const Stores stores = make_stores(config.stores, context);
  std::string text;
  for (const Backup& backup : list_backups(near(stores), context).backups) {
    if (!backup.key.starts_with(completion.word) || printable(backup.key) != backup.key) continue;
    text += line_of(completion.before + backup.key,
                    local_time(backup.time) + ", " + human_bytes(backup.bytes));
  }
  return text;
}

std::string stores(const Completion& completion, const Config& config) {
  std::string text;
  for (const StoreSettings& store : config.stores) {
    if (store.name.starts_with(completion.word))
      text += line_of(completion.before + store.name, "");
  }
  return text;
}

// What has to be looked up. That it can't be is no news to somebody who types.
std::string looked_up(const Completion& completion) {
  using Wants = Completion::Wants;
  if (completion.wants == Wants::kNothing) return "";
  if (completion.wants == Wants::kFiles) return ":files\n";
  ::alarm(kPatience);  // ends the process: a store that hangs offers nothing
  try {
    const Config config = load_config(completion.settings, completion.env_file);
    return completion.wants == Wants::kStores ? stores(completion, config)
                                              : backups(completion, config);
  } catch (const Error&) {
    return "";
  }
}

void print_completion(const ProgramModel& program) {
  std::vector<std::string> words;
  for (std::string word; std::getline(std::cin, word);) words.push_back(word);
  const Completion completion = complete(program, words);
  std::string text;
  for (const Candidate& c : completion.candidates) {
    text += line_of(completion.before + c.text, c.help);
  }
  print(text);
  print(looked_up(completion));
}

// https://reproducible-builds.org/specs/source-date-epoch/
Time date_of_page() {
  const char* epoch = std::getenv("SOURCE_DATE_EPOCH");
  const auto seconds = epoch == nullptr ? std::nullopt : parse_int(epoch);
  return seconds ? Time(std::chrono::seconds(*seconds)) : SystemClock().now();
}

}  // namespace

int completion_command(const ProgramModel& program, const std::string& shell) {
  if (shell == "words") {
    print_completion(program);
  } else {
    print(completion_script(shell));
  }
  return 0;
}

int man_command(const ProgramModel& program, const std::string& /*unused*/) {
  print(man_page(program, settings_table(), date_of_page()));
  return 0;
}

}  // namespace pgstow::cli
