// What libpq makes of the parameters, and from where: for those who wonder which database it is.
#pragma once

#include <string>
#include <vector>

#include "pg/connection.h"

namespace pgstow::pg {

struct ResolvedValue {
  enum class From { kParameter, kEnvironment, kService, kPasswordFile, kDefault };

  std::string keyword;  // libpq's: "host"
  std::string value;    // a password is "********"
  From from = From::kDefault;
  std::string detail;  // the variable, or the service's name
};

struct ResolvedTarget {
  std::vector<ResolvedValue>
      values;           // host, hostaddr if there is one, port, user, dbname, password
  std::string problem;  // why there are none: a service that is not defined
};

// By libpq's own rules: parameters over service file over environment over its defaults. Nothing is
// connected, no host name is looked up.
ResolvedTarget resolve_target(const Parameters& parameters);

// The same as parameters that name everything, the password, too: what libpq would take from the
// service file, the environment and the password file, with the TLS settings that stand there.
// Where it would take its default for host or TLS, none is named.
Parameters explicit_parameters(const Parameters& parameters);

}  // namespace pgstow::pg
