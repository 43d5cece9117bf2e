// The service as a process of this host: who it is, and how it is ended.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>

#include "base/context.h"

namespace pgstow {

// The process that runs the service of this database with this state folder, by the lock that it
// holds: nothing when none does. Throws Error when it runs on another host.
std::optional<int> service_process(const std::filesystem::path& folder,
                                   const std::string& database);

// Asks it to end and waits for that; false when there is none. Throws Error when it has not ended
// after that time.
bool stop_service(const std::filesystem::path& folder, const std::string& database,
                  std::chrono::milliseconds patience, const Context& context);

// A socket for what a service that we start tells its supervisor (sd_notify).
class ReadySocket {
 public:
  ReadySocket();
  ReadySocket(const ReadySocket&) = delete;
  ~ReadySocket();

  // "NOTIFY_SOCKET=...", for its environment.
  std::string environment() const;
  // Waits that long at most for it to say READY=1; whether it did.
  bool ready_within(std::chrono::milliseconds time);

 private:
  std::string name_;  // in the abstract name space, without its '@'
  int socket_ = -1;
};

}  // namespace pgstow
