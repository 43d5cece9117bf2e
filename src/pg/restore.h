// pg_restore as a sink of bytes.
#pragma once

#include <stop_token>
#include <string>
#include <string_view>

#include "base/child.h"
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
  std::stop_token stop;
};

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
