// Commands where BACKUP_DATABASES names several databases: done for each of them, or for the one
// that --database names.
#pragma once

#include <boost/json.hpp>
#include <functional>
#include <string>
#include <vector>

#include "backup/config_databases.h"
#include "cli/commands.h"

namespace pgstow::cli {

// Whether the command is about several databases, and none is named.
bool is_about_several(const Session& session);

// A session about one of them; the other one is lent to it.
class OneOfSeveral {
 public:
  OneOfSeveral(const Session& session, const std::string& database)
      : config_(config_of_database(session.config, database)),
        session_{config_,          session.arguments, session.context,
                 session.progress, session.signals,   session.startup} {}
  OneOfSeveral(const OneOfSeveral&) = delete;
  OneOfSeveral& operator=(const OneOfSeveral&) = delete;

  const Session& session() const { return session_; }

 private:
  const Config config_;
  const Session session_;
};

// A command's answer about one database.
struct Answer {
  std::string text;
  boost::json::object json;
  int exit_code = 0;
};
using Ask = Answer (*)(const Session&);

// The databases that a command is to be done for.
using Which = std::function<std::vector<std::string>(const Session&)>;
std::vector<std::string> with_backups(const Session& session);  // those that the stores have
std::vector<std::string> on_server(const Session& session);     // those that are backed up now

// Of several exit codes the one to say: damage before all; the first failure where everything
// failed; "with warnings" where something did.
int exit_code_of(const std::vector<int>& codes);

// Asks and prints, about one database or about several, each under its name: what fails for one is
// said, and the others are asked all the same. As JSON: one object with all of them.
int answer(const Session& session, Ask ask, const Which& which = with_backups);

// For commands that change one database: the one that is configured, or that --database names.
// Throws ConfigError where there are several and none is named.
int for_one(const Session& session, int (*command)(const Session&));

}  // namespace pgstow::cli
