// Many sessions that read the big tables and the large objects at once, under one snapshot.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "base/context.h"
#include "pg/archive.h"
#include "pg/big_tables.h"
#include "pg/connection.h"
#include "pg/large_objects.h"
#include "pg/slice.h"
#include "stream/reorder.h"

namespace pgstow::pg {

// A session each for the readers, with the leader's snapshot and locks of its own: whoever asks for
// an exclusive lock from now on waits for them all. As many as the server gives, down to none.
struct ReaderSessions {
  std::vector<Connection> open;
  bool raced = false;  // somebody queued for one of the tables between the leader's lock and theirs
};
ReaderSessions open_readers(const Connection& leader, unsigned wanted, const LockedSnapshot& locked,
                            const LargeObjects& objects, const std::string& encoding,
                            const Context& context);

// A piece of a large object, or all of a small one.
struct ObjectPiece {
  std::uint32_t oid;
  bool begins;  // it is the object's first
  std::string contents;
};

// Each session has a thread that reads slices, and frames and hashes their rows. A slice is begun
// ahead of its turn when there is room for all that is expected of it. next() and next_objects()
// belong to one thread. Destroyed early, it ends the statements that run.
class Readers {
 public:
  // What they read; all but the slices is lent.
  struct ToRead {
    const std::vector<BigTable>& tables;
    std::vector<Slice> slices;    // of the tables
    const LargeObjects& objects;  // come after the tables
    std::uint64_t objects_bytes;  // of a slice of them, about
  };
  // At most `ahead_bytes` wait for their turn.
  Readers(std::vector<Connection> sessions, ToRead to_read, std::size_t ahead_bytes, Wait wait);
  Readers(const Readers&) = delete;
  ~Readers();

  // Throws what a reader threw, long before its rows are due.
  void check() { stage_.check(); }

  // The next rows of the table, in their order; nothing after the last. Tables are to be asked for
  // in their order, each to its end. Throws what a reader threw, and Transient when nothing moved.
  std::optional<FramedRows> next(std::size_t table);

  // The same of the large objects, when the tables have been asked for: some pieces, in the order
  // of their objects.
  std::optional<std::vector<ObjectPiece>> next_objects();

 private:
  using Objects = std::vector<ObjectPiece>;
  using Piece = std::variant<FramedRows, Objects>;

  void work(Connection& session, const std::stop_token& stop);
  void read(Connection& session, std::size_t lane, const std::stop_token& stop);
  void read_table(Connection& session, std::size_t lane, const std::stop_token& stop);
  void read_objects(Connection& session, std::size_t lane, const std::stop_token& stop);
  std::optional<Piece> take(std::size_t table);
  bool are_objects(std::size_t table) const { return table == tables_.size(); }

  std::vector<Connection> sessions_;
  const std::vector<BigTable>& tables_;
  const LargeObjects& objects_;
  const std::vector<Slice> slices_;  // of the tables, then of the objects
  const Wait wait_;
  std::size_t due_ = 0;  // slice
  Reorder<Piece> stage_;
  std::vector<std::jthread> threads_;
};

}  // namespace pgstow::pg
