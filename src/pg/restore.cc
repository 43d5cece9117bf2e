#include "pg/restore.h"

#include "base/error.h"
#include "pg/child_command.h"

namespace pgstow::pg {
namespace {

Child start_restore(const RestoreOptions& options) {
  Parameters server = options.server;
  // A database whose own settings make transactions read-only could not be filled otherwise.
  server["options"] +=
      " -c default_transaction_read_only=off -c statement_timeout=0"
      " -c lock_timeout=0 -c idle_in_transaction_session_timeout=0";
  std::vector<std::string> arguments{"--format=custom"};
  if (options.stop_at_error) arguments.emplace_back("--exit-on-error");
  if (options.no_owner) arguments.emplace_back("--no-owner");
  if (options.no_privileges) arguments.emplace_back("--no-privileges");
  Command command = tool_command(options.pg_restore, arguments, server);
  command.pipe_in = true;
  return Child::start(command);
}

}  // namespace

RestoreSink::RestoreSink(const RestoreOptions& options)
    : stop_(options.stop), child_(start_restore(options)) {}

// No stall limit here: an index or a constraint may honestly take hours.
void RestoreSink::write(std::string_view bytes) { child_.write(bytes, {.stop = stop_}); }

void RestoreSink::finish() {
  child_.close_input();
  static_cast<void>(child_.wait(stop_));
}

}  // namespace pgstow::pg
