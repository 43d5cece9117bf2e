// Text in headers that take ASCII only (RFC 2047).
#pragma once

#include <string>
#include <string_view>

namespace pgstow {

// The text as it is when it is printable ASCII; else as encoded words (UTF-8, B) of at most 75
// characters, each with whole characters, with `between` between two. Control characters, new lines
// too, are printed as \n and the like: no header can be begun by a text.
std::string encoded_words(std::string_view text, std::string_view between);

}  // namespace pgstow
