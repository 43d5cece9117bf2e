#include "backup/leftovers.h"

#include <string>

#include "base/error.h"

namespace pgstow {
namespace {

void clear_one(Store& store, IfNotCleared failure, const Context& context) {
  try {
    if (const int cleared = store.clear_leftovers(); cleared > 0) {
      context.log.info("cleared what dead runs left behind",
                       {{"store", store.name()}, {"files", std::to_string(cleared)}});
    }
  } catch (const Cancelled&) {
    throw;
  } catch (const Error& e) {
    const Facts facts{{"store", store.name()}, {"cause", e.what()}};
    constexpr std::string_view kText = "what dead runs left behind can't be cleared";
    if (failure == IfNotCleared::kWarn) {
      context.log.warning(kText, facts);
    } else {
      context.log.debug(kText, facts);
    }
  }
}

}  // namespace

void clear_leftovers(const std::vector<Store*>& stores, IfNotCleared failure,
                     const Context& context) {
  for (Store* store : stores) clear_one(*store, failure, context);
}

}  // namespace pgstow
