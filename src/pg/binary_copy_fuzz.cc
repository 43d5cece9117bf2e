// Any text as the rows of any columns: what becomes of it is left alone, or is whole rows of COPY's
// binary format.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pg/binary_copy.h"

namespace {

using namespace pgstow::pg;

void require(bool holds) {
  if (!holds) std::abort();
}

std::int32_t take_number(std::string_view& bytes, std::size_t size) {
  require(bytes.size() >= size);
  std::uint32_t value = 0;
  for (const char c : bytes.substr(0, size)) value = value << 8 | static_cast<unsigned char>(c);
  bytes.remove_prefix(size);
  return static_cast<std::int32_t>(value);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t columns = 1 + static_cast<unsigned char>(text.front()) % 4U;
  if (size < 1 + columns) return 0;
  std::vector<ColumnForm> forms;
  for (const char c : text.substr(1, columns)) {
    const auto kind = static_cast<unsigned char>(c);
    forms.push_back(
        {.form = static_cast<ValueForm>(kind % (static_cast<unsigned>(ValueForm::kCidr) + 1)),
         .element = kind < 128 ? 0U : kind});
  }
  text.remove_prefix(1 + columns);

  // Alone each row has the room that was reckoned for it, and no more.
  for (std::size_t at = 0, end = 0; at < text.size(); at = end) {
    end = std::min(text.find('\n', at), text.size() - 1) + 1;
    BinaryCopy(forms).convert(text.substr(at, end - at));
  }
  BinaryCopy copy(forms);
  const std::optional<BinaryRows> rows = copy.convert(text);
  if (!rows) return 0;
  const std::string first(rows->bytes);
  const std::optional<BinaryRows> again = copy.convert(text);
  require(again && again->bytes == first && again->count == rows->count);
  std::string_view rest = first;
  for (std::uint64_t row = 0; row < rows->count; ++row) {
    require(take_number(rest, 2) == static_cast<std::int32_t>(columns));
    for (std::size_t i = 0; i < columns; ++i) {
      const std::int32_t length = take_number(rest, 4);
      if (length == -1) continue;
      require(length >= 0 && static_cast<std::size_t>(length) <= rest.size());
      rest.remove_prefix(static_cast<std::size_t>(length));
    }
  }
  require(rest.empty());
  return 0;
}
