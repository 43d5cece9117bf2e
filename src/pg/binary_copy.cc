#include "pg/binary_copy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include "base/text.h"
#include "pg/time_text.h"

namespace pgstow::pg {
namespace {

constexpr std::size_t kLengthBytes = 4;
constexpr std::int32_t kNull = -1;
// No field is longer than its text and that; an array's text may grow: `::,` becomes 24 bytes.
constexpr std::size_t kMostBesideText = 48;
constexpr std::size_t kGrowthOfArrays = 8;
constexpr std::size_t kMostDigits = 1000;

// numeric.c
constexpr std::uint16_t kNegative = 0x4000;
constexpr std::uint16_t kNumericNan = 0xC000;
constexpr int kGroup = 4;  // decimal digits

// inet.h: AF_INET of whatever system, and one more.
constexpr int kInet4 = 2;
constexpr int kInet6 = 3;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

template <typename Number>
std::optional<Number> parsed(std::string_view text) {
  Number value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
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
  // `unescaped` is its own as long as it lives.
  BinaryWriter(char* to, std::string& unescaped) : to_(to), unescaped_(unescaped) {}

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

  bool field(const ColumnForm& column, std::string_view text) {
    if (text == "\\N") {
      number(kNull);
      return true;
    }
    if (text.find('\\') != std::string_view::npos) {
      if (!unescape(text)) return false;
      text = unescaped_;
    }
    return sized(
        [&] { return column.element == 0 ? value(column.form, text) : array(column, text); });
  }

 private:
  // What `write` writes, behind its length.
  template <typename Write>
  bool sized(const Write& write) {
    char* const length = to_;
    to_ += kLengthBytes;
    if (!write()) return false;
    char* const end = std::exchange(to_, length);
    number(static_cast<std::int32_t>(end - length - static_cast<std::ptrdiff_t>(kLengthBytes)));
    to_ = end;
    return true;
  }

  // Of the escapes of COPY only those that COPY writes.
  bool unescape(std::string_view text) {
    unescaped_.clear();
    while (true) {
      const std::size_t backslash = text.find('\\');
      unescaped_ += text.substr(0, backslash);
      if (backslash == std::string_view::npos) return true;
      if (backslash + 1 == text.size()) return false;
      constexpr std::string_view kWritten = "\\bfnrtv";
      constexpr std::string_view kMeant = "\\\b\f\n\r\t\v";
      const std::size_t which = kWritten.find(text[backslash + 1]);
      if (which == std::string_view::npos) return false;
      unescaped_ += kMeant[which];
      text.remove_prefix(backslash + 2);
    }
  }

  // Of one dimension, counted from 1: `{a,"b c",NULL}`.
  bool array(const ColumnForm& column, std::string_view text) {
    if (text.size() < 2 || text.front() != '{' || text.back() != '}') return false;
    text = text.substr(1, text.size() - 2);
    number(static_cast<std::int32_t>(text.empty() ? 0 : 1));  // dimensions
    char* const has_null = to_;
    number(std::int32_t{0});
    number(column.element);
    if (text.empty()) return true;
    char* const count = to_;
    number(std::int32_t{0});
    number(std::int32_t{1});
    std::int32_t elements = 0;
    bool nulls = false;
    for (bool more = true; more; ++elements) {
      if (!element(column.form, text, nulls)) return false;
      more = !text.empty();
      if (more && text.front() != ',') return false;
      if (more) text.remove_prefix(1);
    }
    char* const end = std::exchange(to_, has_null);
    number(static_cast<std::int32_t>(nulls ? 1 : 0));
    to_ = count;
    number(elements);
    to_ = end;
    return true;
  }

  // Takes one off the front.
  bool element(ValueForm form, std::string_view& text, bool& nulls) {
    if (text.starts_with('"')) {
      std::string item;
      if (!take_quoted(text, item)) return false;
      return sized([&] { return value(form, item); });
    }
    const std::string_view word = text.substr(0, text.find(','));
    text.remove_prefix(word.size());
    if (word == "NULL") {
      nulls = true;
      number(kNull);
      return true;
    }
    if (word.empty() || word.find_first_of("{}\"\\ \t\n\v\f\r") != std::string_view::npos)
      return false;
    if (word.size() == 4 && lower(word) == "null") return false;  // such a text would be quoted
    return sized([&] { return value(form, word); });
  }

  static bool take_quoted(std::string_view& text, std::string& item) {
    for (std::size_t i = 1; i < text.size(); ++i) {
      if (text[i] == '"') {
        text.remove_prefix(i + 1);
        return true;
      }
      if (text[i] == '\\') ++i;
      if (i == text.size()) return false;
      item += text[i];
    }
    return false;
  }

  bool value(ValueForm form, std::string_view text) {
    switch (form) {
      case ValueForm::kText:
        return put(text);
      case ValueForm::kJsonb:
        number(std::uint8_t{1});  // its version
        return put(text);
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
      case ValueForm::kOid:
        return found(parsed<std::uint32_t>(text));
      case ValueForm::kFloat4:
        return floating<float, std::uint32_t>(text);
      case ValueForm::kFloat8:
        return floating<double, std::uint64_t>(text);
      case ValueForm::kNumeric:
        return numeric(text);
      case ValueForm::kUuid:
        return uuid(text);
      case ValueForm::kDate:
        return found(infinite<std::int32_t>(text)) || found(days_of(text));
      case ValueForm::kTime:
        return found(microseconds_of(text));
      case ValueForm::kTimestamp:
        return found(infinite<std::int64_t>(text)) || found(timestamp_of(text));
      case ValueForm::kTimestampTz:
        return found(infinite<std::int64_t>(text)) || found(timestamp_tz_of(text));
      case ValueForm::kInterval:
        return span(text);
      case ValueForm::kInet:
      case ValueForm::kCidr:
        return network(text, form == ValueForm::kCidr);
    }
    return false;
  }

  template <typename Number>
  bool found(const std::optional<Number>& value) {
    if (value) number(*value);
    return value.has_value();
  }

  bool put(std::string_view bytes) {
    std::memcpy(to_, bytes.data(), bytes.size());
    to_ += bytes.size();
    return true;
  }

  // Negative when one of the digits is none.
  int hex_byte(char first, char second) {
    const int high = hex_value(first);
    const int low = hex_value(second);
    *to_++ = static_cast<char>((high & 15) << 4 | (low & 15));
    return high | low;
  }

  bool bytes(std::string_view text) {
    constexpr std::string_view kHex = "\\x";
    if (!text.starts_with(kHex) || (text.size() - kHex.size()) % 2 != 0) return false;
    int bad = 0;
    for (std::size_t i = kHex.size(); i < text.size(); i += 2) {
      bad |= hex_byte(text[i], text[i + 1]);
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

  bool span(std::string_view text) {
    const std::optional<Interval> value = interval_of(text);
    if (!value) return false;
    number(value->microseconds);
    number(value->days);
    number(value->months);
    return true;
  }

  // An address, and how many of its bits are the network's: all, where that is not told.
  bool network(std::string_view text, bool cidr) {
    if (text.find('\0') != std::string_view::npos) return false;
    const std::size_t slash = std::min(text.find('/'), text.size());
    const std::string address(text.substr(0, slash));
    const bool six = address.find(':') != std::string::npos;
    std::array<unsigned char, sizeof(in6_addr)> bytes{};
    if (::inet_pton(six ? AF_INET6 : AF_INET, address.c_str(), bytes.data()) != 1) return false;
    const std::size_t size = six ? sizeof(in6_addr) : sizeof(in_addr);
    auto bits = static_cast<std::uint8_t>(8 * size);
    if (slash < text.size()) {
      const std::optional<std::uint8_t> told = parsed<std::uint8_t>(text.substr(slash + 1));
      if (!told || *told > bits) return false;
      bits = *told;
    }
    number(static_cast<std::uint8_t>(six ? kInet6 : kInet4));
    number(bits);
    number(static_cast<std::uint8_t>(cidr ? 1 : 0));
    number(static_cast<std::uint8_t>(size));
    for (const unsigned char byte : std::span(bytes).first(size)) number(byte);
    return true;
  }

  bool uuid(std::string_view text) {
    if (text.size() != 36) return false;
    int bad = 0;
    for (std::size_t i = 0; i < text.size(); i += 2) {
      if (i == 8 || i == 13 || i == 18 || i == 23) {
        if (text[i] != '-') return false;
        ++i;
      }
      bad |= hex_byte(text[i], text[i + 1]);
    }
    return bad >= 0;
  }

  char* to_;
  std::string& unescaped_;
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
      {"oidrecv", ValueForm::kOid},
      {"interval_recv", ValueForm::kInterval},
      {"inet_recv", ValueForm::kInet},
      {"cidr_recv", ValueForm::kCidr},
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

BinaryCopy::BinaryCopy(std::vector<ColumnForm> columns)
    : columns_(std::move(columns)),
      growth_(std::ranges::all_of(columns_, [](const ColumnForm& c) { return c.element == 0; })
                  ? 1
                  : kGrowthOfArrays) {}

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

    const std::size_t most =
        sizeof(std::int16_t) + row.size() * growth_ + columns_.size() * kMostBesideText;
    if (converted_.size() - used < most) {  // if the rest grows as what came before it
      const std::size_t growth = 1 + used / (all - rows.size());
      converted_.resize(used + most + growth * rows.size());
    }
    BinaryWriter out(converted_.data() + used, value_);
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
