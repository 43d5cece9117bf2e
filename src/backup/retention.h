// Retention: which backups stay, and why. A pure function; prune.h acts upon it.
//
// The rule is the guide's 7-4-12: every backup of the newest 7 days that have one, the newest one
// of each of the newest 4 weeks (Monday to Sunday) that have one, and of the newest 12 months.
// Periods are counted by the backups there are, never by today's date: a schedule that stood still,
// or a clock that jumped, removes nothing.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/zone.h"

namespace pgstow {

// How many to keep of each; zero keeps none for that reason.
struct RetentionRule {
  int daily = 7;
  int weekly = 4;
  int monthly = 12;
  int yearly = 0;
  int last = 0;                    // the newest so many, whenever they were made
  std::chrono::seconds within{0};  // all that are at most so much older than the newest one
  bool one_a_day = false;          // of each day only the newest
};

// What retention has to know of a backup.
struct RetentionCandidate {
  enum class Worth {
    kProven,   // has a manifest; counts
    kNoProof,  // made by other means; counts where its period has no proven one
    kDamaged,  // counts for nothing
  };

  std::string key;
  Time time;
  Worth worth = Worth::kProven;
  bool pinned = false;
  std::string doubt = {};  // why nobody knows its worth just now; empty: it is as above
};

// Why one is kept, the strongest reason first; removed when there is none.
using Reasons = std::vector<std::string>;

// Whether it is dated so far ahead that a clock was wrong: more than a day, since clocks and zones
// differ by less.
bool is_of_future(Time time, Time now);

// The verdict on each of the backups of one database of one server in one store, in their order.
// `zone` tells where days begin.
//
// Whatever the rule: the newest proven one stays, and the newest one; a pinned one stays; one of
// the future stays and counts for nothing, and so does one in doubt; a damaged one stays as long as
// the daily ones of its time, and always if no proven one is newer.
std::vector<Reasons> judge(std::span<const RetentionCandidate> backups, Time now,
                           const RetentionRule& rule, const Zone& zone);

}  // namespace pgstow
