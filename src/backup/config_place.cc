#include "backup/config_place.h"

#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <utility>

#include "base/environment.h"
#include "base/error.h"
#include "base/words.h"
#include "pg/exec_prefix.h"

namespace pgstow {
namespace {

// libpq takes its variables where a session names nothing: such a session could not say that it
// wants no such address.
void take_over(pg::Parameters& server, const char* variable, const char* keyword) {
  const std::string value = environment(variable).value_or("");
  if (value.empty()) return;
  server.try_emplace(keyword, value);
  ::unsetenv(variable);
}

std::vector<std::string> read_exec(const Settings& settings) {
  const std::string text = settings.text("BACKUP_EXEC");
  try {
    std::vector<std::string> words = split_words(text);
    pg::check_prefix(words);
    return words;
  } catch (Error& e) {
    e.within(fmt::format("BACKUP_EXEC ({})", settings.origin("BACKUP_EXEC")));
    throw;
  }
}

}  // namespace

pg::Place read_place(const Settings& settings, const pg::ConnectionTarget& target) {
  pg::Place place{.server = target.parameters,
                  .exec = read_exec(settings),
                  .container = settings.text("BACKUP_CONTAINER")};
  if (place.is_here()) return place;
  if (!place.exec.empty() && !place.container.empty()) {
    throw ConfigError(
        fmt::format("both BACKUP_CONTAINER ({}) and BACKUP_EXEC ({}) are set",
                    settings.origin("BACKUP_CONTAINER"), settings.origin("BACKUP_EXEC")),
        "keep one of them: the container is found by its name, the command finds its "
        "own way");
  }
  take_over(place.server, "PGHOSTADDR", "hostaddr");
  take_over(place.server, "PGSERVICE", "service");
  if (!place.container.empty()) {
    place.image = {.user = settings.text("POSTGRES_USER"),
                   .password = settings.text("POSTGRES_PASSWORD"),
                   .database = settings.text("POSTGRES_DB"),
                   .host = {},
                   .port = {}};
  }
  return place;
}

}  // namespace pgstow
