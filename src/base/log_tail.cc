#include "base/log_tail.h"

#include <algorithm>
#include <numeric>
#include <string_view>

#include "base/text.h"

namespace pgstow {
namespace {

constexpr std::string_view kCut = "...\n";

// At most `most` bytes, cut between two characters.
std::string shortened(std::string line, std::size_t most) {
  if (line.size() <= most) return line;
  const std::size_t room = most - std::min(most, kCut.size());
  std::size_t kept = 0;
  while (kept < room) {
    const std::size_t next =
        std::max<std::size_t>(utf8_length(std::string_view(line).substr(kept)), 1);
    if (kept + next > room) break;
    kept += next;
  }
  return line.substr(0, kept).append(kCut.substr(0, most - kept));
}

}  // namespace

void LogTail::add(const LogLine& line) {
  if (line.level < Level::kInfo) return;
  std::string text = shortened(to_text(line, LogFormat::kText), most_bytes_);
  const std::scoped_lock lock(mutex_);
  bytes_ += text.size();
  lines_.push_back(std::move(text));
  while (lines_.size() > most_lines_ || bytes_ > most_bytes_) {
    bytes_ -= lines_.front().size();
    lines_.pop_front();
  }
}

std::string LogTail::text() const {
  const std::scoped_lock lock(mutex_);
  return std::accumulate(lines_.begin(), lines_.end(), std::string());
}

}  // namespace pgstow
