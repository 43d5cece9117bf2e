// Keys that are fetched when they are first needed, and again before they expire.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>

#include "base/context.h"
#include "store/aws_keys.h"
#include "store/credentials.h"

namespace pgstow {

class RefreshingKeys final : public Credentials {
 public:
  // Asks the source for keys: takes as long as it takes, ends with Cancelled on context.stop. Never
  // called by two threads at once.
  using Fetch = std::function<AwsKeys()>;

  // The seed spreads the refreshes of many hosts.
  RefreshingKeys(Fetch fetch, Context context, std::uint32_t seed);

  AwsKeys keys() override;
  bool renew(const AwsKeys& refused) override;

 private:
  using Lock = std::unique_lock<std::mutex>;
  AwsKeys refresh(Lock& lock);
  AwsKeys fetch_unlocked(Lock& lock);
  void wait_for_fetch(Lock& lock);
  void keep(const AwsKeys& fresh);
  bool good_now() const;

  const Fetch fetch_;
  const Context context_;
  const std::uint32_t seed_;
  std::mutex mutex_;  // guards all below
  std::condition_variable_any fetched_;
  bool fetching_ = false;
  std::optional<AwsKeys> keys_;
  Time refresh_at_ = Time::max();
};

}  // namespace pgstow
