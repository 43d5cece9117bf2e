#include "pg/resolved.h"

#include <cstdlib>
#include <map>
#include <memory>
#include <string_view>

#include "base/error.h"
#include "base/text.h"
#include "pg/libpq.h"

namespace pgstow::pg {
namespace {

using Options = std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)>;

// A value that there is not, of either sslmode or channel_binding. libpq looks at these after it
// has worked out all that is asked for here, and before it looks up a host (conninfo and
// connectOptions2() in fe-connect.c).
constexpr const char* kGoesNoFurther = "none";

LibpqConnection work_out(Parameters parameters, const char* stopper = "sslmode") {
  parameters[stopper] = kGoesNoFurther;
  return begin_connecting(parameters);
}

std::string text(const char* value) { return value == nullptr ? "" : value; }

// One option as libpq knows it, and the value in use, which may be none of its options: a default.
ResolvedValue resolved(const PQconninfoOption& option, const std::string& in_use,
                       const Parameters& parameters) {
  using From = ResolvedValue::From;
  ResolvedValue value;
  value.keyword = option.keyword;
  value.value = in_use;
  const std::string variable = text(option.envvar);
  const std::string set = variable.empty() ? "" : text(std::getenv(variable.c_str()));
  const auto named = parameters.find("service");
  const std::string service =
      named != parameters.end() ? named->second : text(std::getenv("PGSERVICE"));
  const bool by_default = text(option.val).empty() || in_use == text(option.compiled);
  const auto given = parameters.find(value.keyword);
  if (given != parameters.end() && !given->second.empty()) {
    value.from = From::kParameter;
  } else if (!set.empty() && set == in_use) {
    value.from = From::kEnvironment;
    value.detail = variable;
  } else if (!service.empty() && !by_default) {
    value.from = From::kService;
    value.detail = service;
  } else if (value.keyword == "password") {
    value.from = From::kPasswordFile;
  }
  if (value.keyword == "password") value.value = "********";
  return value;
}

// What the option of that name is by parameters, service file and environment; empty: its default.
std::string value_of(PGconn* conn, std::string_view keyword) {
  const Options options(PQconninfo(conn), PQconninfoFree);
  for (const PQconninfoOption* o = options.get(); o->keyword != nullptr; ++o) {
    if (keyword == o->keyword && text(o->val) != text(o->compiled)) return text(o->val);
  }
  return "";
}

}  // namespace

ResolvedTarget resolve_target(const Parameters& parameters) {
  const LibpqConnection conn = work_out(parameters);
  if (text(PQdb(conn.get())).empty()) {
    return {.values = {}, .problem = std::string(trim(text(PQerrorMessage(conn.get()))))};
  }
  const Options options(PQconninfo(conn.get()), PQconninfoFree);
  std::map<std::string, const PQconninfoOption*> known;
  for (const PQconninfoOption* o = options.get(); o->keyword != nullptr; ++o) {
    known[o->keyword] = o;
  }
  ResolvedTarget target;
  const auto add = [&](const char* keyword, const std::string& in_use) {
    const PQconninfoOption& option = *known.at(keyword);
    // Of several hosts libpq would name only the first.
    const std::string all = text(option.val).empty() ? in_use : text(option.val);
    if (!all.empty()) target.values.push_back(resolved(option, all, parameters));
  };
  add("host", text(PQhost(conn.get())));
  add("hostaddr", "");
  add("port", text(PQport(conn.get())));
  add("user", text(PQuser(conn.get())));
  add("dbname", text(PQdb(conn.get())));
  add("password", text(PQpass(conn.get())));
  return target;
}

Parameters explicit_parameters(const Parameters& parameters) {
  const LibpqConnection conn = work_out(parameters);
  if (text(PQdb(conn.get())).empty()) {
    throw ConfigError(std::string(trim(text(PQerrorMessage(conn.get())))));
  }
  Parameters all = parameters;
  const Options options(PQconninfo(conn.get()), PQconninfoFree);
  for (const PQconninfoOption* o = options.get(); o->keyword != nullptr; ++o) {
    const std::string value = text(o->val);
    if (!value.empty() && value != text(o->compiled)) all.try_emplace(o->keyword, value);
  }
  all["port"] = text(PQport(conn.get()));
  all["user"] = text(PQuser(conn.get()));
  all["dbname"] = text(PQdb(conn.get()));
  const std::string password = text(PQpass(conn.get()));
  if (!password.empty()) all["password"] = password;
  for (const char* used_up : {"service", "passfile"}) all.erase(used_up);
  if (!parameters.contains("sslmode")) {
    // Ours stood in the way of the one that counts.
    all["sslmode"] = value_of(work_out(parameters, "channel_binding").get(), "sslmode");
    if (all["sslmode"].empty()) all.erase("sslmode");
  }
  return all;
}

}  // namespace pgstow::pg
