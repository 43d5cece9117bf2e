#include "pg/access.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "pg/container.h"
#include "pg/container_door.h"
#include "pg/probe.h"
#include "pg/resolved.h"

namespace pgstow::pg {
namespace {

constexpr std::chrono::seconds kPatience{30};

std::string found(const Parameters& parameters, const char* keyword) {
  const auto entry = parameters.find(keyword);
  return entry == parameters.end() ? "" : entry->second;
}

bool is_local(const std::string& host) {
  return host.empty() || host.starts_with('/') || host == "localhost" || host == "::1" ||
         host.starts_with("127.");
}

// Through the tunnel no TLS is spoken: our end of it is a Unix socket.
void refuse_tls(const Parameters& server, const std::string& host) {
  const std::string mode = found(server, "sslmode");
  if ((mode != "require" && !mode.starts_with("verify")) || is_local(host)) return;
  throw ConfigError(
      fmt::format("BACKUP_EXEC: sslmode={} to {} can't be kept from there on", mode, host),
      "run the command where the server is, or reach it without BACKUP_EXEC");
}

}  // namespace

Access::Access(Parameters server, Runner runner, std::unique_ptr<Tunnel> tunnel)
    : server_(std::move(server)), runner_(std::move(runner)), tunnel_(std::move(tunnel)) {}

Access Access::behind(const Place& place, const Context& context) {
  Parameters server = explicit_parameters(place.server);
  const std::string address = found(server, "hostaddr");
  Runner runner{.prefix = place.exec,
                .host = address.empty() ? found(server, "host") : address,
                .port = found(server, "port")};
  refuse_tls(server, runner.host);
  auto tunnel = std::make_unique<Tunnel>(runner);
  Parameters through = tunnel->through(std::move(server));
  const Probed probed = probe_server(through, kPatience, context.stop);
  if (probed.answer == Answer::kSilent) {
    const std::string said = tunnel->problem();
    throw Transient(fmt::format("no server answers through `{}`: {}", runner.name(),
                                said.empty() ? probed.text : said),
                    "PGHOST and PGPORT, or the URL, are the server's as seen from there");
  }
  Access access(std::move(through), runner, std::move(tunnel));
  access.description_ = fmt::format("through `{}`", runner.name());
  return access;
}

Access Access::into_container(const Place& place, const Context& context) {
  ContainerDoor door = open_container_door(place, context);
  Access access(std::move(door.server), std::move(door.runner), std::move(door.tunnel));
  access.description_ = std::move(door.description);
  access.doubt_ = std::move(door.doubt);
  return access;
}

Access Access::open(const Place& place, const Context& context) {
  if (place.is_here()) return {place.server, {}, nullptr};
  Access access = place.container.empty() ? behind(place, context) : into_container(place, context);
  context.log.debug("the server is reached " + access.description_);
  if (!access.doubt_.empty()) context.log.warning(access.doubt_);
  return access;
}

std::string database_of(const Place& place, const Context& context) {
  if (place.container.empty()) return database_name(place.server);
  return database_name(server_in_container(place, context));
}

void tell_what_became_of(const Place& place, Error& error, const Context& context) noexcept {
  const bool lost = dynamic_cast<const Transient*>(&error) != nullptr ||
                    dynamic_cast<const ProcessFailed*>(&error) != nullptr;
  if (place.container.empty() || !lost || std::string_view(error.what()).starts_with(kNotRunning)) {
    return;
  }
  try {
    const std::string state = state_if_stopped(place, context);
    if (!state.empty()) error.within(state);
  } catch (const std::exception&) {
    return;  // the engine does not answer, or does not know it any more: the error says what it can
  }
}

}  // namespace pgstow::pg
