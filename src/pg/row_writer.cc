#include "pg/row_writer.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "pg/end_marker.h"
#include "pg/table_pattern.h"

namespace pgstow::pg {
namespace {

constexpr std::size_t kSendBytes = std::size_t{256} << 10;

template <typename Work>
void naming(const TocEntry& entry, const Work& work) {
  try {
    work();
  } catch (Error& e) {
    e.within("loading " + shown({.schema = entry.schema.value_or(""), .name = entry.tag}));
    throw;
  }
}

}  // namespace

RowWriter::RowWriter(Connection& session, std::chrono::milliseconds stall)
    : session_(session), stall_(stall) {}

void RowWriter::on_header(const ArchiveHeader& /*header*/) {}

void RowWriter::on_block_begin(const TocEntry& entry) {
  entry_ = &entry;
  rows_ = 0;
  naming(entry, [&] { session_.begin_copy_in(entry.copy.value_or("")); });
}

void RowWriter::on_large_object(std::uint32_t /*oid*/) {}

void RowWriter::on_bytes(std::string_view bytes) {
  text_.append(bytes);
  if (text_.size() < kSendBytes) return;
  const std::size_t size = text_.size() - kEndMarker.size();
  const std::string_view sent = std::string_view(text_).substr(0, size);
  rows_ += static_cast<std::uint64_t>(std::ranges::count(sent, '\n'));
  naming(*entry_, [&] { session_.copy_in(sent, stall_); });
  text_.erase(0, size);
}

void RowWriter::on_block_end() {
  naming(*entry_, [&] {
    if (!text_.ends_with(kEndMarker)) throw Corrupt("archive: no end marker");
    text_.resize(text_.size() - kEndMarker.size());
    rows_ += static_cast<std::uint64_t>(std::ranges::count(text_, '\n'));
    session_.copy_in(text_, stall_);
    const std::uint64_t taken = session_.end_copy_in(stall_);
    if (taken != rows_) throw Error(fmt::format("the server took {} rows of {}", taken, rows_));
  });
  text_.clear();
  entry_ = nullptr;
}

}  // namespace pgstow::pg
