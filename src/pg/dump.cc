#include "pg/dump.h"

#include <fmt/format.h>

#include <chrono>
#include <thread>

#include "base/error.h"
#include "base/text.h"
#include "pg/child_command.h"
#include "pg/server_error.h"

namespace pgstow::pg {
namespace {

// pg_dump writes 4 KiB at a time. Woken for each of them, we would spend a tenth of the run on
// changing between the two; after this pause the pipe holds tens of them, and is far from full.
constexpr std::chrono::microseconds kRefill{300};

// The encoding is named so that PGCLIENTENCODING does not choose it. It is the database's own: no
// row has to be converted, which not every row can be.
Child start_dump(const DumpOptions& options) {
  std::vector<std::string> arguments{
      "--format=custom", "--compress=0", "--snapshot=" + options.snapshot,
      "--encoding=" + options.encoding,
      fmt::format("--lock-wait-timeout={}", options.lock_timeout.count())};
  for (const std::string& tables : options.without_rows) {
    arguments.push_back("--exclude-table-data=" + tables);
  }
  if (options.without_large_objects) arguments.emplace_back("-B");  // its long name changes with 16
  Command command = tool_command(options.pg_dump, std::move(arguments), options.server);
  command.pipe_out = true;
  return Child::start(command);
}

}  // namespace

DumpSource::DumpSource(const DumpOptions& options)
    : wait_(options.wait), child_(start_dump(options)) {}

std::size_t DumpSource::read(std::span<char> into) {
  if (ended_) return 0;
  if (drained_) std::this_thread::sleep_for(kRefill);
  try {
    const std::size_t n = child_.read(into, wait_);
    drained_ = n < into.size();
    if (n == 0) end();
    return n;
  } catch (const Transient& e) {
    throw Transient(
        e.what(),
        "is the server stuck or out of reach? A catalogue of very many objects may take "
        "long to read: then raise BACKUP_STALL_TIMEOUT");
  }
}

void DumpSource::end() {
  std::string said;
  try {
    said = child_.wait(wait_.stop);
  } catch (const ProcessFailed& e) {
    const std::string_view text = e.what();
    // pg_dump makes its --lock-wait-timeout a statement_timeout (setup_connection in pg_dump.c).
    if (text.find("LOCK TABLE") != std::string_view::npos &&
        text.find("timeout") != std::string_view::npos) {
      throw ProcessFailed(
          std::string(text),
          "another session holds an exclusive lock on that table (a migration?): try "
          "again later, or raise BACKUP_LOCK_TIMEOUT");
    }
    if (conflicts_with_recovery(text)) throw ProcessFailed(std::string(text), kConflictHint);
    throw;
  }
  ended_ = true;
  for (const std::string_view line : split(said, '\n')) {
    if (!trim(line).empty()) warnings_.emplace_back(trim(line));
  }
}

}  // namespace pgstow::pg
