// pgstow config
#include "base/error.h"
#include "cli/commands.h"
#include "daemon/notify_config.h"

namespace pgstow::cli {

int config_command(const Session& session) {
  print(describe_settings(session.config, session.arguments.json));
  static_cast<void>(notifiers_of_job(session.config, session.context.log));  // warns of mistakes
  return static_cast<int>(Exit::kOk);
}

}  // namespace pgstow::cli
