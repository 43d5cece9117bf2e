#include "daemon/verdict.h"

#include <fmt/format.h>

#include "base/text.h"

namespace pgstow {
namespace {

constexpr std::chrono::minutes kClocksDiffer{1};

std::vector<std::string> wrong_backup(const Standing& s) {
  if (!s.last_good) return {"there is no good backup: `pgstow backup` makes one"};
  if (s.last_good->time > s.now + kClocksDiffer) {
    return {fmt::format("the newest good backup is from the future, {}: a clock is, or was, wrong",
                        local_time(s.last_good->time))};
  }
  std::vector<std::string> wrong;
  if (s.stale()) {
    wrong.emplace_back("the newest good backup is stale: the schedule asked for one since then");
  }
  for (const DatabaseStanding& one : s.databases) {
    if (!one.last_good) wrong.push_back(printable(one.name) + " has no backup yet");
  }
  return wrong;
}

std::vector<std::string> wrong_stores(const Standing& s) {
  std::vector<std::string> wrong;
  for (const StoreStanding& store : s.stores) {
    if (!store.reachable) {
      wrong.push_back(fmt::format("{} can't be read: {}", store.name, printable(store.problem)));
    } else if (misses_newest(s, store)) {
      wrong.push_back(
          fmt::format("{} does not have the newest backup: `pgstow sync` brings it", store.name));
    }
  }
  return wrong;
}

}  // namespace

bool misses_newest(const Standing& standing, const StoreStanding& store) {
  return standing.needed && (!store.newest || *store.newest < *standing.needed);
}

std::vector<std::string> what_is_wrong(const Standing& standing, bool service) {
  std::vector<std::string> wrong = wrong_backup(standing);
  const std::vector<std::string> stores = wrong_stores(standing);
  if (const auto& job = standing.last_job; job && job->kind == Event::Kind::kFailed) {
    wrong.push_back(fmt::format("the last run failed: {}", printable(job->error)));
  } else if (job && job->kind == Event::Kind::kIncomplete && (job->lasting || !stores.empty())) {
    wrong.push_back(fmt::format("the last run had problems: {}", printable(job->error)));
  }
  wrong.insert(wrong.end(), stores.begin(), stores.end());
  if (!service) wrong.emplace_back("the service is not running: `pgstow up` starts it");
  return wrong;
}

}  // namespace pgstow
