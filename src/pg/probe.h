// Whether a server answers somewhere, and lets us in.
#pragma once

#include <chrono>
#include <stop_token>
#include <string>

#include "pg/connection.h"

namespace pgstow::pg {

enum class Answer {
  kSilent,    // nobody answers
  kStarting,  // a server that starts, or stops
  kRefused,   // it does not know this user, password or origin
  kOpen,      // it lets us in; that the database is there is not said
};

struct Probed {
  Answer answer = Answer::kSilent;
  std::string text;  // libpq's, when it is not kOpen; may name the user, never the password
  // Which server it is (identity.h). Empty where no session could be had, which kOpen does not say.
  std::string identity = {};
};

// Connects, asks which server it is, and leaves again. Throws Cancelled only.
Probed probe_server(const Parameters& parameters, std::chrono::milliseconds patience,
                    const std::stop_token& stop);

}  // namespace pgstow::pg
