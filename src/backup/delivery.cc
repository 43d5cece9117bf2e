#include "backup/delivery.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "base/error.h"

namespace pgstow {

StoreFailure note_failure(const Store& store, const Error& e, const Context& context) {
  Facts facts{{"store", store.name()}, {"cause", e.what()}};
  if (!e.hint().empty()) facts.emplace_back("hint", e.hint());
  context.log.error("a store failed", facts);
  return {.store = store.name(), .problem = e.what(), .hint = e.hint()};
}

Delivery::Delivery(const std::vector<Store*>& stores, const std::string& key,
                   const Context& context)
    : key_(key), context_(context) {
  for (Store* store : stores) branches_.push_back({.store = store, .sink = nullptr});
  std::exception_ptr taken;
  each([&](Branch& branch) {
    try {
      branch.sink = branch.store->create(key_, Existing::kRefuse);
    } catch (const Exists&) {
      taken = std::current_exception();
    }
  });
  if (taken) std::rethrow_exception(taken);
}

void Delivery::write(std::string_view bytes) {
  each([&](Branch& branch) { branch.sink->write(bytes); });
}

void Delivery::finish() {
  each([](Branch& branch) { branch.sink->finish(); });
}

std::unique_ptr<Sink> Delivery::release(const Store& store) {
  const auto branch = std::ranges::find(branches_, &store, &Branch::store);
  if (branch == branches_.end()) return nullptr;
  std::unique_ptr<Sink> sink = std::move(branch->sink);
  branches_.erase(branch);
  return sink;
}

std::vector<Store*> Delivery::stores() const {
  std::vector<Store*> stores;
  stores.reserve(branches_.size());
  for (const Branch& branch : branches_) stores.push_back(branch.store);
  return stores;
}

template <typename Step>
void Delivery::each(const Step& step) {
  for (auto branch = branches_.begin(); branch != branches_.end();) {
    try {
      step(*branch);
      ++branch;
    } catch (const Cancelled&) {
      throw;
    } catch (const Error& e) {
      if (branches_.size() == 1) throw;
      failures_.push_back(note_failure(*branch->store, e, context_));
      branch = branches_.erase(branch);
    }
  }
}

}  // namespace pgstow
