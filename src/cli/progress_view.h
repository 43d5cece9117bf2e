// Progress for the person or the log that watches: a line that redraws itself on a terminal, a log
// line every 15 seconds elsewhere (JSON when the log is JSON).
#pragma once

#include <chrono>

#include "backup/progress.h"
#include "base/log.h"

namespace pgstow::cli {

class ProgressView final : public Progress {
 public:
  // `terminal`: standard error is a terminal and may be drawn on.
  ProgressView(const Log& log, bool terminal);

  void update(const ProgressState& state) override;
  void done() override;

 private:
  using Clock = std::chrono::steady_clock;
  void begin_phase(const ProgressState& state);
  void draw(const ProgressState& state);
  void tell(const ProgressState& state);
  double rate() const;  // bytes a second since the phase began
  // Time left at the present speed; negative when it can't be told.
  std::chrono::milliseconds left(double fraction) const;

  const Log& log_;
  const bool terminal_;
  bool drawn_ = false;
  ProgressState last_;
  Clock::time_point phase_began_;
  Clock::time_point shown_;
};

}  // namespace pgstow::cli
