// pgstow up, down, restart: the service in the background, by systemd where its unit is the one
// that is meant, by ourselves where not.
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backup/config_state.h"
#include "base/child.h"
#include "base/error.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/system_unit.h"
#include "daemon/process.h"
#include "daemon/service_config.h"
#include "store/folder.h"

namespace pgstow::cli {
namespace {

constexpr std::chrono::seconds kReady{60};
constexpr std::chrono::seconds kEnd{20};  // it ends within ten
constexpr std::chrono::milliseconds kLook{200};

void systemctl(const Session& session, const char* verb) {
  Child child = Child::start(
      {.argv = {"systemctl", verb, "pgstow.service"}, .env = session.startup.environment});
  child.wait(session.context.stop);
  print_done(session, fmt::format("systemctl {} pgstow.service: done\n", verb));
}

struct Service {
  std::string database;
  std::filesystem::path folder;
};

Service service_of(const Session& session) {
  return {.database = database_of(session), .folder = need_state_folder(session.config)};
}

// Its last words, when it ended instead of being ready.
[[noreturn]] void refuse_dead(const std::string& log, int status) {
  if (WIFEXITED(status) && WEXITSTATUS(status) == static_cast<int>(Exit::kLocked)) {
    throw Locked("another start of the service was first", "its log tells more: " + log);
  }
  throw Error(fmt::format("the service ended at once, with {} {}",
                          WIFSIGNALED(status) ? "signal" : "exit status",
                          WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status)),
              "its log tells why: " + log);
}

void await_ready(ReadySocket& socket, int process, const std::string& log, const Session& session) {
  const auto until = std::chrono::steady_clock::now() + kReady;
  while (!socket.ready_within(kLook)) {
    check_stop(session.context.stop);
    int status = 0;
    if (::waitpid(process, &status, WNOHANG) == process) refuse_dead(log, status);
    if (std::chrono::steady_clock::now() > until) {
      throw Error(fmt::format("process {} is not ready after {}", process, human_duration(kReady)),
                  "its log tells more: " + log);
    }
  }
}

// False when no service runs.
bool say_runs_already(const Session& session, const Service& service) {
  const auto process = service_process(service.folder, service.database);
  if (!process) return false;
  print_done(session, fmt::format("the service of {} runs already: process {}\n",
                                  printable(service.database), *process));
  return true;
}

// Two at once start one service.
void start(const Session& session, const Service& service) {
  // Said here, where somebody reads it, and not in a log.
  static_cast<void>(read_schedules(session.config));
  static_cast<void>(make_folder(service.folder));
  const std::string log = service_log_path(session.config);
  std::vector<std::string> words{"run"};
  if (session.config.log_file.path.empty()) words.push_back("--log-file=" + log);
  ReadySocket socket;
  const std::string output = service.folder / "service.out";
  const int process = start_detached(session.startup, words, output, {socket.environment()});
  try {
    await_ready(socket, process, log, session);
  } catch (const Locked&) {
    if (say_runs_already(session, service)) return;
    throw;
  }
  print_done(session, fmt::format("the service of {} runs: process {}\nlog: {}\n",
                                  printable(service.database), process, printable(log)));
}

void stop(const Session& session, const Service& service) {
  const bool ran = stop_service(service.folder, service.database, kEnd, session.context);
  print_done(session, fmt::format("the service of {} {}\n", printable(service.database),
                                  ran ? "has ended" : "was not running"));
}

}  // namespace

int up_command(const Session& session) {
  if (means_unit(session)) {
    systemctl(session, "start");
    return 0;
  }
  const Service service = service_of(session);
  if (!say_runs_already(session, service)) start(session, service);
  return 0;
}

int down_command(const Session& session) {
  if (means_unit(session)) {
    systemctl(session, "stop");
  } else {
    stop(session, service_of(session));
  }
  return 0;
}

int restart_command(const Session& session) {
  if (means_unit(session)) {
    systemctl(session, "restart");
    return 0;
  }
  const Service service = service_of(session);
  stop(session, service);
  start(session, service);
  return 0;
}

}  // namespace pgstow::cli
