// Where backups lie: a flat set of write-once objects, each a name and its bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "stream/stream.h"

namespace pgstow {

struct Object {
  std::string key;
  std::uint64_t size_bytes = 0;
  Time modified;
};

// The part of an object to read; a missing length reads to its end.
struct Range {
  std::uint64_t offset = 0;
  std::optional<std::uint64_t> length;
};

// What create() does when the key exists already. What is made with kRefuse or kRenew is part of a
// backup, and kept as the store was told to keep backups (an object lock); kReplace is for notes.
enum class Existing {
  kRefuse,
  kReplace,
  kRenew,  // replaces what was damaged
};

// Methods may be called from several threads; the sinks and sources they return are
// single-threaded, and may outlive the store. Keys are plain names: one with '/' or NUL in it, with
// a leading '.', or an empty one throws Error. Every store passes test/harness/store_contract.h.
class Store {
 public:
  virtual ~Store() = default;

  // The store's name in messages and listings: "local", "s3".
  virtual std::string name() const = 0;
  // Where an object lies, for people: "/srv/backups/backup_x.dump.gz", "s3://bucket/key".
  virtual std::string location(std::string_view key) const = 0;

  // A sink whose bytes become the object `key` at finish(), atomically and durably; before that,
  // and if it is dropped, the key stays invisible to list() and open(). With kRefuse, throws Exists
  // when the key is there, or is being made by another run (at create() or at finish()). With
  // kReplace and kRenew the old object stays until finish(); of several at once, the last to finish
  // stays.
  virtual std::unique_ptr<Sink> create(std::string_view key, Existing existing) = 0;

  // Keeps other hosts from beginning objects of a backup whose names start with `stem`. Throws
  // Exists when another run has taken it; who gets no answer may go on, since create() and finish()
  // refuse what is there. For a store that reserves a name at create(), nothing is to be done.
  virtual void reserve(std::string_view /*stem*/) {}

  // Makes sure that an object which is there is kept as those that are made with kRefuse. Throws
  // Error when it is not and can't be.
  virtual void protect(std::string_view /*key*/) {}

  // The object's bytes, or a range of them. Throws NotFound, and Corrupt for a range that reaches
  // past the object's end. An object that is removed or replaced while it is read is either read on
  // as it was or, like one whose length changes, throws Transient, here or in read(): what lies
  // there by then is another.
  virtual std::unique_ptr<Source> open(std::string_view key, Range range = {}) = 0;

  // Whether there is such a place; where there is none, it lists as empty. A folder may be missing;
  // a bucket that is is an error of list().
  virtual bool exists() { return true; }

  // All whole objects whose key starts with prefix, in order of key.
  virtual std::vector<Object> list(std::string_view prefix = {}) = 0;

  // Removing what is not there is no error. Only retention and the clearing of our own state call
  // it.
  virtual void remove(std::string_view key) = 0;

  // Ends what dead runs left half-made; returns how many. Work of living runs is not touched.
  virtual int clear_leftovers() = 0;
};

}  // namespace pgstow
