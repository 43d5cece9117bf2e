#include "pg/restore.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "base/memory_file.h"
#include "base/text.h"
#include "pg/child_command.h"
#include "pg/toc_parts.h"

namespace pgstow::pg {
namespace {

Parameters restore_server(const RestoreOptions& options) {
  Parameters server = options.server;
  // A database whose own settings make transactions read-only could not be filled otherwise.
  server["options"] +=
      " -c default_transaction_read_only=off -c statement_timeout=0"
      " -c lock_timeout=0 -c idle_in_transaction_session_timeout=0";
  if (!options.durable) server["options"] += " -c synchronous_commit=off";
  return server;
}

std::vector<std::string> restore_arguments(const RestoreOptions& options,
                                           std::vector<std::string> arguments) {
  arguments.emplace_back("--format=custom");
  if (options.stop_at_error) arguments.emplace_back("--exit-on-error");
  if (options.no_owner) arguments.emplace_back("--no-owner");
  if (options.no_privileges) arguments.emplace_back("--no-privileges");
  return arguments;
}

Child start_restore(const RestoreOptions& options) {
  return Child::start(tool_command(options.pg_restore, restore_arguments(options, {}),
                                   restore_server(options), ToolInput::kStream));
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

// pg_restore reads a table of contents that is followed by zeros up to `size`.
void run_part(const RestoreOptions& options, std::string_view toc, std::uint64_t size,
              std::vector<std::string> arguments) {
  Command command =
      tool_command_on_file(options.pg_restore, restore_arguments(options, std::move(arguments)),
                           restore_server(options), {.bytes = toc.size(), .size = size});
  const bool here = options.pg_restore.runner.is_here();
  const Fd file = here ? memory_file(toc, size) : Fd();
  command.input = file.get();
  masked([&] {
    Child child = Child::start(command);
    if (!here) child.write(toc, {.stop = options.stop});
    static_cast<void>(child.wait(options.stop));
  });
}

}  // namespace

void restore_before_rows(const RestoreOptions& options, const ArchiveHeader& archive) {
  run_part(options, encode_header(toc_before_rows(archive)), 0,
           {"--section=pre-data", "--section=data"});
}

void restore_after_rows(const RestoreOptions& options, const ArchiveHeader& archive,
                        const std::map<int, std::uint64_t>& bytes, unsigned jobs) {
  const OrderedToc ordered = toc_after_rows(archive, bytes);
  // No table's rows are in this part; a materialized view is filled as its owner sees the tables.
  std::vector<std::string> arguments{"--section=post-data", "--enable-row-security"};
  if (jobs > 1) {  // each of its processes opens the file by a name
    arguments.push_back(fmt::format("--jobs={}", jobs));
    arguments.emplace_back("/dev/stdin");
  }
  run_part(options, encode_header(ordered.header), ordered.size, std::move(arguments));
}

void restore_index(const RestoreOptions& options, const ArchiveHeader& archive, int index) {
  run_part(options, encode_header(toc_of_index(archive, index)), 0, {"--section=post-data"});
}

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
