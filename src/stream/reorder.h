// Pieces that several threads make at once, taken in one order.
//
// The work is cut into lanes, numbered from 0. A producer opens the next lane, puts its pieces and
// ends it; the consumer takes the pieces of lane 0, then those of lane 1, and so on. What is held
// is bounded by a budget in bytes, of which a part is the due lane's own: the lane that the
// consumer is waiting for never waits for one that is not due. Of each lane it is known how much is
// expected; that much room is kept for whoever opens it, so that he waits before he begins rather
// than in the middle.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/fd.h"

namespace pgstow {

// Thread-safe; any number of producers, one consumer.
template <typename Piece>
class Reorder {
 public:
  // `expected`: bytes, of each lane. At most so many are held, and one piece of each producer more.
  Reorder(std::vector<std::size_t> expected, std::size_t most_bytes)
      : expected_(std::move(expected)), most_bytes_(most_bytes) {}
  Reorder(const Reorder&) = delete;
  Reorder& operator=(const Reorder&) = delete;

  // The number of the next lane, which is now the caller's to fill and end; nothing after the last.
  // Waits until there is room for what is expected of it, or the consumer waits for it; throws
  // Cancelled when a stop comes first.
  std::optional<std::size_t> open(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    const auto next = [&] { return due_ + lanes_.size(); };
    if (!changed_.wait(lock, stop,
                       [&] { return next() == expected_.size() || may_open(expected_[next()]); })) {
      throw Cancelled();
    }
    const std::size_t lane = next();
    if (lane == expected_.size()) return std::nullopt;
    lanes_.push_back({.kept = expected_[lane]});
    kept_ += expected_[lane];
    changed_.notify_all();  // it may have been the last one
    return lane;
  }

  // Waits for room where more comes than was expected; throws Cancelled when a stop comes first.
  void put(std::size_t lane, Piece piece, std::size_t bytes, const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait(lock, stop, [&] { return has_room(lane, bytes); })) throw Cancelled();
    Lane& to = lanes_[lane - due_];
    to.pieces.push_back({std::move(piece), bytes});
    to.bytes += bytes;
    held_ += bytes;
    give_up_room(to, std::min(to.kept, bytes));
    changed_.notify_all();
  }

  void end(std::size_t lane) {
    const std::lock_guard lock(mutex_);
    Lane& ended = lanes_[lane - due_];
    ended.ended = true;
    give_up_room(ended, ended.kept);
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
    if (!std::exchange(taking_, true)) changed_.notify_all();
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
    std::deque<Held> pieces = {};
    std::size_t bytes = 0;
    std::size_t kept = 0;  // of what is expected, the bytes still to come
    bool ended = false;
  };

  // A quarter is the due lane's own. An empty one takes a piece of any size.
  std::size_t own_bytes() const { return most_bytes_ / 4; }

  bool has_room(std::size_t lane, std::size_t bytes) const {
    const std::size_t due_bytes = lanes_.front().bytes;
    if (lane == due_) return due_bytes == 0 || due_bytes + bytes <= own_bytes();
    const std::size_t kept = lanes_[lane - due_].kept;
    return bytes <= kept || fits_ahead(bytes - kept);
  }

  // The due lane is the consumer's, once he takes: what it holds goes on its way.
  bool may_open(std::size_t expected_bytes) const {
    if (lanes_.empty()) return taking_ || expected_bytes <= own_bytes();
    return fits_ahead(expected_bytes);
  }

  // In the room of the lanes that are not due, of which some is kept for those that are open. A
  // lane that became due may hold more than is its own.
  bool fits_ahead(std::size_t bytes) const {
    const Lane& due = lanes_.front();
    const std::size_t held = held_ - std::min(due.bytes, own_bytes());
    return held + kept_ - due.kept + bytes <= most_bytes_ - own_bytes();
  }

  void give_up_room(Lane& lane, std::size_t bytes) {
    lane.kept -= bytes;
    kept_ -= bytes;
  }

  const std::vector<std::size_t> expected_;
  const std::size_t most_bytes_;
  std::mutex mutex_;  // guards all below
  std::condition_variable_any changed_;
  std::deque<Lane> lanes_;  // from the due one on
  bool taking_ = false;     // take() was called
  std::size_t due_ = 0;     // the number of lanes_.front()
  std::size_t held_ = 0;    // bytes, over all lanes
  std::size_t kept_ = 0;    // the lanes' `kept`
  std::exception_ptr failure_;
};

}  // namespace pgstow
