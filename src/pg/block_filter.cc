#include "pg/block_filter.h"

#include "base/error.h"

namespace pgstow::pg {

BlockFilter::BlockFilter(ArchiveVisitor& next, const ArchiveHeader& wanted, Wanted kind)
    : next_(next), header_(wanted), kind_(kind) {
  for (const TocEntry& entry : wanted.toc) {
    if (entry.has_data) wanted_.emplace(entry.dump_id, &entry);
  }
}

void BlockFilter::on_header(const ArchiveHeader& header) {
  if (kind_ == Wanted::kWhole && encode_header(header) != encode_header(header_)) {
    throw Corrupt("the table of contents has changed since it was read");
  }
  header_.compression = header.compression;
  next_.on_header(header_);
}

void BlockFilter::on_block_begin(const TocEntry& entry) {
  const auto found = wanted_.find(entry.dump_id);
  passing_ = found != wanted_.end();
  if (passing_) next_.on_block_begin(*found->second);
}

void BlockFilter::on_large_object(std::uint32_t oid) {
  if (passing_) next_.on_large_object(oid);
}

void BlockFilter::on_bytes(std::string_view bytes) {
  if (passing_) next_.on_bytes(bytes);
}

void BlockFilter::on_block_end() {
  if (passing_) next_.on_block_end();
}

}  // namespace pgstow::pg
