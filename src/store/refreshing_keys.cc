#include "store/refreshing_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

#include "base/error.h"
#include "base/text.h"

namespace pgstow {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;

constexpr milliseconds kMargin = minutes(5);
constexpr milliseconds kJitter = minutes(1);
constexpr milliseconds kRetryAfter = minutes(1);

// Five to six minutes before keys expire; of keys that live for less than 20 minutes, a quarter of
// their life, so that they are not fetched again for every request.
Time refresh_time(Time now, Time expires, std::uint32_t seed) {
  const milliseconds life = expires - now;
  const milliseconds margin = kMargin + milliseconds(seed % kJitter.count());
  return expires - std::min(margin, life / 4);
}

bool same_keys(const AwsKeys& a, const AwsKeys& b) {
  return a.access_key_id == b.access_key_id && a.secret_access_key == b.secret_access_key &&
         a.session_token == b.session_token;
}

}  // namespace

RefreshingKeys::RefreshingKeys(Fetch fetch, Context context, std::uint32_t seed)
    : fetch_(std::move(fetch)), context_(std::move(context)), seed_(seed) {}

AwsKeys RefreshingKeys::keys() {
  Lock lock(mutex_);
  while (!keys_ || context_.clock.now() >= refresh_at_) {
    if (!fetching_) return refresh(lock);
    if (good_now()) break;
    wait_for_fetch(lock);
  }
  return *keys_;
}

bool RefreshingKeys::renew(const AwsKeys& refused) {
  Lock lock(mutex_);
  while (fetching_) wait_for_fetch(lock);
  if (!keys_ || !same_keys(*keys_, refused)) return true;
  const AwsKeys fresh = fetch_unlocked(lock);
  if (same_keys(fresh, refused)) return false;
  keep(fresh);
  return true;
}

AwsKeys RefreshingKeys::refresh(Lock& lock) {
  try {
    keep(fetch_unlocked(lock));
  } catch (const Cancelled&) {  // what a stopped run still has to do, it may do with these
    if (!good_now()) throw;
  } catch (const Error& e) {
    if (!good_now()) throw;
    refresh_at_ = context_.clock.now() + kRetryAfter;
    context_.log.warning(
        fmt::format("new AWS keys could not be had, the old ones are good for another {}: {}",
                    human_duration(*keys_->expires - context_.clock.now()), e.what()));
  }
  return *keys_;
}

// fetch_() with the mutex free meanwhile.
AwsKeys RefreshingKeys::fetch_unlocked(Lock& lock) {
  fetching_ = true;
  lock.unlock();
  AwsKeys fresh;
  std::exception_ptr failure;
  try {
    fresh = fetch_();
  } catch (...) {
    failure = std::current_exception();
  }
  lock.lock();
  fetching_ = false;
  fetched_.notify_all();
  if (failure) std::rethrow_exception(failure);
  return fresh;
}

void RefreshingKeys::wait_for_fetch(Lock& lock) {
  if (!fetched_.wait(lock, context_.stop, [&] { return !fetching_; })) throw Cancelled();
}

void RefreshingKeys::keep(const AwsKeys& fresh) {
  const Time now = context_.clock.now();
  keys_ = fresh;
  if (!fresh.expires) {
    refresh_at_ = Time::max();
  } else if (*fresh.expires > now) {
    refresh_at_ = refresh_time(now, *fresh.expires, seed_);
  } else {
    // The server decides whether they are good: it may be our clock that is wrong, and the metadata
    // service of an instance hands out expired keys when it is itself in trouble.
    refresh_at_ = now + kRetryAfter;
    context_.log.warning("the AWS keys that were just fetched have expired already",
                         {{"expired", rfc3339(*fresh.expires)}});
  }
}

bool RefreshingKeys::good_now() const {
  return keys_ && (!keys_->expires || context_.clock.now() < *keys_->expires);
}

}  // namespace pgstow
