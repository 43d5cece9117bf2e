#include "cli/progress_view.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>

#include "base/log.h"
#include "base/text.h"

namespace pgstow::cli {
namespace {

constexpr std::chrono::milliseconds kRedraw{100};
constexpr std::chrono::seconds kTell{15};
constexpr std::chrono::seconds kWarmUp{2};  // before that, no time left is guessed

std::size_t columns() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

std::string bar(double fraction) {
  constexpr std::size_t kWidth = 20;
  const auto filled = static_cast<std::size_t>(fraction * kWidth);
  return "[" + std::string(filled, '#') + std::string(kWidth - filled, '.') + "]";
}

}  // namespace

ProgressView::ProgressView(const Log& log, bool terminal) : log_(log), terminal_(terminal) {}

void ProgressView::begin_phase(const ProgressState& state) {
  phase_began_ = Clock::now();
  shown_ = terminal_ ? Clock::time_point{} : phase_began_;  // a terminal sees it at once
  last_ = state;
}

void ProgressView::update(const ProgressState& state) {
  if (state.phase != last_.phase) begin_phase(state);
  last_ = state;
  const auto now = Clock::now();
  if (now - shown_ < (terminal_ ? std::chrono::nanoseconds(kRedraw) : kTell)) return;
  shown_ = now;
  if (terminal_) {
    draw(state);
  } else {
    tell(state);
  }
}

void ProgressView::done() {
  if (drawn_) to_stderr("\r\x1b[K");
  drawn_ = false;
  last_ = {};
}

double ProgressView::rate() const {
  const std::chrono::duration<double> elapsed = Clock::now() - phase_began_;
  return elapsed.count() <= 0 ? 0 : static_cast<double>(last_.bytes) / elapsed.count();
}

std::chrono::milliseconds ProgressView::left(double fraction) const {
  const auto elapsed = Clock::now() - phase_began_;
  if (fraction <= 0.01 || elapsed < kWarmUp) return std::chrono::milliseconds(-1);
  return std::chrono::duration_cast<std::chrono::milliseconds>(elapsed * (1 - fraction) / fraction);
}

void ProgressView::draw(const ProgressState& state) {
  std::string line = state.phase;
  if (state.fraction >= 0) {
    const double fraction = std::min(state.fraction, 1.0);
    line += fmt::format(" {} {:.0f} %", bar(fraction), fraction * 100);
  }
  if (state.bytes > 0) {
    line += fmt::format("  {}  {}/s", human_bytes(state.bytes),
                        human_bytes(static_cast<std::uint64_t>(rate())));
  }
  if (state.rows > 0) line += fmt::format("  {} rows", human_count(state.rows));
  if (state.tables_total > 0)
    line += fmt::format("  table {}/{}", state.tables_done, state.tables_total);
  if (const auto rest = left(state.fraction); rest.count() >= 0) {
    line += "  " + human_duration(rest) + " left";
  }
  if (!state.table.empty()) line += "  " + printable(state.table);
  // Cut at the terminal's edge: a wrapped line could not be redrawn. Bytes are at least columns.
  if (line.size() >= columns()) line.resize(columns() - 1);
  to_stderr("\r" + line + "\x1b[K");
  drawn_ = true;
}

void ProgressView::tell(const ProgressState& state) {
  Facts facts{{"bytes", std::to_string(state.bytes)},
              {"rows", std::to_string(state.rows)},
              {"rate", human_bytes(static_cast<std::uint64_t>(rate())) + "/s"}};
  if (state.fraction >= 0)
    facts.emplace_back("percent", fmt::format("{:.0f}", state.fraction * 100));
  if (state.tables_total > 0) {
    facts.emplace_back("tables", fmt::format("{}/{}", state.tables_done, state.tables_total));
  }
  if (!state.table.empty()) facts.emplace_back("table", state.table);
  log_.info(state.phase, facts);
}

}  // namespace pgstow::cli
