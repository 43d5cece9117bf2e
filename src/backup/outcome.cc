#include "backup/outcome.h"

#include <fmt/format.h>

#include <utility>

#include "base/error.h"

namespace pgstow {
namespace {

constexpr std::chrono::seconds kBetween{1};

// One question. What kept it from being answered goes to `why`.
std::optional<bool> ask_once(const AskOutcome& ask, const std::stop_token& stop, std::string& why) {
  try {
    why = "its session has not ended yet";
    return ask(stop);
  } catch (const Cancelled&) {
    throw;
  } catch (const Error& e) {
    why = e.what();
    return std::nullopt;
  }
}

// A stop that came before is not heard by the first question: in most cases it is answered.
std::optional<bool> ask_on(const AskOutcome& ask, const Context& context,
                           std::chrono::seconds patience, std::string& why) {
  const Time end = context.clock.now() + patience;
  std::optional<bool> committed = ask_once(ask, {}, why);
  while (!committed && context.clock.now() < end) {
    context.clock.sleep(kBetween, context.stop);
    committed = ask_once(ask, context.stop, why);
  }
  return committed;
}

}  // namespace

void find_out(const AskOutcome& ask, const pg::OutcomeUnknown& lost, const std::string& hint,
              const Context& context, std::chrono::seconds patience) {
  context.log.warning("the server did not answer COMMIT; asking it what became of that",
                      {{"cause", lost.what()}});
  std::optional<bool> committed;
  std::string why;
  try {
    committed = ask_on(ask, context, patience, why);
  } catch (const Cancelled&) {
    why += "; then a stop was asked for";
  }
  if (!committed) {
    throw pg::OutcomeUnknown(fmt::format("{}; asked again: {}", lost.what(), why), hint);
  }
  if (!*committed) {
    throw Transient(fmt::format("{}; asked again: it did not", lost.what()),
                    "try again when the server and the network are well");
  }
}

}  // namespace pgstow
