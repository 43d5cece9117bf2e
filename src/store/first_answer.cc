#include "store/first_answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/text.h"

namespace pgstow {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kPatience{15};
constexpr seconds kRest{60};
constexpr std::chrono::hours kRemembered{1};
constexpr seconds kFirstConnection{5};
constexpr seconds kShortestConnection{1};
constexpr seconds kSilence{5};       // before a word about it
constexpr seconds kLongestPause{3};  // so that there is a try between that and the end

}  // namespace

FirstAnswer::FirstAnswer(std::string who, const Context& context)
    : who_(std::move(who)), context_(context) {}

milliseconds FirstAnswer::left() const {
  return std::max<milliseconds>(kPatience - (context_.clock.now() - *since_), milliseconds(0));
}

bool FirstAnswer::has_answered() {
  if (came_ && context_.clock.now() - *came_ > kRemembered) {
    came_.reset();
    since_.reset();
  }
  return came_.has_value();
}

seconds FirstAnswer::begin() {
  const std::lock_guard lock(mutex_);
  if (has_answered()) return seconds(0);
  const Time now = context_.clock.now();
  if (!since_ || now - *since_ >= kPatience + kRest) {
    since_ = now;
    cause_.clear();
    warned_ = false;
  }
  if (cause_.empty()) return kFirstConnection;
  if (left() == milliseconds(0)) throw Transient(cause_ + " (not tried again just now)");
  return std::max(std::chrono::floor<seconds>(left()), kShortestConnection);
}

void FirstAnswer::came() {
  const std::lock_guard lock(mutex_);
  came_ = context_.clock.now();
}

std::optional<milliseconds> FirstAnswer::failed(const std::string& cause) {
  const std::lock_guard lock(mutex_);
  if (has_answered() || !since_) return std::nullopt;
  cause_ = cause;
  const milliseconds still = left();
  if (!warned_ && kPatience - still >= kSilence && still > milliseconds(0)) {
    warned_ = true;
    context_.log.warning(
        fmt::format("{} does not answer, trying again for another {}", who_, human_duration(still)),
        {{"cause", cause}});
  }
  return std::min<milliseconds>(still, kLongestPause);
}

}  // namespace pgstow
