// COPY text made into COPY's binary format, which costs the server less to take: a tenth less for
// long texts, a half for identifiers, numbers and times.
//
// Sources: PostgreSQL manual, "COPY", "Text Format" and "Binary Format"; the values' forms by the
// types' receive functions (src/backend/utils/adt: int.c, numeric.c, timestamp.c, date.c, uuid.c,
// bytea's in varlena.c, jsonb.c).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pgstow::pg {

// How a column's values are written in either format.
enum class ValueForm {
  kText,  // the same in both: text, varchar, char(n), json, enumerations
  kJsonb,
  kBytea,
  kBool,
  kInt2,
  kInt4,
  kInt8,
  kFloat4,
  kFloat8,
  kNumeric,
  kUuid,
  kDate,
  kTime,
  kTimestamp,
  kTimestampTz,
};

// The form of a type, by the name of its receive function in pg_catalog; none for all others.
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
  explicit BinaryCopy(std::vector<ValueForm> columns) : columns_(std::move(columns)) {}

  // `rows` is COPY text up to a row's end. The result is lent until the next call. None where a
  // value is not as the type's output function writes it under pg_dump's settings, or is a rare one
  // (years before 1 and after 9999, infinite numerics and those of more than a thousand digits):
  // then the text itself has to go to the server, which knows what to make of it, or what to say.
  std::optional<BinaryRows> convert(std::string_view rows);

 private:
  std::vector<ValueForm> columns_;
  std::string converted_;
};

}  // namespace pgstow::pg
