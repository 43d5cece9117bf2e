// Pieces that several threads make at once, taken in one order.
//
// The work is cut into lanes, numbered from 0. A producer opens the next lane, puts its pieces and
// ends it; the consumer takes the pieces of lane 0, then those of lane 1, and so on. What is held
// is bounded by a budget in bytes, of which a part is the due lane's own: the lane that the
// consumer is waiting for never waits for one that is not due.
#pragma once

#include <fmt/format.h>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/fd.h"

namespace pgstow {

// Thread-safe; any number of producers, one consumer.
template <typename Piece>
class Reorder {
 public:
  // At most this many bytes are held, and one piece of each producer more.
  explicit Reorder(std::size_t most_bytes) : most_bytes_(most_bytes) {}
  Reorder(const Reorder&) = delete;
  Reorder& operator=(const Reorder&) = delete;

  // The number of the next lane, which is now the caller's to fill and end.
  std::size_t open() {
    const std::lock_guard lock(mutex_);
    lanes_.emplace_back();
    return due_ + lanes_.size() - 1;
  }

  // Waits for room; throws Cancelled when a stop comes first.
  void put(std::size_t lane, Piece piece, std::size_t bytes, const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait(lock, stop, [&] { return has_room(lane, bytes); })) throw Cancelled();
    Lane& to = lanes_[lane - due_];
    to.pieces.push_back({std::move(piece), bytes});
    to.bytes += bytes;
    held_ += bytes;
    changed_.notify_all();
  }

  void end(std::size_t lane) {
    const std::lock_guard lock(mutex_);
    lanes_[lane - due_].ended = true;
    changed_.notify_all();
  }

  // A producer gives up: the consumer's next take() throws this. The first failure counts.
  void fail(std::exception_ptr failure) {
    const std::lock_guard lock(mutex_);
    if (!failure_) failure_ = std::move(failure);
    changed_.notify_all();
  }

  // Throws what a producer failed with, if one has.
  void check() {
    const std::lock_guard lock(mutex_);
    if (failure_) std::rethrow_exception(failure_);
  }

  // The next piece of the due lane; nothing when that lane has ended, and then the next one is due.
  // Throws Transient when nothing came for `wait.stall`.
  std::optional<Piece> take(const Wait& wait) {
    std::unique_lock lock(mutex_);
    const auto ready = [&] {
      return failure_ ||
             (!lanes_.empty() && (!lanes_.front().pieces.empty() || lanes_.front().ended));
    };
    const bool came = wait.stall.count() == 0
                          ? changed_.wait(lock, wait.stop, ready)
                          : changed_.wait_for(lock, wait.stop, wait.stall, ready);
    check_stop(wait.stop);
    if (!came) throw Transient(fmt::format("nothing moved for {} s", wait.stall.count() / 1000));
    if (failure_) std::rethrow_exception(failure_);
    changed_.notify_all();
    Lane& lane = lanes_.front();
    if (lane.pieces.empty()) {
      lanes_.pop_front();
      ++due_;
      return std::nullopt;
    }
    Held held = std::move(lane.pieces.front());
    lane.pieces.pop_front();
    lane.bytes -= held.bytes;
    held_ -= held.bytes;
    return std::move(held.piece);
  }

 private:
  struct Held {
    Piece piece;
    std::size_t bytes;
  };
  struct Lane {
    std::deque<Held> pieces;
    std::size_t bytes = 0;
    bool ended = false;
  };

  // A quarter is the due lane's own. An empty one takes a piece of any size.
  bool has_room(std::size_t lane, std::size_t bytes) const {
    const std::size_t own = most_bytes_ / 4;
    const std::size_t due_bytes = lanes_.front().bytes;
    if (lane == due_) return due_bytes == 0 || due_bytes + bytes <= own;
    return held_ - due_bytes + bytes <= most_bytes_ - own;
  }

  const std::size_t most_bytes_;
  std::mutex mutex_;  // guards all below
  std::condition_variable_any changed_;
  std::deque<Lane> lanes_;  // from the due one on
  std::size_t due_ = 0;     // the number of lanes_.front()
  std::size_t held_ = 0;    // bytes, over all lanes
  std::exception_ptr failure_;
};

}  // namespace pgstow
