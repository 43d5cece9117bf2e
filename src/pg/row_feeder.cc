#include "pg/row_feeder.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "pg/end_marker.h"
#include "pg/toc_parts.h"

namespace pgstow::pg {
namespace {

// A large object is cut at multiples of this: whole pages, of whatever block size.
constexpr std::size_t kObjectStep = std::size_t{64} << 10;
constexpr std::size_t kMostObjects = 1000;

}  // namespace

RowFeeder::RowFeeder(Loaders& to, std::size_t piece_bytes)
    : to_(to), piece_bytes_(std::max(piece_bytes, std::size_t{1})) {}

void RowFeeder::on_header(const ArchiveHeader& header) {
  header_ = header;
  for (const TocEntry& entry : header_.toc) by_id_[entry.dump_id] = &entry;
}

void RowFeeder::on_block_begin(const TocEntry& entry) {
  entry_ = by_id_.at(entry.dump_id);
  alone_ = !entry.holds_large_objects() && is_made_by_extension(header_, entry);
}

void RowFeeder::on_large_object(std::uint32_t oid) {
  if (objects_.size() >= kMostObjects || object_bytes_ >= piece_bytes_) give_objects();
  objects_.push_back({.oid = oid});
}

void RowFeeder::on_bytes(std::string_view bytes) {
  if (objects_.empty()) {
    text_.append(bytes);
    cut_rows();
    return;
  }
  while (!bytes.empty()) {
    ObjectPart& part = objects_.back();
    const std::string_view fits = bytes.substr(0, kObjectStep - part.contents.size());
    part.contents.append(fits);
    object_bytes_ += fits.size();
    bytes.remove_prefix(fits.size());
    if (part.contents.size() == kObjectStep) end_object_part();
  }
}

// The part of the object that is full goes on in a next one.
void RowFeeder::end_object_part() {
  const ObjectPart next{.oid = objects_.back().oid, .offset = objects_.back().offset + kObjectStep};
  if (object_bytes_ >= piece_bytes_) give_objects();
  objects_.push_back(next);
}

// Keeps back what may be the end marker.
void RowFeeder::cut_rows() {
  while (text_.size() >= piece_bytes_ + kEndMarker.size()) {
    const std::size_t most = text_.size() - kEndMarker.size();
    const std::size_t row_end = std::string_view(text_).substr(0, most).rfind('\n');
    const bool whole = row_end != std::string_view::npos;
    give_rows(whole ? row_end + 1 : most, whole);
  }
}

void RowFeeder::give_rows(std::size_t size, bool ends_row) {
  std::string rest = text_.substr(size);
  text_.resize(size);
  Piece piece{.entry = entry_, .text = std::move(text_), .ends_row = ends_row};
  text_ = std::move(rest);
  if (alone_) {
    to_.give_alone(piece);
  } else {
    to_.give(std::move(piece));
  }
}

void RowFeeder::give_objects() {
  if (objects_.empty()) return;
  to_.give({.entry = entry_, .objects = std::exchange(objects_, {})});
  object_bytes_ = 0;
}

void RowFeeder::on_block_end() {
  if (entry_->holds_large_objects()) {
    give_objects();
  } else {
    if (!text_.ends_with(kEndMarker)) {
      throw Corrupt(fmt::format("archive: entry {}: no end marker", entry_->dump_id));
    }
    text_.resize(text_.size() - kEndMarker.size());
    if (!text_.empty()) give_rows(text_.size(), true);
    text_.clear();
    if (alone_) {
      to_.end_alone();
    } else {
      to_.end_table(*entry_);
    }
  }
  entry_ = nullptr;
}

}  // namespace pgstow::pg
