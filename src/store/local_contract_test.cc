// LocalStore under the contract that every store passes.
#include <memory>

#include "harness/program.h"
#include "harness/store_contract.h"
#include "store/local.h"

namespace pgstow::test {
namespace {

class LocalPlace {
 public:
  std::unique_ptr<Store> connect() const {
    return std::make_unique<LocalStore>(temp_.path() / "made" / "here");
  }

 private:
  TempDir temp_;
};

INSTANTIATE_TYPED_TEST_SUITE_P(Local, StoreContract, LocalPlace);

}  // namespace
}  // namespace pgstow::test
