#include "harness/memory_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "store/folder.h"

namespace pgstow::test {

// Thread-safe. Bytes that are being read stay, even if their object is removed or replaced.
class MemoryStore::Place {
 public:
  using Bytes = std::shared_ptr<const std::string>;

  Bytes find(const std::string& key) const {
    const std::lock_guard guard(mutex_);
    const auto at = objects_.find(key);
    return at == objects_.end() ? nullptr : at->second.bytes;
  }

  // Whether it was stored: not if it may only be a new one and is none.
  bool store(const std::string& key, Bytes bytes, bool only_new) {
    const std::lock_guard guard(mutex_);
    if (only_new && objects_.contains(key)) return false;
    const auto now = std::chrono::system_clock::now();
    objects_[key] = {std::move(bytes), std::chrono::floor<std::chrono::milliseconds>(now)};
    return true;
  }

  std::vector<Object> list(std::string_view prefix) const {
    const std::lock_guard guard(mutex_);
    std::vector<Object> out;
    for (const auto& [key, object] : objects_) {
      if (key.starts_with(prefix)) out.push_back({key, object.bytes->size(), object.modified});
    }
    return out;
  }

  void remove(const std::string& key) {
    const std::lock_guard guard(mutex_);
    objects_.erase(key);
  }

 private:
  struct Stored {
    Bytes bytes;
    Time modified;
  };
  mutable std::mutex mutex_;
  std::map<std::string, Stored> objects_;
};

namespace {

using Place = MemoryStore::Place;

class MemorySink final : public Sink {
 public:
  MemorySink(std::shared_ptr<Place> place, std::string key, Existing existing, Races races)
      : place_(std::move(place)), key_(std::move(key)), existing_(existing), races_(races) {}

  void write(std::string_view bytes) override {
    if (finished_) throw Error(key_ + ": it is finished");
    bytes_ += bytes;
  }

  void finish() override {
    if (finished_) throw Error(key_ + ": it is finished");
    finished_ = true;
    bool only_new = existing_ == Existing::kRefuse;
    if (only_new && races_ == Races::kUnsettled) {
      if (place_->find(key_)) throw Exists(key_ + ": it exists");
      std::this_thread::yield();
      only_new = false;
    }
    auto bytes = std::make_shared<const std::string>(std::move(bytes_));
    if (!place_->store(key_, std::move(bytes), only_new)) throw Exists(key_ + ": it exists");
  }

 private:
  const std::shared_ptr<Place> place_;
  const std::string key_;
  const Existing existing_;
  const Races races_;
  std::string bytes_;
  bool finished_ = false;
};

class MemorySource final : public Source {
 public:
  // `length` bytes are there from `offset` on.
  MemorySource(Place::Bytes bytes, std::size_t offset, std::size_t length)
      : bytes_(std::move(bytes)), rest_(std::string_view(*bytes_).substr(offset, length)) {}

  std::size_t read(std::span<char> into) override {
    const std::size_t n = rest_.copy(into.data(), into.size());
    rest_.remove_prefix(n);
    return n;
  }

 private:
  const Place::Bytes bytes_;
  std::string_view rest_;
};

}  // namespace

MemoryStore::MemoryStore(std::string name, Races races)
    : name_(std::move(name)), races_(races), place_(std::make_shared<Place>()) {}

std::string MemoryStore::location(std::string_view key) const {
  return fmt::format("{}:{}", name_, key);
}

std::string MemoryStore::key_name(std::string_view key) const {
  if (is_plain_name(key)) return std::string(key);
  throw Error(fmt::format("{}: '{}' can't be the name of an object", name_, printable(key)));
}

std::unique_ptr<Sink> MemoryStore::create(std::string_view key, Existing existing) {
  const std::string name = key_name(key);
  if (existing == Existing::kRefuse && place_->find(name)) throw Exists(name + ": it exists");
  return std::make_unique<MemorySink>(place_, name, existing, races_);
}

std::unique_ptr<Source> MemoryStore::open(std::string_view key, Range range) {
  Place::Bytes bytes = place_->find(key_name(key));
  if (!bytes) throw NotFound(location(key) + ": no such object");
  const std::uint64_t size = bytes->size();
  if (range.offset > size || range.length.value_or(0) > size - range.offset) {
    throw Corrupt(location(key) + ": it is shorter than expected");
  }
  const std::uint64_t length = range.length.value_or(size - range.offset);
  return std::make_unique<MemorySource>(std::move(bytes), range.offset, length);
}

std::vector<Object> MemoryStore::list(std::string_view prefix) { return place_->list(prefix); }

void MemoryStore::remove(std::string_view key) { place_->remove(key_name(key)); }

}  // namespace pgstow::test
