// pg_dump as a source of bytes.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/child.h"
#include "pg/connection.h"
#include "pg/tools.h"
#include "stream/stream.h"

namespace pgstow::pg {

struct DumpOptions {
  Tool pg_dump;
  Parameters server;     // Connection::parameters_for_children()
  std::string snapshot;  // an exported snapshot's id
  std::string encoding;  // of the archive: the database's own
  std::chrono::milliseconds lock_timeout;
  Wait wait;
  std::vector<std::string> without_rows = {};  // data_patterns() of tables
  bool without_large_objects = false;
};

// Runs `pg_dump -Fc -Z0` and yields its archive. The end of the stream means that pg_dump ended
// well; its failure is thrown with its own words. Nothing but names and addresses is in its
// arguments: the password travels in its environment.
class DumpSource final : public Source {
 public:
  explicit DumpSource(const DumpOptions& options);

  std::size_t read(std::span<char> into) override;

  // Whether its archive has begun, or it has ended; waits so long for that. It begins when the
  // catalogue is read, and all tables are locked.
  bool begun(std::chrono::milliseconds patience) const { return child_.readable(patience); }

  // What pg_dump warned about, a line each; complete after the end of the stream.
  const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  void end();

  Wait wait_;
  Child child_;
  bool drained_ = false;  // the last read took all that the pipe held
  bool ended_ = false;
  std::vector<std::string> warnings_;
};

}  // namespace pgstow::pg
