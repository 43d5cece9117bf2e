// COPY text made into COPY's binary format, which costs the server less to take: a tenth less for
// long texts, a half for identifiers, numbers and times.
//
// Sources: PostgreSQL manual, "COPY", "Text Format" and "Binary Format"; the values' forms by the
// types' receive functions (src/backend/utils/adt: int.c, numeric.c, timestamp.c, date.c, uuid.c,
// bytea's in varlena.c, jsonb.c, network.c).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pgstow::pg {

// How a column's values are written in either format.
enum class ValueForm {
  kText,  // the same in both: text, varchar, char(n), json, enumerations, citext
  kJsonb,
  kBytea,
  kBool,
  kInt2,
  kInt4,
  kInt8,
  kOid,
  kFloat4,
  kFloat8,
  kNumeric,
  kUuid,
  kDate,
  kTime,
  kTimestamp,
  kTimestampTz,
  kInterval,
  kInet,
  kCidr,
};

struct ColumnForm {
  ValueForm form;
  std::uint32_t element = 0;  // of an array the OID of its elements' type; they have that form

  bool operator==(const ColumnForm&) const = default;
};

// The form of a type, by the server's own function that receives its values; none for all others.
std::optional<ValueForm> form_received_by(std::string_view receive_function);

// Whether text in this encoding (PostgreSQL's name) can be taken apart byte by byte. In some that
// only clients have, a backslash may be a character's second byte.
bool bytes_are_plain_in(std::string_view encoding);

// What comes before the rows, and after them.
inline constexpr std::string_view kBinaryCopyBegin{"PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19};
inline constexpr std::string_view kBinaryCopyEnd{"\377\377", 2};

struct BinaryRows {
  std::string_view bytes;
  std::uint64_t count = 0;
};

// Converts rows of one table. Single-threaded.
class BinaryCopy {
 public:
  // Of each column, in the order of the COPY.
  explicit BinaryCopy(std::vector<ColumnForm> columns);

  // `rows` is COPY text up to a row's end. The result is lent until the next call. None where a
  // value is not as the type's output function writes it under pg_dump's settings, or is a rare one
  // (years before 1 and after 9999, infinite numerics and those of more than a thousand digits,
  // arrays of more dimensions than one):
  // then the text itself has to go to the server, which knows what to make of it, or what to say.
  std::optional<BinaryRows> convert(std::string_view rows);

 private:
  std::vector<ColumnForm> columns_;
  std::size_t growth_;  // of a row's text, at most
  std::string converted_;
  std::string value_;  // without COPY's escapes
};

}  // namespace pgstow::pg
