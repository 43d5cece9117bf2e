// What Store::open() says of an object that is not the one any more that was opened.
#pragma once

#include <fmt/format.h>

#include <string_view>

#include "base/error.h"

namespace pgstow {

[[noreturn]] inline void throw_changed(std::string_view where, std::string_view how) {
  throw Transient(fmt::format("{}: {}", where, how),
                  "start it again: what lies there now may be whole");
}

}  // namespace pgstow
