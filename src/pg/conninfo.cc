#include "pg/conninfo.h"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <memory>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "pg/sql_text.h"
#include "pg/url.h"

namespace pgstow::pg {
namespace {

constexpr std::string_view kWhat = "database URL";
constexpr const char* kShape =
    "it looks like postgresql://user:password@host:5432/database, or like \"host=... dbname=... "
    "user=...\" with values that hold spaces in single quotes";
constexpr const char* kEscapes =
    "in user, password and parameters write @ as %40, / as %2F, : as %3A, ? as %3F, # as %23, % as "
    "%25";

using Options = std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)>;

// Nothing if libpq can't read the text. Its message is dropped: it quotes pieces of the text.
Options parse_by_libpq(const std::string& text) {
  char* message = nullptr;
  Options options(PQconninfoParse(text.c_str(), &message), PQconninfoFree);
  PQfreemem(message);
  return options;
}

std::vector<std::string> libpq_keywords() {
  std::vector<std::string> keywords;
  const Options options = parse_by_libpq("");
  for (const PQconninfoOption* o = options.get(); o != nullptr && o->keyword != nullptr; ++o) {
    keywords.emplace_back(o->keyword);
  }
  return keywords;
}

// Query parameters that ORMs, drivers and hosting services put into URLs for themselves; libpq
// would refuse the whole URL. What libpq or a newer libpq knows must not stand here.
constexpr auto kOrmParameters = std::to_array<std::string_view>(
    {// Prisma
     "schema", "connection_limit", "pool_timeout", "pgbouncer", "sslaccept", "sslidentity",
     "socket_timeout", "statement_cache_size", "max_connection_lifetime",
     "max_idle_connection_lifetime",
     // SQLAlchemy, asyncpg, psycopg pools, Django
     "pool_size", "max_overflow", "pool_recycle", "pool_pre_ping", "pool_use_lifo", "echo",
     "prepared_statement_cache_size", "prepared_statement_name_func", "command_timeout", "min_size",
     "max_size", "max_queries", "server_settings", "async_fallback",
     "max_cached_statement_lifetime", "max_cacheable_statement_size", "conn_max_age",
     "conn_health_checks", "prepare_threshold",
     // node-postgres, postgres.js, Sequelize, Knex
     "uselibpqcompat", "max", "min", "idle_timeout", "idleTimeoutMillis", "max_lifetime",
     "connectionTimeoutMillis", "statement_timeout", "query_timeout", "prepare", "fetch_types",
     "workaround",
     // Rails, Ecto, Go's pgx and lib/pq, sqlx, Rust pools
     "pool", "prepared_statements", "advisory_locks", "statement_limit", "checkout_timeout",
     "reaping_frequency", "encoding", "adapter", "timeout", "reconnect", "variables",
     "schema_search_path", "min_messages", "pool_max_conns", "pool_min_conns",
     "pool_max_conn_lifetime", "pool_max_conn_idle_time", "pool_health_check_period",
     "default_query_exec_mode", "statement_cache_capacity", "binary_parameters", "search_path",
     "statement-cache-capacity", "max_connections", "min_connections", "ssl_opts",
     // JDBC, Doctrine, .NET
     "currentSchema", "serverVersion", "charset", "driver", "prepareThreshold",
     "preparedStatements", "reWriteBatchedInserts", "ApplicationName", "stringtype", "loginTimeout",
     "connectTimeout", "socketTimeout", "tcpKeepAlive", "defaultRowFetchSize", "binaryTransfer",
     "targetServerType", "loadBalanceHosts", "sslfactory", "allowPublicKeyRetrieval", "useSSL",
     "autosave",
     // Supabase, Vercel, Heroku
     "supa", "sslfallback", "pooler", "pooling"});

std::string ignored(const std::string& pair, const std::string& name) {
  static const std::set<std::string_view> kSchemas{"schema", "currentSchema", "search_path",
                                                   "schema_search_path"};
  std::string text = fmt::format("{}: ignored {}", kWhat, printable(pair));
  if (kSchemas.contains(name)) text += ": a backup holds the whole database";
  if (name == "pgbouncer") text += ": name the server itself, pg_dump needs a session of its own";
  return text;
}

// asyncpg and node-postgres: ssl=true, ssl=require, ...; libpq: sslmode.
std::string as_sslmode(std::string_view value) {
  if (value.empty() || value == "true" || value == "1") return "sslmode=require";
  if (value == "false" || value == "0") return "sslmode=disable";
  return fmt::format("sslmode={}", value);
}

void check_scheme(const Url& url) {
  if (url.scheme == "postgres" || url.scheme == "postgresql") return;
  throw ConfigError(fmt::format("{}: {}:// is no PostgreSQL", kWhat, url.scheme), kShape);
}

// Checked here because libpq takes what stands between two "@" for a host and a "/" for the end of
// the hosts, and quotes either in its errors.
void check_escapes(const Url& url) {
  if (!has_sound_authority(url)) {
    throw ConfigError(
        fmt::format("{}: an unescaped @ or / in the password, or no @ before the host", kWhat),
        kEscapes);
  }
  if (!has_sound_escapes(url.authority) || !has_sound_escapes(url.path) ||
      !has_sound_escapes(url.query)) {
    throw ConfigError(fmt::format("{}: a % that is not followed by two hexadecimal digits", kWhat),
                      kEscapes);
  }
}

[[noreturn]] void refuse_parameter(const std::string& name, const Url& url) {
  // An unescaped & cuts a password of the query in two: the name could be its second half.
  const bool showable = is_variable_name(name) && url.query.find("password") == std::string::npos;
  const auto close = nearest(name, libpq_keywords());
  throw ConfigError(
      fmt::format("{}: libpq {} knows no parameter{}", kWhat, PQlibVersion() / 10000,
                  showable ? " " + name : " of one of the names behind the ?"),
      showable && close ? fmt::format("did you mean {}?", *close) : "leave it out of the URL");
}

// The query parameter as libpq wants it; nothing if it is to be left out.
std::optional<std::string> kept_parameter(const std::string& pair, const Url& url,
                                          const std::vector<std::string>& keywords,
                                          std::vector<std::string>& warnings) {
  const std::string name = pair.substr(0, pair.find('='));
  const std::string value = pair.substr(std::min(pair.size(), name.size() + 1));
  if (name == "ssl") return as_sslmode(value);
  if (name == "sslmode" && value == "no-verify") {  // node-postgres
    warnings.push_back(fmt::format("{}: sslmode=no-verify is taken as sslmode=require", kWhat));
    return "sslmode=require";
  }
  if (std::ranges::find(keywords, name) != keywords.end()) return pair;
  if (std::ranges::find(kOrmParameters, name) == kOrmParameters.end()) refuse_parameter(name, url);
  warnings.push_back(ignored(pair, name));
  return std::nullopt;
}

std::string normalised(std::string_view text, std::vector<std::string>& warnings) {
  const Url url = split_url(text);
  check_scheme(url);
  if (!url.driver.empty()) {
    warnings.push_back(fmt::format("{}: ignored the driver {}", kWhat, url.driver));
  }
  check_escapes(url);
  const std::vector<std::string> keywords = libpq_keywords();
  std::string out = "postgresql://" + url.authority + url.path;
  char separator = '?';
  for (const std::string_view pair : split(url.query, '&')) {
    if (pair.empty()) continue;
    if (const auto kept = kept_parameter(std::string(pair), url, keywords, warnings)) {
      out += separator + *kept;
      separator = '&';
    }
  }
  return out;
}

void check_ports(const std::map<std::string, std::string>& parameters) {
  const auto port = parameters.find("port");
  if (port == parameters.end()) return;
  for (const std::string_view one : split(port->second, ',')) {
    const auto number = parse_int(one);
    if (!one.empty() && (!number || *number < 1 || *number > 65535)) {
      throw ConfigError(fmt::format("{}: the port is no number from 1 to 65535", kWhat), kShape);
    }
  }
}

// Secrets of libpq that have no environment variable: children would get them in their arguments.
bool is_argument_secret(std::string_view keyword) {
  return keyword == "sslpassword" || keyword == "scram_client_key" ||
         keyword == "scram_server_key" || keyword == "oauth_client_secret";
}

void check_secrets(const std::map<std::string, std::string>& parameters) {
  for (const auto& [keyword, value] : parameters) {
    if (!is_argument_secret(keyword)) continue;
    throw ConfigError(fmt::format("{}: {} would show in pg_dump's arguments", kWhat, keyword),
                      keyword == "sslpassword"
                          ? "use a client key without a password, in a file of mode 0600"
                          : "use a password, or a client certificate");
  }
}

bool is_set(const Lookup& environment, const char* name) {
  const auto value = environment(name);
  return value && !value->empty();
}

// The image's password belongs to the image's user.
bool is_password_wanted(const std::map<std::string, std::string>& parameters,
                        const ImageVariables& image, const Lookup& environment) {
  if (parameters.contains("passfile") || is_set(environment, "PGPASSFILE")) return false;
  if (image.user.empty()) return true;
  const auto named = parameters.find("user");
  const std::string user =
      named != parameters.end() ? named->second : environment("PGUSER").value_or("");
  return user.empty() || user == image.user;
}

}  // namespace

ConnectionTarget parse_url(std::string_view url) {
  const std::string_view text = trim(url);
  ConnectionTarget target;
  const Options options =
      parse_by_libpq(is_url(text) ? normalised(text, target.warnings) : std::string(text));
  if (!options || text.empty() || text.find('\0') != std::string_view::npos) {
    throw ConfigError(fmt::format("{}: libpq can't read it", kWhat), kShape);
  }
  for (const PQconninfoOption* o = options.get(); o->keyword != nullptr; ++o) {
    if (o->val != nullptr) target.parameters[o->keyword] = o->val;
  }
  check_ports(target.parameters);
  check_secrets(target.parameters);
  return target;
}

void apply_image_variables(ConnectionTarget& target, const ImageVariables& image,
                           const Lookup& environment) {
  auto& parameters = target.parameters;
  if (parameters.contains("service") || is_set(environment, "PGSERVICE")) return;
  const bool url_names_host = parameters.contains("host") || parameters.contains("hostaddr");
  const bool url_names_user = parameters.contains("user");
  const auto fill = [&](const char* keyword, const char* variable, const std::string& value) {
    if (!value.empty() && !is_set(environment, variable)) parameters.try_emplace(keyword, value);
  };
  if (!url_names_host) {
    if (!is_set(environment, "PGHOSTADDR")) fill("host", "PGHOST", image.host);
    fill("port", "PGPORT", image.port);
  }
  if (is_password_wanted(parameters, image, environment)) {
    fill("password", "PGPASSWORD", image.password);
  }
  fill("user", "PGUSER", image.user);
  fill("dbname", "PGDATABASE",
       image.database.empty() && !url_names_user ? image.user : image.database);
}

std::vector<std::string> libpq_variables() {
  // Those of parameters, and those that are read elsewhere in libpq.
  std::vector<std::string> names{"PGSERVICEFILE", "PGSYSCONFDIR", "PGDATESTYLE", "PGTZ", "PGGEQO"};
  const Options options = parse_by_libpq("");
  for (const PQconninfoOption* o = options.get(); o != nullptr && o->keyword != nullptr; ++o) {
    if (o->envvar != nullptr) names.emplace_back(o->envvar);
  }
  return names;
}

std::string to_conninfo(const std::map<std::string, std::string>& parameters) {
  std::string out;
  for (const auto& [keyword, value] : parameters) {
    if (keyword == "password" || is_argument_secret(keyword)) continue;
    out += fmt::format("{}{}={}", out.empty() ? "" : " ", keyword, quote_conninfo(value));
  }
  return out;
}

}  // namespace pgstow::pg
