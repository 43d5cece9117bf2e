#include "pg/binary_copy.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <limits>
#include <map>
#include <type_traits>
#include <utility>

namespace pgstow::pg {
namespace {

constexpr std::size_t kLengthBytes = 4;
constexpr std::size_t kMostBesideText = 24;  // no field is longer than its text and that
constexpr std::size_t kMostDigits = 1000;
constexpr std::int64_t kSecond = 1'000'000;  // microseconds
constexpr std::int64_t kMinute = 60;         // seconds
constexpr std::int64_t kHour = 60 * kMinute;
constexpr std::int64_t kDay = 24 * kHour;

// numeric.c
constexpr std::uint16_t kNegative = 0x4000;
constexpr std::uint16_t kNumericNan = 0xC000;
constexpr int kGroup = 4;  // decimal digits

bool is_digit(char c) { return c >= '0' && c <= '9'; }

template <typename Number>
std::optional<Number> parsed(std::string_view text) {
  Number value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// The value of so many digits from `at` on; none if there is anything else.
std::optional<int> digits(std::string_view text, std::size_t at, std::size_t count) {
  if (text.size() < at + count) return std::nullopt;
  int value = 0;
  for (const char c : text.substr(at, count)) {
    if (!is_digit(c)) return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

// Days since 2000-01-01 of `2026-11-28`.
std::optional<std::int32_t> days(std::string_view text) {
  using namespace std::chrono;
  const std::optional<int> y = digits(text, 0, 4);
  const std::optional<int> m = digits(text, 5, 2);
  const std::optional<int> d = digits(text, 8, 2);
  if (text.size() != 10 || !y || !m || !d || text[4] != '-' || text[7] != '-') return std::nullopt;
  const year_month_day date{year{*y}, month{static_cast<unsigned>(*m)},
                            day{static_cast<unsigned>(*d)}};
  if (!date.ok() || *y == 0) return std::nullopt;
  return (sys_days{date} - sys_days{year{2000} / January / 1}).count();
}

// Microseconds of `23:59:59.5`.
std::optional<std::int64_t> microseconds(std::string_view text) {
  const std::optional<int> h = digits(text, 0, 2);
  const std::optional<int> m = digits(text, 3, 2);
  const std::optional<int> s = digits(text, 6, 2);
  if (!h || !m || !s || text[2] != ':' || text[5] != ':') return std::nullopt;
  if (*h > 23 || *m > 59 || *s > 59) return std::nullopt;
  std::int64_t value = (*h * kHour + *m * kMinute + *s) * kSecond;
  text.remove_prefix(8);
  if (text.empty()) return value;
  if (text[0] != '.' || text.size() < 2 || text.size() > 7) return std::nullopt;
  const std::optional<int> fraction = digits(text, 1, text.size() - 1);
  if (!fraction) return std::nullopt;
  std::int64_t part = *fraction;
  for (std::size_t i = text.size(); i < 7; ++i) part *= 10;
  return value + part;
}

// Seconds east of UTC of `+05:30`, `-08` or `+00:53:28`.
std::optional<std::int64_t> zone_offset(std::string_view text) {
  if (text.size() != 3 && text.size() != 6 && text.size() != 9) return std::nullopt;
  std::int64_t value = 0;
  std::int64_t unit = kHour;
  for (std::size_t at = 0; at < text.size(); at += 3, unit /= 60) {
    const std::optional<int> part = digits(text, at + 1, 2);
    if (!part || *part >= (at == 0 ? 16 : 60) || (at > 0 && text[at] != ':')) return std::nullopt;
    value += *part * unit;
  }
  if (text[0] != '+' && text[0] != '-') return std::nullopt;
  return text[0] == '+' ? value : -value;
}

// Microseconds since 2000-01-01 of `2026-11-28 21:14:00.25`.
std::optional<std::int64_t> timestamp(std::string_view text) {
  if (text.size() < 19 || text[10] != ' ') return std::nullopt;
  const std::optional<std::int32_t> day = days(text.substr(0, 10));
  const std::optional<std::int64_t> time = microseconds(text.substr(11));
  if (!day || !time) return std::nullopt;
  return *day * kDay * kSecond + *time;
}

std::optional<std::int64_t> timestamp_tz(std::string_view text) {
  const std::size_t zone = text.find_first_of("+-", std::min<std::size_t>(text.size(), 19));
  if (zone == std::string_view::npos) return std::nullopt;
  const std::optional<std::int64_t> local = timestamp(text.substr(0, zone));
  const std::optional<std::int64_t> offset = zone_offset(text.substr(zone));
  if (!local || !offset) return std::nullopt;
  return *local - *offset * kSecond;
}

// Dates and times that are before or after all others are a type's least and greatest number.
template <typename Number>
std::optional<Number> infinite(std::string_view text) {
  if (text == "infinity") return std::numeric_limits<Number>::max();
  if (text == "-infinity") return std::numeric_limits<Number>::min();
  return std::nullopt;
}

constexpr std::array<std::int8_t, 256> hex_values() {
  constexpr std::string_view kDigits = "0123456789abcdefABCDEF";
  std::array<std::int8_t, 256> values{};
  values.fill(-1);
  for (std::size_t i = 0; i < kDigits.size(); ++i) {
    values[static_cast<unsigned char>(kDigits[i])] = static_cast<std::int8_t>(i < 16 ? i : i - 6);
  }
  return values;
}

constexpr std::array<std::int8_t, 256> kHexValues = hex_values();

int hex_value(char c) { return kHexValues[static_cast<unsigned char>(c)]; }

// Writes rows one after the other into room that is there. Whatever is not as it must be makes the
// functions return false, and then what they wrote is of no use.
class BinaryWriter {
 public:
  explicit BinaryWriter(char* to) : to_(to) {}

  char* end() const { return to_; }

  template <std::integral Number>
  void number(Number value) {
    auto bits = static_cast<std::make_unsigned_t<Number>>(value);
    for (std::size_t i = sizeof(bits); i-- > 0;) {
      to_[i] = static_cast<char>(bits & 0xFF);
      bits = static_cast<decltype(bits)>(bits >> 8);
    }
    to_ += sizeof(bits);
  }

  bool field(ValueForm form, std::string_view text) {
    if (text == "\\N") {
      number(std::int32_t{-1});
      return true;
    }
    char* const length = to_;
    to_ += kLengthBytes;
    if (!value(form, text)) return false;
    char* const end = std::exchange(to_, length);
    number(static_cast<std::int32_t>(end - length - static_cast<std::ptrdiff_t>(kLengthBytes)));
    to_ = end;
    return true;
  }

 private:
  bool value(ValueForm form, std::string_view text) {
    switch (form) {
      case ValueForm::kText:
        return plain(text);
      case ValueForm::kJsonb:
        number(std::uint8_t{1});  // its version
        return plain(text);
      case ValueForm::kBytea:
        return bytes(text);
      case ValueForm::kBool:
        number(static_cast<std::uint8_t>(text == "t" ? 1 : 0));
        return text == "t" || text == "f";
      case ValueForm::kInt2:
        return found(parsed<std::int16_t>(text));
      case ValueForm::kInt4:
        return found(parsed<std::int32_t>(text));
      case ValueForm::kInt8:
        return found(parsed<std::int64_t>(text));
      case ValueForm::kFloat4:
        return floating<float, std::uint32_t>(text);
      case ValueForm::kFloat8:
        return floating<double, std::uint64_t>(text);
      case ValueForm::kNumeric:
        return numeric(text);
      case ValueForm::kUuid:
        return uuid(text);
      case ValueForm::kDate:
        return found(infinite<std::int32_t>(text)) || found(days(text));
      case ValueForm::kTime:
        return found(microseconds(text));
      case ValueForm::kTimestamp:
        return found(infinite<std::int64_t>(text)) || found(timestamp(text));
      case ValueForm::kTimestampTz:
        return found(infinite<std::int64_t>(text)) || found(timestamp_tz(text));
    }
    return false;
  }

  template <typename Number>
  bool found(const std::optional<Number>& value) {
    if (value) number(*value);
    return value.has_value();
  }

  void put(std::string_view bytes) {
    std::memcpy(to_, bytes.data(), bytes.size());
    to_ += bytes.size();
  }

  // Of the escapes of COPY only those that COPY writes.
  bool plain(std::string_view text) {
    while (true) {
      const std::size_t backslash = text.find('\\');
      put(text.substr(0, backslash));
      if (backslash == std::string_view::npos) return true;
      if (backslash + 1 == text.size()) return false;
      constexpr std::string_view kWritten = "\\bfnrtv";
      constexpr std::string_view kMeant = "\\\b\f\n\r\t\v";
      const std::size_t which = kWritten.find(text[backslash + 1]);
      if (which == std::string_view::npos) return false;
      *to_++ = kMeant[which];
      text.remove_prefix(backslash + 2);
    }
  }

  bool bytes(std::string_view text) {
    constexpr std::string_view kHex = "\\\\x";
    if (!text.starts_with(kHex) || (text.size() - kHex.size()) % 2 != 0) return false;
    int bad = 0;
    for (std::size_t i = kHex.size(); i < text.size(); i += 2) {
      const int high = hex_value(text[i]);
      const int low = hex_value(text[i + 1]);
      bad |= high | low;  // negative when one of them is
      *to_++ = static_cast<char>((high & 15) << 4 | (low & 15));
    }
    return bad >= 0;
  }

  template <typename Number, typename Bits>
  bool floating(std::string_view text) {
    Number value = 0;
    if (text == "NaN") {
      value = std::numeric_limits<Number>::quiet_NaN();
    } else if (text == "Infinity" || text == "-Infinity") {
      value = std::numeric_limits<Number>::infinity() * (text[0] == '-' ? -1 : 1);
    } else {
      if (text.find_first_not_of("0123456789+-.e") != std::string_view::npos) return false;
      const std::optional<Number> finite = parsed<Number>(text);
      if (!finite) return false;
      value = *finite;
    }
    number(std::bit_cast<Bits>(value));
    return true;
  }

  // Groups of four decimal digits, whose first is worth 10000 to the power of `weight`.
  bool numeric(std::string_view text) {
    if (text == "NaN") {
      numeric_header(0, 0, kNumericNan, 0);
      return true;
    }
    const bool negative = text.starts_with('-');
    if (negative) text.remove_prefix(1);
    const std::size_t point = std::min(text.find('.'), text.size());
    const std::string_view whole = text.substr(0, point);
    const std::string_view fraction = text.substr(std::min(point + 1, text.size()));
    if (whole.empty() || text.size() > kMostDigits || (point < text.size() && fraction.empty()))
      return false;
    const std::size_t before = (whole.size() + kGroup - 1) / kGroup;
    const std::size_t after = (fraction.size() + kGroup - 1) / kGroup;
    numeric_header(before + after, before - 1, negative ? kNegative : std::uint16_t{0},
                   fraction.size());
    std::size_t in_group = before * kGroup - whole.size();  // as if zeros came before
    int group = 0;
    const auto all = [&](std::string_view part) {
      for (const char c : part) {
        if (!is_digit(c)) return false;
        group = group * 10 + (c - '0');
        if (++in_group == kGroup) {
          number(static_cast<std::int16_t>(std::exchange(group, 0)));
          in_group = 0;
        }
      }
      return true;
    };
    if (!all(whole) || !all(fraction)) return false;
    while (in_group != 0) all("0");
    return true;
  }

  void numeric_header(std::size_t groups, std::size_t weight, std::uint16_t sign,
                      std::size_t scale) {
    number(static_cast<std::uint16_t>(groups));
    number(static_cast<std::uint16_t>(weight));
    number(sign);
    number(static_cast<std::uint16_t>(scale));
  }

  bool uuid(std::string_view text) {
    if (text.size() != 36) return false;
    int bad = 0;
    for (std::size_t i = 0; i < text.size(); i += 2) {
      if (i == 8 || i == 13 || i == 18 || i == 23) {
        if (text[i] != '-') return false;
        ++i;
      }
      const int high = hex_value(text[i]);
      const int low = hex_value(text[i + 1]);
      bad |= high | low;
      *to_++ = static_cast<char>((high & 15) << 4 | (low & 15));
    }
    return bad >= 0;
  }

  char* to_;
};

}  // namespace

std::optional<ValueForm> form_received_by(std::string_view receive_function) {
  static const std::map<std::string_view, ValueForm> kForms{
      {"textrecv", ValueForm::kText},
      {"varcharrecv", ValueForm::kText},
      {"bpcharrecv", ValueForm::kText},
      {"json_recv", ValueForm::kText},
      {"enum_recv", ValueForm::kText},
      {"jsonb_recv", ValueForm::kJsonb},
      {"bytearecv", ValueForm::kBytea},
      {"boolrecv", ValueForm::kBool},
      {"int2recv", ValueForm::kInt2},
      {"int4recv", ValueForm::kInt4},
      {"int8recv", ValueForm::kInt8},
      {"float4recv", ValueForm::kFloat4},
      {"float8recv", ValueForm::kFloat8},
      {"numeric_recv", ValueForm::kNumeric},
      {"uuid_recv", ValueForm::kUuid},
      {"date_recv", ValueForm::kDate},
      {"time_recv", ValueForm::kTime},
      {"timestamp_recv", ValueForm::kTimestamp},
      {"timestamptz_recv", ValueForm::kTimestampTz}};
  const auto found = kForms.find(receive_function);
  if (found == kForms.end()) return std::nullopt;
  return found->second;
}

bool bytes_are_plain_in(std::string_view encoding) {
  constexpr std::array<std::string_view, 7> kOfClients{"BIG5", "GB18030",        "GBK", "JOHAB",
                                                       "SJIS", "SHIFT_JIS_2004", "UHC"};
  return std::ranges::find(kOfClients, encoding) == kOfClients.end();
}

std::optional<BinaryRows> BinaryCopy::convert(std::string_view rows) {
  if (rows.find('\r') != std::string_view::npos)
    return std::nullopt;  // at a line's end it says more
  const std::size_t all = rows.size();
  std::size_t used = 0;
  std::uint64_t count = 0;
  while (!rows.empty()) {
    const std::size_t end = rows.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    std::string_view row = rows.substr(0, end);
    rows.remove_prefix(end + 1);

    const std::size_t most = sizeof(std::int16_t) + row.size() + columns_.size() * kMostBesideText;
    if (converted_.size() - used < most) {  // if the rest grows as what came before it
      const std::size_t growth = 1 + used / (all - rows.size());
      converted_.resize(used + most + growth * rows.size());
    }
    BinaryWriter out(converted_.data() + used);
    out.number(static_cast<std::int16_t>(columns_.size()));
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const bool last = i + 1 == columns_.size();
      const std::size_t tab = row.find('\t');
      if (last != (tab == std::string_view::npos)) return std::nullopt;
      if (!out.field(columns_[i], row.substr(0, tab))) return std::nullopt;
      if (!last) row.remove_prefix(tab + 1);
    }
    used = static_cast<std::size_t>(out.end() - converted_.data());
    ++count;
  }
  return BinaryRows{std::string_view(converted_).substr(0, used), count};
}

}  // namespace pgstow::pg
