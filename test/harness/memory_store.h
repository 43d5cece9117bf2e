// A store in memory: what a story needs from a store when the store is not what is tested.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "store/store.h"

namespace pgstow::test {

// What happens when several create one key at the same moment: one wins; or, as on servers that
// have no conditional writes, the last one does and nobody is told.
enum class Races { kSettled, kUnsettled };

// Copies are views of the same place, as other processes would have them.
class MemoryStore final : public Store {
 public:
  explicit MemoryStore(std::string name = "memory", Races races = Races::kSettled);

  std::string name() const override { return name_; }
  std::string location(std::string_view key) const override;
  std::unique_ptr<Sink> create(std::string_view key, Existing existing) override;
  std::unique_ptr<Source> open(std::string_view key, Range range = {}) override;
  std::vector<Object> list(std::string_view prefix = {}) override;
  void remove(std::string_view key) override;
  // Unfinished objects are their sinks' own: nothing is ever left over.
  int clear_leftovers() override { return 0; }

  class Place;

 private:
  std::string key_name(std::string_view key) const;

  std::string name_;
  Races races_;
  std::shared_ptr<Place> place_;
};

}  // namespace pgstow::test
