// What became of a transaction when the answer to its COMMIT was lost: the server crashed or was
// started again, or the network broke just then.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "base/context.h"
#include "pg/transaction.h"

namespace pgstow {

// Looks, in a new session that this stop ends, whether the transaction was committed: nothing as
// long as the old session still works on it. Throws when the server can't be asked.
using AskOutcome = std::function<std::optional<bool>(const std::stop_token&)>;

// A server that crashed reads its log before it lets anybody in.
constexpr std::chrono::seconds kOutcomePatience{60};

// Asks every second until there is an answer, and returns normally if the transaction was
// committed. Throws Transient if it was not. When it still can't be told after that time, or a stop
// is asked for, throws OutcomeUnknown with `hint`: what the user has to look for.
void find_out(const AskOutcome& ask, const pg::OutcomeUnknown& lost, const std::string& hint,
              const Context& context, std::chrono::seconds patience = kOutcomePatience);

}  // namespace pgstow
