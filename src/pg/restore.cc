#include "pg/restore.h"

#include "base/error.h"
#include "base/text.h"
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
  return Child::start(tool_command(options.pg_restore, arguments, server, ToolInput::kStream));
}

// What it throws of pg_restore's words carries no secret.
template <typename Work>
void masked(const Work& work) {
  try {
    work();
  } catch (const ProcessFailed& e) {
    throw ProcessFailed(without_secret_statements(e.what()), e.hint());
  }
}

}  // namespace

std::string without_secret_statements(std::string_view said) {
  constexpr std::string_view kStatement = "Command was: ";
  constexpr std::string_view kNextMessage = "\npg_restore: ";
  std::string out;
  while (true) {
    const std::size_t at = said.find(kStatement);
    if (at == std::string_view::npos) return out.append(said);
    const std::size_t begin = at + kStatement.size();
    const std::string_view statement =
        said.substr(begin, said.find(kNextMessage, begin) - begin);  // npos: to the end
    const std::string text = lower(statement);
    const bool secret = text.find("password") != std::string::npos ||
                        text.find("options") != std::string::npos ||
                        text.find("connection") != std::string::npos;
    out.append(said.substr(0, begin))
        .append(secret ? "(not shown: it may hold a password)" : statement);
    said.remove_prefix(begin + statement.size());
  }
}

RestoreSink::RestoreSink(const RestoreOptions& options)
    : stop_(options.stop), child_(start_restore(options)) {}

// No stall limit here: an index or a constraint may honestly take hours.
void RestoreSink::write(std::string_view bytes) {
  masked([&] { child_.write(bytes, {.stop = stop_}); });
}

void RestoreSink::finish() {
  child_.close_input();
  masked([&] { static_cast<void>(child_.wait(stop_)); });
}

}  // namespace pgstow::pg
