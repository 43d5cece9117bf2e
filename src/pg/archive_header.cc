#include "pg/archive_header.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "pg/archive_encoding.h"

namespace pgstow::pg {

namespace {

constexpr std::string_view kMagic = "PGDMP";
constexpr std::size_t kPrefixSize = 11;  // magic, version (3), sizes of int and offset, format
constexpr std::size_t kOffsetSize = 9;
constexpr std::size_t kPiece = std::size_t{64} << 10;
constexpr int kMaxEntries = 100'000'000;

unsigned byte_at(std::string_view bytes, std::size_t index) {
  return static_cast<unsigned char>(bytes[index]);
}

}  // namespace

const std::array<HeaderDecoder::Step, 6> HeaderDecoder::kFieldSteps = {
    &HeaderDecoder::compression,
    &HeaderDecoder::created,
    &HeaderDecoder::header_text<&ArchiveHeader::database>,
    &HeaderDecoder::header_text<&ArchiveHeader::server_version>,
    &HeaderDecoder::header_text<&ArchiveHeader::dump_version>,
    &HeaderDecoder::count,
};

const std::array<HeaderDecoder::Step, 18> HeaderDecoder::kEntrySteps = {
    &HeaderDecoder::dump_id,
    &HeaderDecoder::has_data,
    &HeaderDecoder::required_text<&TocEntry::table_oid>,
    &HeaderDecoder::required_text<&TocEntry::oid>,
    &HeaderDecoder::required_text<&TocEntry::tag>,
    &HeaderDecoder::required_text<&TocEntry::desc>,
    &HeaderDecoder::section,
    &HeaderDecoder::optional_text<&TocEntry::defn>,
    &HeaderDecoder::optional_text<&TocEntry::drop>,
    &HeaderDecoder::optional_text<&TocEntry::copy>,
    &HeaderDecoder::optional_text<&TocEntry::schema>,
    &HeaderDecoder::optional_text<&TocEntry::tablespace>,
    &HeaderDecoder::optional_text<&TocEntry::table_am>,
    &HeaderDecoder::relkind,
    &HeaderDecoder::optional_text<&TocEntry::owner>,
    &HeaderDecoder::optional_text<&TocEntry::with_oids>,
    &HeaderDecoder::dependency,
    &HeaderDecoder::offset,
};

std::size_t HeaderDecoder::add(std::string_view bytes) {
  std::size_t used = 0;
  while (!done() && used < bytes.size()) {
    const std::string_view piece = bytes.substr(used, kPiece);
    dropped_ += at_;
    pending_.erase(0, at_);
    at_ = 0;
    pending_.append(piece);
    while (!done() && step()) {
    }
    if (position() > kMostHeaderBytes || pending_.size() > kMostHeaderBytes) {
      corrupt("header and table of contents are larger than 1 GiB");
    }
    used += piece.size();
  }
  // What is left over at the end came with the last piece: before it, some item lacked bytes.
  if (done()) {
    used -= rest().size();
    pending_.resize(at_);
  }
  return used;
}

bool HeaderDecoder::step() {
  switch (stage_) {
    case Stage::kPrefix:
      return prefix();
    case Stage::kFields:
      return run(kFieldSteps.data(), kFieldSteps.size());
    case Stage::kEntries:
      return run(kEntrySteps.data(), kEntrySteps.size());
    case Stage::kDone:
      break;
  }
  return false;
}

// Decodes one item of the stage; false when its bytes have not come yet.
bool HeaderDecoder::run(const Step* steps, std::size_t count) {
  const Item result = (this->*steps[item_])();
  if (result == Item::kShort) return false;
  if (result == Item::kSame || ++item_ < count) return true;
  item_ = 0;
  if (stage_ == Stage::kEntries) end_entry();
  stage_ = entries_left_ > 0 ? Stage::kEntries : Stage::kDone;
  if (stage_ == Stage::kEntries) header_.toc.emplace_back();
  return true;
}

bool HeaderDecoder::prefix() {
  const std::string_view bytes = rest();
  const std::size_t common = std::min(bytes.size(), kMagic.size());
  if (bytes.substr(0, common) != kMagic.substr(0, common)) {
    corrupt("not a PostgreSQL custom-format archive");
  }
  if (bytes.size() < kPrefixSize) return false;
  check_versions(bytes);
  header_.minor = static_cast<int>(byte_at(bytes, 6));
  at_ += kPrefixSize;
  stage_ = Stage::kFields;
  return true;
}

void HeaderDecoder::check_versions(std::string_view bytes) {
  const unsigned minor = byte_at(bytes, 6);
  if (byte_at(bytes, 5) != 1 || minor < 14 || minor > 16 || byte_at(bytes, 7) != 0) {
    throw Error(fmt::format("archive: version {}.{}.{} is not supported", byte_at(bytes, 5), minor,
                            byte_at(bytes, 7)),
                "archives of pg_dump 12 to 18 (versions 1.14 to 1.16) can be read");
  }
  if (byte_at(bytes, 8) != 4 || byte_at(bytes, 9) != 8) {
    throw Error(fmt::format("archive: numbers of {} and offsets of {} bytes are not supported",
                            byte_at(bytes, 8), byte_at(bytes, 9)));
  }
  if (byte_at(bytes, 10) != 1) {
    throw Error(fmt::format("archive: format {} is not the custom format", byte_at(bytes, 10)),
                "make the archive by pg_dump --format=custom");
  }
}

void HeaderDecoder::end_entry() {
  const TocEntry& entry = header_.toc.back();
  if (!ids_.insert(entry.dump_id).second) {
    corrupt(fmt::format("entry {} stands twice in the table of contents", entry.dump_id));
  }
  if (--entries_left_ == 0) ids_.clear();
}

HeaderDecoder::Item HeaderDecoder::compression() {
  if (header_.minor < 15) {
    const std::optional<int> level = number();
    if (!level) return Item::kShort;
    if (*level < -1 || *level > 9) corrupt(fmt::format("compression level {}", *level));
    header_.compression = *level;
    return Item::kNext;
  }
  if (rest().empty()) return Item::kShort;
  header_.compression = static_cast<int>(byte_at(rest(), 0));
  if (header_.compression > 3) {
    throw Error(fmt::format("archive: compression {} is not known", header_.compression));
  }
  ++at_;
  return Item::kNext;
}

HeaderDecoder::Item HeaderDecoder::created() {
  const std::optional<int> value = number();
  if (!value) return Item::kShort;
  header_.created[part_++] = *value;
  return part_ < header_.created.size() ? Item::kSame : Item::kNext;
}

HeaderDecoder::Item HeaderDecoder::count() {
  const std::optional<int> value = number();
  if (!value) return Item::kShort;
  if (*value < 0 || *value > kMaxEntries) corrupt(fmt::format("{} entries", *value));
  entries_left_ = *value;
  return Item::kNext;
}

HeaderDecoder::Item HeaderDecoder::dump_id() {
  const std::optional<int> value = number();
  if (!value) return Item::kShort;
  if (*value <= 0) corrupt(fmt::format("entry with id {}", *value));
  header_.toc.back().dump_id = *value;
  return Item::kNext;
}

HeaderDecoder::Item HeaderDecoder::has_data() {
  const std::optional<int> value = number();
  if (!value) return Item::kShort;
  if (*value != 0 && *value != 1) corrupt(fmt::format("data flag {}", *value));
  header_.toc.back().has_data = *value == 1;
  return Item::kNext;
}

HeaderDecoder::Item HeaderDecoder::section() {
  const std::optional<int> value = number();
  if (!value) return Item::kShort;
  if (*value < static_cast<int>(Section::kNone) || *value > static_cast<int>(Section::kPostData)) {
    corrupt(fmt::format("section {}", *value));
  }
  header_.toc.back().section = static_cast<Section>(*value);
  return Item::kNext;
}

HeaderDecoder::Item HeaderDecoder::relkind() {
  if (header_.minor < 16) return Item::kNext;
  const std::optional<int> value = number();
  if (!value) return Item::kShort;
  header_.toc.back().relkind = *value;
  return Item::kNext;
}

HeaderDecoder::Item HeaderDecoder::dependency() {
  std::optional<OptionalText> value = text();
  if (!value) return Item::kShort;
  if (!*value) return Item::kNext;
  header_.toc.back().dependencies.push_back(std::move(**value));
  return Item::kSame;
}

HeaderDecoder::Item HeaderDecoder::offset() {
  const std::string_view bytes = rest();
  if (bytes.size() < kOffsetSize) return Item::kShort;
  DataOffset& offset = header_.toc.back().offset;
  const unsigned state = byte_at(bytes, 0);
  if (state < 1 || state > 3) corrupt(fmt::format("offset state {}", state));
  offset.state = static_cast<DataOffset::State>(state);
  for (std::size_t i = kOffsetSize - 1; i > 0; --i) {
    offset.position = offset.position << 8 | byte_at(bytes, i);
  }
  if (offset.state != DataOffset::State::kNoData && !header_.toc.back().has_data) {
    corrupt("an offset for an entry without data");
  }
  at_ += kOffsetSize;
  return Item::kNext;
}

template <std::string ArchiveHeader::* Field>
HeaderDecoder::Item HeaderDecoder::header_text() {
  std::optional<OptionalText> value = text();
  if (!value) return Item::kShort;
  if (!*value) corrupt("a text of the header is missing");
  header_.*Field = std::move(**value);
  return Item::kNext;
}

template <std::string TocEntry::* Field>
HeaderDecoder::Item HeaderDecoder::required_text() {
  std::optional<OptionalText> value = text();
  if (!value) return Item::kShort;
  if (!*value) corrupt("a name of an entry is missing");
  header_.toc.back().*Field = std::move(**value);
  return Item::kNext;
}

template <OptionalText TocEntry::* Field>
HeaderDecoder::Item HeaderDecoder::optional_text() {
  std::optional<OptionalText> value = text();
  if (!value) return Item::kShort;
  header_.toc.back().*Field = std::move(*value);
  return Item::kNext;
}

std::optional<int> HeaderDecoder::number() {
  if (rest().size() < kIntSize) return std::nullopt;
  const std::optional<int> value = decode_int(rest());
  if (!value) corrupt("not a number");
  at_ += kIntSize;
  return value;
}

// Nothing when bytes lack; otherwise the text, or the null that the format knows.
std::optional<OptionalText> HeaderDecoder::text() {
  const std::string_view bytes = rest();
  if (bytes.size() < kIntSize) return std::nullopt;
  const std::optional<int> length = decode_int(bytes);
  if (!length || *length < -1) corrupt("not a length");
  if (*length < 0) {
    at_ += kIntSize;
    return OptionalText();
  }
  const auto size = static_cast<std::size_t>(*length);
  if (bytes.size() - kIntSize < size) return std::nullopt;
  at_ += kIntSize + size;
  return OptionalText(std::string(bytes.substr(kIntSize, size)));
}

void HeaderDecoder::corrupt(std::string_view cause) const {
  throw Corrupt(fmt::format("archive: byte {}: {}", position(), cause));
}

}  // namespace pgstow::pg
