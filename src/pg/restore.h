// pg_restore: as a sink of a whole archive, and for the parts of one that are no rows.
#pragma once

#include <cstdint>
#include <map>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/child.h"
#include "pg/archive.h"
#include "pg/connection.h"
#include "pg/tools.h"
#include "stream/stream.h"

namespace pgstow::pg {

struct RestoreOptions {
  Tool pg_restore;
  Parameters server;           // its dbname is the database to fill
  bool no_owner = false;       // objects belong to the restoring role
  bool no_privileges = false;  // GRANTs are left out
  bool stop_at_error = true;   // otherwise goes on, and fails at the end
  bool durable = true;         // otherwise commits do not wait for the server's disk
  std::stop_token stop;
};

// Runs what a table of contents says, in as many sessions as `jobs`, and returns when it is done
// without a single error; see toc_parts.h for the two parts. The file that pg_restore reads is in
// memory only, as it may hold passwords.
void restore_before_rows(const RestoreOptions& options, const ArchiveHeader& archive);
void restore_after_rows(const RestoreOptions& options, const ArchiveHeader& archive,
                        const std::map<int, std::uint64_t>& bytes, unsigned jobs);

// One index, whose table has its rows.
void restore_index(const RestoreOptions& options, const ArchiveHeader& archive, int index);

// pg_restore's messages without the statements that may hold a password: those of user mappings,
// foreign servers and subscriptions, which it quotes after "Command was: ".
std::string without_secret_statements(std::string_view said);

// Feeds an archive to `pg_restore`. finish() returns when everything is restored without a single
// error; any error of pg_restore is thrown with its own words.
class RestoreSink final : public Sink {
 public:
  explicit RestoreSink(const RestoreOptions& options);

  void write(std::string_view bytes) override;
  void finish() override;

 private:
  std::stop_token stop_;
  Child child_;
};

}  // namespace pgstow::pg
