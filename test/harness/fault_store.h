// A store that fails one of its calls, to see what that leaves behind. Swept over n = 1, 2, ...
// until a run meets no fault, it shows every place where a story that uses a store can break.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "store/store.h"

namespace pgstow::test {

// When the failing call fails: before anything happened, or after it happened, as when the answer
// of a server is lost.
enum class Moment { kBefore, kAfter };

// Passes everything on to a real store, but the n-th call (of create, reserve, protect, write,
// finish, open, read, list, remove and clear_leftovers, counted from 1 over all sinks and sources)
// throws Error. Calls after it work again. Thread-safe if the store is. The inner store must
// outlive it.
class FaultStore final : public Store {
 public:
  FaultStore(Store& inner, int failing_call, Moment moment = Moment::kBefore);

  std::string name() const override { return inner_.name(); }
  std::string location(std::string_view key) const override { return inner_.location(key); }
  std::unique_ptr<Sink> create(std::string_view key, Existing existing) override;
  void reserve(std::string_view stem) override;
  void protect(std::string_view key) override;
  std::unique_ptr<Source> open(std::string_view key, Range range = {}) override;
  std::vector<Object> list(std::string_view prefix = {}) override;
  void remove(std::string_view key) override;
  int clear_leftovers() override;

  int calls() const;    // how many were made
  bool failed() const;  // whether the failing one was among them

  // The count and the plan, shared with the sinks and sources.
  class Faults;

 private:
  Store& inner_;
  std::shared_ptr<Faults> faults_;
};

}  // namespace pgstow::test
