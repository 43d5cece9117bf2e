#include "backup/meter.h"

#include <algorithm>

namespace pgstow {
namespace {

constexpr double kSmallest = 8192;                 // an empty table still costs something
constexpr const char* kLargeObjectTable = "2613";  // pg_largeobject

}  // namespace

Meter::Meter(std::string phase, std::map<std::string, pg::TableSize> sizes,
             pg::ArchiveVisitor* next)
    : sizes_(std::move(sizes)), next_(next) {
  state_.phase = std::move(phase);
}

double Meter::weight(const pg::TocEntry& entry) const {
  const bool objects = entry.holds_large_objects();
  const auto found = sizes_.find(objects ? kLargeObjectTable : entry.oid);
  const double bytes = found == sizes_.end() ? 0 : static_cast<double>(found->second.bytes);
  return std::max(objects ? bytes / object_blocks_ : bytes, kSmallest);
}

void Meter::on_header(const pg::ArchiveHeader& header) {
  const auto blocks = std::ranges::count_if(header.toc, &pg::TocEntry::holds_large_objects);
  object_blocks_ = std::max(static_cast<double>(blocks), 1.0);
  for (const pg::TocEntry& entry : header.toc) {
    if (!entry.has_data) continue;
    total_ += weight(entry);
    state_.tables_total += 1;
  }
  if (next_ != nullptr) next_->on_header(header);
}

void Meter::on_block_begin(const pg::TocEntry& entry) {
  state_.table = entry.schema ? *entry.schema + "." + entry.tag : entry.tag;
  current_ = weight(entry);
  block_bytes_ = 0;
  if (next_ != nullptr) next_->on_block_begin(entry);
}

void Meter::on_large_object(std::uint32_t oid) {
  if (next_ != nullptr) next_->on_large_object(oid);
}

void Meter::count(std::uint64_t bytes) {
  block_bytes_ += bytes;
  state_.bytes += bytes;
}

void Meter::on_bytes(std::string_view bytes) {
  count(bytes.size());
  if (next_ != nullptr) next_->on_bytes(bytes);
}

void Meter::on_framed(pg::FramedRows rows) {
  count(rows.proof.bytes);
  if (next_ != nullptr) next_->on_framed(std::move(rows));
}

void Meter::on_block_end() {
  done_ += current_;
  current_ = 0;
  block_bytes_ = 0;
  state_.tables_done += 1;
  if (next_ != nullptr) next_->on_block_end();
}

ProgressState Meter::state() const {
  ProgressState state = state_;
  // COPY text is about as long as the table's pages: an estimate, so the block is never called
  // done.
  const double part = std::min(static_cast<double>(block_bytes_), current_ * 0.99);
  if (total_ > 0) state.fraction = (done_ + part) / total_;
  return state;
}

}  // namespace pgstow
