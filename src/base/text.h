// Small text work: trimming, splitting, sizes and durations for people, quoting, closest names.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pgstow {

std::string_view trim(std::string_view text);  // white space at both ends, as isspace in "C"
std::vector<std::string_view> split(std::string_view text, char separator);
std::string lower(std::string_view text);  // ASCII letters only
std::string join(const std::vector<std::string>& parts, std::string_view separator);

// The whole text as a number; nothing when anything else stands in it or it does not fit.
std::optional<std::int64_t> parse_int(std::string_view text);

// "8388608", "8M": K, M, G and T are powers of 1024; nothing when it is no such number.
std::optional<std::uint64_t> parse_bytes(std::string_view text);

// "12.3 MB": decimal units, three digits, for people.
std::string human_bytes(std::uint64_t bytes);
// "1,234,567".
std::string human_count(std::uint64_t count);
// "850 ms", "12.3 s", "4 min 12 s", "3 h 5 min", "12 d".
std::string human_duration(std::chrono::milliseconds duration);

// Length of the valid UTF-8 sequence (RFC 3629) at the start of a text that is not empty; 0 if
// none.
std::size_t utf8_length(std::string_view text);

// Printable in one line: control characters and invalid UTF-8 become \n, \t, \xHH, and the control
// characters behind ASCII's (C1, which a terminal may obey, too) \u0080 to \u009f.
std::string printable(std::string_view text);
// The same for a text of several lines, which stay.
std::string printable_lines(std::string_view text);
// The character at the start of a text that is not empty is one of U+0080 to U+009F.
bool is_c1_control(std::string_view text);

std::string hex(std::string_view bytes);

// The one of `names` nearest to `word` by edit distance, when it is near enough to be a slip.
std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& names);

}  // namespace pgstow
