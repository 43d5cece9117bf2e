// Texts cut to what their readers take, never in the middle of a character. All take valid UTF-8.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace pgstow {

// Units of UTF-16, in which Telegram and Discord count.
std::size_t utf16_length(std::string_view text);

// The start of the text, with "…" at its end when something was left out; within the limit.
std::string cut_to_utf16(std::string_view text, std::size_t most_units);
std::string cut_to_bytes(std::string_view text, std::size_t most_bytes);

// The end of the text, with "…" at its start when something was left out; within the limit.
std::string tail_of(std::string_view text, std::size_t most_bytes);

}  // namespace pgstow
