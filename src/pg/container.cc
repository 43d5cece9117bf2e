#include "pg/container.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <functional>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"

namespace pgstow::pg {
namespace {

namespace json = boost::json;

constexpr std::size_t kLeastOfId = 6;
constexpr std::size_t kShortId = 12;
constexpr const char* kProject = "com.docker.compose.project";
constexpr const char* kService = "com.docker.compose.service";
constexpr const char* kOneOff = "com.docker.compose.oneoff";

// Engines leave members out, or say null, where there is nothing to tell: all are optional here.
const json::value* at(const json::value& value, std::string_view pointer) {
  boost::system::error_code none;
  return value.find_pointer(pointer, none);
}

template <typename Each>
void for_members(const json::value* value, Each each) {
  if (value == nullptr || !value->is_object()) return;
  for (const auto& member : value->get_object()) each(std::string(member.key()), member.value());
}

template <typename Each>
void for_items(const json::value* value, Each each) {
  if (value == nullptr || !value->is_array()) return;
  for (const json::value& item : value->get_array()) each(item);
}

std::string without_slash(std::string name) {
  return name.starts_with('/') ? name.substr(1) : name;
}

std::string label(const ListedContainer& container, const std::string& name) {
  const auto found = container.labels.find(name);
  return found == container.labels.end() ? "" : found->second;
}

std::string line_of(const ListedContainer& c) {
  return printable(fmt::format("{}  {}  {}  {}", c.name, c.id.substr(0, kShortId), c.image,
                               c.status.empty() ? c.state : c.status));
}

bool looks_like_postgresql(const ListedContainer& c) {
  static constexpr std::array kParts{"postgres", "postgis", "pgvector", "timescale"};
  const std::string text = lower(c.image + " " + c.name);
  return std::ranges::any_of(kParts, [&](const char* p) { return text.find(p) != text.npos; });
}

// The ways to name a container, the strictest first.
std::vector<std::function<bool(const ListedContainer&)>> ways_to_mean(std::string_view wanted) {
  const std::string word(wanted);
  if (wanted.starts_with("label=")) {
    const std::string text = word.substr(6);
    const std::string name = text.substr(0, text.find('='));
    const bool any = name.size() == text.size();
    const std::string value = any ? "" : text.substr(name.size() + 1);
    return {[=](const ListedContainer& c) {
      const auto found = c.labels.find(name);
      return found != c.labels.end() && (any || found->second == value);
    }};
  }
  const std::size_t slash = word.find('/');
  if (slash != std::string::npos && slash > 0) {
    return {[=](const ListedContainer& c) {
      return label(c, kProject) == word.substr(0, slash) &&
             label(c, kService) == word.substr(slash + 1) && label(c, kOneOff) != "True";
    }};
  }
  const std::string name = without_slash(word);
  return {[=](const ListedContainer& c) { return c.name == name; },
          [=](const ListedContainer& c) {
            return label(c, kService) == name && label(c, kOneOff) != "True";
          },
          // "db" and "cafe" are hexadecimal, too, and mean no container that happens to begin so.
          [=](const ListedContainer& c) {
            return name.size() >= kLeastOfId && c.id.starts_with(name);
          }};
}

[[noreturn]] void refuse_unknown(const std::vector<ListedContainer>& containers,
                                 std::string_view wanted) {
  std::vector<std::string> names;
  std::vector<std::string> likely;
  for (const ListedContainer& c : containers) {
    names.push_back(c.name);
    if (looks_like_postgresql(c)) likely.push_back(line_of(c));
  }
  const auto close = nearest(wanted, names);
  throw NotFound(
      fmt::format("no container {}{}", printable(wanted),
                  likely.empty() ? std::string("; none looks like a PostgreSQL, either")
                                 : "; these look like a PostgreSQL:\n  " + join(likely, "\n  ")),
      close ? fmt::format("did you mean {}?", printable(*close))
            : "`docker ps -a` lists all; BACKUP_CONTAINER takes a name, an id, "
              "project/service or label=NAME=VALUE");
}

// What RFC 3339 says up to its seconds, in UTC, which is how engines tell times.
std::optional<Time> time_of(const std::string& text) {
  if (text.size() < 20 || text.starts_with("0001")) return std::nullopt;
  return parse_rfc3339(text);
}

std::string ago(const std::optional<Time>& time, Time now) {
  if (!time) return "";
  return fmt::format(", {} ago",
                     human_duration(std::max(now - *time, std::chrono::milliseconds(0))));
}

std::string how_it_is(const json::value& reply, const std::string& state, Time now) {
  if (state != "exited" && state != "dead") {
    return state + ago(time_of(text_at(reply, "/State/StartedAt")), now);
  }
  const json::value* code = at(reply, "/State/ExitCode");
  std::string text = state;
  if (code != nullptr && code->is_int64()) {
    text += fmt::format(", status {}", code->get_int64());
  }
  const json::value* memory = at(reply, "/State/OOMKilled");
  if (memory != nullptr && memory->is_bool() && memory->get_bool()) text += ", out of memory";
  return text + ago(time_of(text_at(reply, "/State/FinishedAt")), now);
}

std::map<std::string, std::string> environment_of(const json::value& reply) {
  std::map<std::string, std::string> environment;
  for_items(at(reply, "/Config/Env"), [&](const json::value& item) {
    if (!item.is_string()) return;
    const std::string entry(item.get_string());
    const std::size_t equals = entry.find('=');
    if (equals != std::string::npos) {
      environment[entry.substr(0, equals)] = entry.substr(equals + 1);
    }
  });
  return environment;
}

// A port that is open to all is open at the loopback address, too.
std::string reachable(const std::string& address, const std::string& engine_host) {
  if (!engine_host.empty()) return engine_host;
  if (address.empty() || address == "0.0.0.0") return "127.0.0.1";
  return address == "::" ? "::1" : address;
}

std::vector<ServerAddress> addresses_of(const json::value& reply, const std::string& port,
                                        const std::string& engine_host) {
  std::vector<ServerAddress> found;
  for_items(at(reply, fmt::format("/NetworkSettings/Ports/{}~1tcp", port)),
            [&](const json::value& item) {
              const std::string number = text_at(item, "/HostPort");
              if (number.empty()) return;
              found.push_back({reachable(text_at(item, "/HostIp"), engine_host), number});
            });
  const bool shares_network = text_at(reply, "/HostConfig/NetworkMode") == "host";
  if (shares_network) found.push_back({reachable("", engine_host), port});
  if (!engine_host.empty()) return found;  // addresses there are of no use here
  for_members(at(reply, "/NetworkSettings/Networks"),
              [&](const std::string&, const json::value& network) {
                for (const char* member : {"/IPAddress", "/GlobalIPv6Address"}) {
                  const std::string address = text_at(network, member);
                  if (!address.empty()) found.push_back({address, port});
                }
              });
  return found;
}

std::string first_of(const std::map<std::string, std::string>& environment,
                     std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const auto found = environment.find(name);
    if (found != environment.end() && !found->second.empty()) return found->second;
  }
  return "";
}

}  // namespace

const ListedContainer& choose_container(const std::vector<ListedContainer>& containers,
                                        std::string_view wanted) {
  for (const auto& is_meant : ways_to_mean(wanted)) {
    std::vector<const ListedContainer*> found;
    for (const ListedContainer& c : containers) {
      if (is_meant(c)) found.push_back(&c);
    }
    if (found.size() == 1) return *found[0];
    if (found.empty()) continue;
    std::vector<std::string> lines;
    for (const ListedContainer* c : found) lines.push_back(line_of(*c));
    throw ConfigError(fmt::format("{} may mean several containers:\n  {}", printable(wanted),
                                  join(lines, "\n  ")),
                      "name one of them in BACKUP_CONTAINER");
  }
  refuse_unknown(containers, wanted);
}

std::vector<ListedContainer> read_list(const json::value& reply) {
  std::vector<ListedContainer> containers;
  for_items(&reply, [&](const json::value& item) {
    ListedContainer c{.id = text_at(item, "/Id"),
                      .name = without_slash(text_at(item, "/Names/0")),
                      .image = text_at(item, "/Image"),
                      .state = text_at(item, "/State"),
                      .status = text_at(item, "/Status")};
    for_members(at(item, "/Labels"), [&](const std::string& name, const json::value& value) {
      if (value.is_string()) c.labels[name] = std::string(value.get_string());
    });
    containers.push_back(std::move(c));
  });
  return containers;
}

Container read_container(const json::value& reply, const std::string& engine_host, Time now) {
  Container c{.id = text_at(reply, "/Id"),
              .name = without_slash(text_at(reply, "/Name")),
              .state = text_at(reply, "/State/Status")};
  c.how_it_is = how_it_is(reply, c.state, now);
  c.health = text_at(reply, "/State/Health/Status");
  if (c.health == "none") c.health.clear();
  for_items(at(reply, "/State/Health/Log"),
            [&](const json::value& item) { c.health_said = text_at(item, "/Output"); });
  c.started = time_of(text_at(reply, "/State/StartedAt"));
  c.environment = environment_of(reply);
  const std::string port = first_of(c.environment, {"PGPORT", "POSTGRESQL_PORT_NUMBER"});
  if (parse_int(port)) c.port = port;
  c.addresses = addresses_of(reply, c.port, engine_host);
  return c;
}

Container find_container(Engine& engine, std::string_view wanted, Time now) {
  const std::vector<ListedContainer> all = read_list(engine.get("/containers/json?all=1"));
  const std::string id = choose_container(all, wanted).id;
  return read_container(engine.get("/containers/" + id + "/json"), engine.address().host, now);
}

ContainerDatabase database_in(const Container& container) {
  const auto& env = container.environment;
  ContainerDatabase found;
  ImageVariables& v = found.variables;
  v.user = first_of(env, {"POSTGRES_USER", "POSTGRESQL_USERNAME", "POSTGRESQL_USER"});
  if (v.user.empty()) found.user_file = first_of(env, {"POSTGRES_USER_FILE"});
  if (v.user.empty() && found.user_file.empty()) v.user = "postgres";
  v.database = first_of(env, {"POSTGRES_DB", "POSTGRES_DATABASE", "POSTGRESQL_DATABASE"});
  if (v.database.empty()) found.database_file = first_of(env, {"POSTGRES_DB_FILE"});
  v.password = first_of(env, {"POSTGRES_PASSWORD", "POSTGRESQL_PASSWORD"});
  found.password_file = first_of(env, {"POSTGRES_PASSWORD_FILE", "POSTGRESQL_PASSWORD_FILE"});
  return found;
}

void refuse_stopped(const Container& container) {
  if (container.runs()) return;
  const std::string name = printable(container.name);
  const std::string text = fmt::format("{}: {} ({})", kNotRunning, name, container.how_it_is);
  if (container.state == "paused") {
    throw Transient(text, fmt::format("`docker unpause {}` lets it go on", name));
  }
  if (container.state == "restarting") {
    throw Transient(text, fmt::format("it ends again and again: `docker logs {}` tells why", name));
  }
  throw Transient(text, fmt::format("`docker start {0}`, or `docker compose up -d`, starts it; "
                                    "`docker logs {0}` tells why it ended",
                                    name));
}

}  // namespace pgstow::pg
