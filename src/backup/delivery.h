// One object on its way to several stores at once.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backup/stores.h"
#include "base/context.h"
#include "base/error.h"
#include "stream/stream.h"

namespace pgstow {

// Every byte goes to each store, in their order. A store that fails is given up, its failure is
// logged and kept, and the others go on; the last one's failure is thrown. A stop is always thrown.
class Delivery final : public Sink {
 public:
  // Begins the object in every store. Throws Exists, with nothing begun, when one of them has it.
  Delivery(const std::vector<Store*>& stores, const std::string& key, const Context& context);

  void write(std::string_view bytes) override;
  // Returns when the object is durable in every store that did not fail; at least in one.
  void finish() override;

  // The store's own sink, to be finished by itself; nothing if the store was given up. The others
  // stay.
  std::unique_ptr<Sink> release(const Store& store);

  std::vector<Store*> stores() const;  // that did not fail
  const std::vector<StoreFailure>& failures() const { return failures_; }

 private:
  struct Branch {
    Store* store;
    std::unique_ptr<Sink> sink;
  };
  template <typename Step>
  void each(const Step& step);

  std::string key_;
  const Context& context_;
  std::vector<Branch> branches_;
  std::vector<StoreFailure> failures_;
};

// Logs a failure and makes a value of it, for stories that go on without that store.
StoreFailure note_failure(const Store& store, const Error& e, const Context& context);

}  // namespace pgstow
