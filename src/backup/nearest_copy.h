// A backup's copies, one after the other until one serves.
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <string_view>

#include "backup/catalogue.h"
#include "base/context.h"
#include "base/error.h"
#include "base/log.h"
#include "store/store.h"

namespace pgstow {

// What `use` makes of the nearest copy for which it does not throw; of the others a warning tells,
// which names `what` is used of them. What it throws of the last copy is thrown, and Cancelled at
// once.
template <class Use>
auto of_nearest_copy(const Backup& backup, std::string_view what, const Context& context,
                     const Use& use) {
  for (std::size_t i = 0;; ++i) {
    Store& store = *backup.copies[i].store;
    try {
      return use(store);
    } catch (const Cancelled&) {
      throw;
    } catch (const Error& e) {
      if (i + 1 == backup.copies.size()) throw;
      context.log.warning(fmt::format("this {} can't be used; trying the next one", what),
                          {{"store", store.name()}, {"cause", e.what()}});
    }
  }
}

}  // namespace pgstow
