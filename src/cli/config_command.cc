// pgstow config
#include "base/error.h"
#include "cli/commands.h"

namespace pgstow::cli {

int config_command(const Session& session) {
  print(describe_settings(session.config, session.arguments.json));
  return static_cast<int>(Exit::kOk);
}

}  // namespace pgstow::cli
