#include "daemon/outlook.h"

#include "base/error.h"

namespace pgstow {

Outlook::Outlook(LookAhead look, const Context& context)
    : look_(std::move(look)),
      of_the_service_(context.stop, [this] { stop_.request_stop(); }),
      context_{.log = context.log, .clock = context.clock, .stop = stop_.get_token()},
      work_([this] { carry_out(); }) {}

Outlook::~Outlook() { stop_.request_stop(); }

void Outlook::carry_out() {
  try {
    found_ = look_(context_);
  } catch (const Cancelled&) {
    return;  // the service ends
  } catch (const std::exception& e) {
    context_.log.info("the database can't be looked at yet", {{"cause", e.what()}});
  }
}

std::optional<Obstacle> Outlook::take() {
  if (taken_ || !work_.ended_within(std::chrono::milliseconds(0))) return std::nullopt;
  taken_ = true;
  work_.take();
  return found_;
}

}  // namespace pgstow
