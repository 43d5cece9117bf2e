// pgstow notify --test
#include <fmt/format.h>

#include "base/text.h"
#include "cli/commands.h"
#include "daemon/job_report.h"
#include "daemon/notify_config.h"

namespace pgstow::cli {
namespace {

// Somebody waits for it: what does not work at once is said at once.
constexpr Patience kNone{.attempts = 1, .pauses = std::chrono::milliseconds(0)};

Event test_event(const Session& session) {
  Event event = event_now(Event::Kind::kTest, database_of(session), session.context);
  event.run_id = new_run_id();
  return event;
}

void print_failure(const Session& session, std::string_view name, const Error& e) {
  const Log& log = session.context.log;
  print(fmt::format("{:<9} failed: {}\n", name, printable(log.redacted(e.what()))));
  if (!e.hint().empty()) {
    print(fmt::format("{:<9} hint: {}\n", "", printable(log.redacted(e.hint()))));
  }
}

bool try_out(const Session& session, Notifier& notifier, const Event& event) {
  try {
    notifier.send(event, session.context);
    print(fmt::format("{:<9} good\n", notifier.name()));
    return true;
  } catch (const Cancelled&) {
    throw;
  } catch (const Error& e) {
    print_failure(session, notifier.name(), e);
    return false;
  }
}

}  // namespace

int notify_command(const Session& session) {
  if (!session.arguments.test) {
    throw ConfigError("notify: what is to be told?", "`pgstow notify --test` sends a test");
  }
  const Notifiers made = make_notifiers(session.config, kNone);
  if (made.notifiers.empty() && made.problems.empty()) {
    throw ConfigError("no notifier is configured: nobody is told when a backup fails",
                      "BACKUP_TELEGRAM_TOKEN, BACKUP_WEBHOOK_URL, BACKUP_SMTP_URL or "
                      "BACKUP_PING_URL configures one");
  }
  const Event event = test_event(session);
  bool good = true;
  for (const auto& notifier : made.notifiers) good = try_out(session, *notifier, event) && good;
  for (const ConfigError& problem : made.problems) print_failure(session, "settings", problem);
  if (!made.problems.empty()) return static_cast<int>(Exit::kUsage);
  return static_cast<int>(good ? Exit::kOk : Exit::kFailed);
}

}  // namespace pgstow::cli
