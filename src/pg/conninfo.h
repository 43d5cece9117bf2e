// How a database is named: URLs as applications write them, libpq's keyword/value strings, and the
// variables of the official docker image.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/env_file.h"

namespace pgstow::pg {

// Explicit libpq parameters; whatever is missing libpq takes from its environment and files.
struct ConnectionTarget {
  std::map<std::string, std::string> parameters;  // libpq keyword -> value, the password included
  std::vector<std::string> warnings;              // hold no part of the password
};

// Reads postgres:// and postgresql:// URLs (PostgreSQL's manual, "Connection URIs"), also with a
// driver before or behind the scheme ("postgresql+psycopg2://", "jdbc:postgresql://"), and
// keyword=value strings. Parameters that only ORMs know (?schema=public) are left out with a
// warning. Throws ConfigError; no error text holds any part of the password, libpq's own texts are
// not shown.
ConnectionTarget parse_url(std::string_view url);

// What the variables POSTGRES_USER, ... of the official image say; empty means not set.
struct ImageVariables {
  std::string user;
  std::string password;
  std::string database;
  std::string host;
  std::string port;
};

// Fills in what neither the URL nor libpq's environment says:
// - nothing at all when a service is named: it says all of this itself;
// - the port only when the URL names no host: a port belongs to its host;
// - the password only for the image's user, and not over a password file that was named;
// - the database is POSTGRES_DB, else POSTGRES_USER unless the URL names a user.
void apply_image_variables(ConnectionTarget& target, const ImageVariables& image,
                           const Lookup& environment);

// The environment variables that libpq reads (PGHOST, PGSERVICEFILE, ...).
std::vector<std::string> libpq_variables();

// "keyword='value' ..." without the password and libpq's other secrets: safe in a child's
// arguments.
std::string to_conninfo(const std::map<std::string, std::string>& parameters);

// The URL or keyword/value string with its passwords as "********". Of a text that libpq would
// refuse it rather hides too much.
std::string mask_url(std::string_view url);

// A word of the user's that an error may echo: itself, unless a URL or a password=... is in it,
// whose secrets are masked. "--ulr=postgresql://u:********@h/db".
std::string mask_word(std::string_view word);

}  // namespace pgstow::pg
