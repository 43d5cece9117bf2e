// The parts of a connection URL as they are written, nothing decoded.
#pragma once

#include <string>
#include <string_view>

namespace pgstow::pg {

struct Url {
  std::string scheme;     // lower case, without driver: "postgresql"
  std::string driver;     // "+psycopg2", "jdbc:", or empty
  std::string authority;  // "user:password@host:5432,other"
  std::string path;       // "/database", or empty
  std::string query;      // behind the ?
};

// Whether the text begins as a URL: letters, digits, + - . (and a "jdbc:" before), then "://".
bool is_url(std::string_view text);

// Expects is_url(text).
Url split_url(std::string_view text);

// Whether each % is followed by two hexadecimal digits that are not 00.
bool has_sound_escapes(std::string_view text);

// Whether the only "@" is the one before the hosts; and without any, whether all that stands there
// can be hosts and ports. Otherwise an "@" or "/" of the user or password is not escaped, or
// "@host" is missing, and no part of the URL can be told from the password.
bool has_sound_authority(const Url& url);

}  // namespace pgstow::pg
