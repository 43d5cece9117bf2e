// Many sessions that load one archive together.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "pg/loader.h"
#include "pg/sessions.h"
#include "pg/value_forms.h"

namespace pgstow::pg {

struct LoadOptions {
  ValueForms forms = {};                 // of the tables that are loaded in COPY's binary format
  std::chrono::milliseconds stall = {};  // see Connection::copy_in
  bool stop_at_error = true;             // otherwise other tables go on, and finish() throws
  // Called, by any of the threads, when a table's rows are all there; not for those that are given
  // alone, nor for one of which an error is known. What it throws is a failure like others.
  std::function<void(const TocEntry&)> on_table_loaded = [](const TocEntry&) {};
};

// Pieces are given by one thread and loaded by as many as there are sessions, whichever is free.
// At most two pieces a session wait. The first failure ends all sessions; the next call of give()
// or finish() throws it.
class Loaders {
 public:
  // With `most` sessions, or as few as open_sessions() opens.
  Loaders(const OpenSession& open, unsigned most, const LoadOptions& options,
          const std::stop_token& stop);
  Loaders(const Loaders&) = delete;
  Loaders& operator=(const Loaders&) = delete;
  ~Loaders() { stop(); }

  // Waits while there is no room.
  void give(Piece piece);
  // Says that no more pieces of this table come.
  void end_table(const TocEntry& entry);
  // Loads a piece of a table that must not overtake the others of its kind: by one more session,
  // in this thread; end_alone() when that table is at its end.
  void give_alone(const Piece& piece);
  void end_alone();
  // Returns when everything is loaded.
  void finish();
  // Ends the sessions, whatever they do, and returns when none of them uses a piece any more.
  void stop() noexcept;

  unsigned size() const { return static_cast<unsigned>(threads_.size()); }

 private:
  static constexpr std::size_t kNobody = static_cast<std::size_t>(-1);

  enum class Next { kPiece, kEndCopy, kEnd };

  void run(std::size_t self, Loader& loader);
  Next take(std::size_t self, const TocEntry* copying, Piece& piece);
  void load_by(Loader& loader, const Piece& piece);
  void end_copy(Loader& loader);
  void in_callers_thread(const std::function<void()>& work);
  void load_of_table_ended(const TocEntry& entry);
  void attempt(const TocEntry* entry, const std::function<void()>& work);
  bool has_failed(const TocEntry* entry);
  void note_failure();
  void check_failure();

  const OpenSession open_;
  const LoadOptions options_;
  std::stop_source stop_;  // ends every wait of the sessions; asked for by a failure, too
  std::stop_callback<std::function<void()>> outer_;
  const std::stop_token outer_stop_;

  std::mutex mutex_;  // guards what follows, up to the loaders
  std::condition_variable_any changed_;
  std::deque<Piece> waiting_;
  std::size_t next_for_ = kNobody;  // the session in the midst of a row, which takes the next piece
  bool complete_ = false;           // nothing more comes
  // Tables of which something is given and not committed: pieces that wait, and sessions at work.
  std::map<const TocEntry*, std::size_t> at_work_;
  std::set<const TocEntry*> ended_;  // of these nothing more comes
  std::exception_ptr failure_;
  std::set<const TocEntry*> failed_;   // without stop_at_error: the rest of these is passed over
  std::vector<std::string> problems_;  // and what their errors said

  std::deque<Loader> loaders_;
  std::unique_ptr<Loader> alone_;
  std::vector<std::jthread> threads_;
};

}  // namespace pgstow::pg
