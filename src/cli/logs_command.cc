// pgstow logs
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "backup/config_state.h"
#include "base/error.h"
#include "base/log_reader.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/system_unit.h"

namespace pgstow::cli {
namespace {

constexpr std::chrono::milliseconds kPause{100};

// systemd keeps this link for each unit that runs, for its journal to read.
bool runs_as_unit() {
  std::error_code ignored;  // no systemd here
  return std::filesystem::is_symlink("/run/systemd/units/invocation:pgstow.service", ignored);
}

LogReader open_log(const std::filesystem::path& path) {
  try {
    return LogReader(path);
  } catch (const NotFound&) {
    throw NotFound(
        fmt::format("{}: there is no log of a service yet", path.native()),
        runs_as_unit()
            ? "systemd runs the service: `journalctl -u pgstow` shows its log"
            : "a service in the foreground logs to its terminal, one under systemd to the "
              "journal: `journalctl -u pgstow`");
  }
}

// Ends when a stop is asked for, which is how following ends, or nobody reads any more.
void follow(LogReader& reader, const Context& context) {
  while (!context.stop.stop_requested() && std::ferror(stdout) == 0) {
    print(printable_lines(reader.more()));
    try {
      context.clock.sleep(kPause, context.stop);
    } catch (const Cancelled&) {
      return;
    }
  }
}

}  // namespace

int logs_command(const Session& session) {
  warn_of_unit(session);
  LogReader reader = open_log(service_log_path(session.config));
  print(printable_lines(reader.last(session.arguments.lines)));
  if (session.arguments.follow) follow(reader, session.context);
  return static_cast<int>(Exit::kOk);
}

}  // namespace pgstow::cli
