// How far a job is; drawn or logged by the command line, never by a story.
#pragma once

#include <cstdint>
#include <string>

namespace pgstow {

struct ProgressState {
  std::string phase = {};   // "dumping", "verifying", "loading", "proving", ...
  std::string table = {};   // the one being worked on; may be empty
  std::uint64_t bytes = 0;  // of the uncompressed archive
  std::uint64_t rows = 0;
  std::uint64_t tables_done = 0;
  std::uint64_t tables_total = 0;  // 0: not known
  double fraction = -1;            // 0..1 of the whole phase; negative: not known
};

class Progress {
 public:
  virtual ~Progress() = default;
  // Called often, from the job's thread; the receiver decides what to show and when.
  virtual void update(const ProgressState& state) = 0;
  // The phase is over; what was drawn may be wiped.
  virtual void done() = 0;
};

}  // namespace pgstow
