#include "pg/loaders.h"

#include <utility>

#include "base/error.h"
#include "base/fd.h"
#include "base/text.h"
#include "pg/server_error.h"

namespace pgstow::pg {

Loaders::Loaders(const OpenSession& open, unsigned most, const LoadOptions& options,
                 const std::stop_token& stop)
    : open_(open),
      options_(options),
      outer_(stop, [this] { stop_.request_stop(); }),
      outer_stop_(stop) {
  for (Connection& session : open_sessions(open_, most, stop_.get_token())) {
    loaders_.emplace_back(std::move(session), options_.stall, options_.forms);
  }
  for (std::size_t i = 0; i < loaders_.size(); ++i) {
    threads_.emplace_back([this, i] { run(i, loaders_[i]); });
  }
}

void Loaders::stop() noexcept {
  stop_.request_stop();
  for (std::jthread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void Loaders::give(Piece piece) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, stop_.get_token(),
                [&] { return failure_ || waiting_.size() < 2 * loaders_.size(); });
  check_failure();
  ++at_work_[piece.entry];
  waiting_.push_back(std::move(piece));
  changed_.notify_all();
}

void Loaders::end_table(const TocEntry& entry) {
  {
    const std::lock_guard lock(mutex_);
    ended_.insert(&entry);
    ++at_work_[&entry];
  }
  changed_.notify_all();
  load_of_table_ended(entry);
}

void Loaders::give_alone(const Piece& piece) {
  in_callers_thread([&] {
    if (alone_ == nullptr) {
      alone_ = std::make_unique<Loader>(open_(stop_.get_token()), options_.stall, options_.forms);
    }
    {
      const std::lock_guard lock(mutex_);
      ++at_work_[piece.entry];
    }
    load_by(*alone_, piece);
  });
  const std::lock_guard lock(mutex_);
  check_failure();
}

void Loaders::end_alone() {
  if (alone_ != nullptr) in_callers_thread([&] { end_copy(*alone_); });
}

// What stops it may be the failure of another session.
void Loaders::in_callers_thread(const std::function<void()>& work) {
  try {
    work();
  } catch (const Cancelled&) {
    const std::lock_guard lock(mutex_);
    check_failure();
    throw;
  }
}

void Loaders::finish() {
  end_alone();
  {
    const std::lock_guard lock(mutex_);
    complete_ = true;
  }
  changed_.notify_all();
  for (std::jthread& thread : threads_) thread.join();
  const std::lock_guard lock(mutex_);
  check_failure();
  if (!problems_.empty()) throw Error(join(problems_, "\n  "));
}

void Loaders::run(std::size_t self, Loader& loader) {
  try {
    while (true) {
      Piece piece;
      const Next next = take(self, loader.copying(), piece);
      if (next == Next::kPiece) {
        load_by(loader, piece);
      } else {
        end_copy(loader);
      }
      if (next == Next::kEnd) return;
    }
  } catch (...) {
    note_failure();
  }
}

// Whoever has nothing to do does not keep the end of its COPY from a table that has no more rows.
Loaders::Next Loaders::take(std::size_t self, const TocEntry* copying, Piece& piece) {
  std::unique_lock lock(mutex_);
  const auto mine = [&] { return next_for_ == kNobody || next_for_ == self; };
  const auto ended = [&] { return waiting_.empty() && ended_.contains(copying); };
  changed_.wait(lock, stop_.get_token(),
                [&] { return (mine() && (complete_ || !waiting_.empty())) || ended(); });
  check_stop(stop_.get_token());
  if (waiting_.empty()) return complete_ ? Next::kEnd : Next::kEndCopy;
  piece = std::move(waiting_.front());
  waiting_.pop_front();
  next_for_ = piece.ends_row ? kNobody : self;
  changed_.notify_all();
  return Next::kPiece;
}

void Loaders::load_by(Loader& loader, const Piece& piece) {
  const bool begins = loader.copying() != piece.entry;
  if (begins) end_copy(loader);
  if (!has_failed(piece.entry)) attempt(piece.entry, [&] { loader.load(piece); });
  // A COPY that goes on is what counts for all its pieces.
  if (!begins || loader.copying() != piece.entry) load_of_table_ended(*piece.entry);
}

void Loaders::end_copy(Loader& loader) {
  const TocEntry* entry = loader.copying();
  if (entry == nullptr) return;
  attempt(entry, [&] { loader.end(); });
  load_of_table_ended(*entry);
}

// One of those that are counted in at_work_ is at its end.
void Loaders::load_of_table_ended(const TocEntry& entry) {
  {
    const std::lock_guard lock(mutex_);
    if (--at_work_.at(&entry) > 0 || !ended_.contains(&entry) || failed_.contains(&entry)) return;
  }
  options_.on_table_loaded(entry);
}

// An error of one table is the end of everything, or only of that table.
void Loaders::attempt(const TocEntry* entry, const std::function<void()>& work) {
  try {
    work();
  } catch (const ServerError& e) {
    if (options_.stop_at_error) throw;
    const std::lock_guard lock(mutex_);
    failed_.insert(entry);
    problems_.emplace_back(e.what());
  }
}

bool Loaders::has_failed(const TocEntry* entry) {
  const std::lock_guard lock(mutex_);
  return failed_.contains(entry);
}

void Loaders::note_failure() {
  {
    const std::lock_guard lock(mutex_);
    if (!failure_) failure_ = std::current_exception();
  }
  stop_.request_stop();
}

void Loaders::check_failure() {
  if (failure_) std::rethrow_exception(failure_);
  check_stop(outer_stop_);
}

}  // namespace pgstow::pg
