// MemoryStore under the contract that every store passes; and the contract itself where a place
// can't settle who of many came first.
#include <memory>

#include "harness/memory_store.h"
#include "harness/store_contract.h"

namespace pgstow::test {
namespace {

class MemoryPlace {
 public:
  std::unique_ptr<Store> connect() const { return std::make_unique<MemoryStore>(store_); }

 private:
  MemoryStore store_;
};

INSTANTIATE_TYPED_TEST_SUITE_P(Memory, StoreContract, MemoryPlace);

class UnsettledPlace {
 public:
  static constexpr bool kSettlesRaces = false;

  std::unique_ptr<Store> connect() const { return std::make_unique<MemoryStore>(store_); }

 private:
  MemoryStore store_{"memory", Races::kUnsettled};
};

INSTANTIATE_TYPED_TEST_SUITE_P(UnsettledMemory, StoreContract, UnsettledPlace);

static_assert(settles_races<MemoryPlace>());
static_assert(!settles_races<UnsettledPlace>());

}  // namespace
}  // namespace pgstow::test
