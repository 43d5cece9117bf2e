#include "backup/part_source.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "stream/unpack.h"

namespace pgstow {
namespace {

// A member or two: to read over them costs less than to ask a store again.
constexpr std::uint64_t kNear = std::uint64_t{1} << 20;
constexpr std::size_t kSkipBytes = std::size_t{256} << 10;

}  // namespace

PartSource::PartSource(Store& store, std::string key, const pg::ArchiveHeader& header,
                       std::vector<RowsAt> blocks, unsigned threads)
    : store_(store),
      key_(std::move(key)),
      threads_(threads),
      header_(pg::encode_header(header)),
      blocks_(std::move(blocks)),
      size_(header_.size()) {
  std::ranges::sort(blocks_, {}, &RowsAt::raw);
  for (const RowsAt& block : blocks_) size_ += block.bytes;
}

std::size_t PartSource::read(std::span<char> into) {
  if (header_given_ < header_.size()) {
    const std::size_t n = header_.copy(into.data(), into.size(), header_given_);
    header_given_ += n;
    return n;
  }
  while (left_ == 0) {
    if (next_ == blocks_.size()) return 0;
    go_to(blocks_[next_]);
    left_ = blocks_[next_++].bytes;
  }
  const std::size_t n = take(into.first(std::min<std::uint64_t>(into.size(), left_)));
  left_ -= n;
  return n;
}

void PartSource::go_to(const RowsAt& block) {
  if (unpacked_ == nullptr || block.raw < at_ || block.raw - at_ > kNear) {
    unpacked_.reset();  // before what it reads from
    object_ = store_.open(key_, {.offset = block.member, .length = std::nullopt});
    unpacked_ = open_unpacked(*object_, Decoder::kIndependent, threads_);
    at_ = block.raw - block.skip;
  }
  std::string passed_by(kSkipBytes, '\0');
  while (at_ < block.raw) {
    take(std::span(passed_by).first(std::min<std::uint64_t>(kSkipBytes, block.raw - at_)));
  }
}

std::size_t PartSource::take(std::span<char> into) {
  const std::size_t n = unpacked_->read(into);
  if (n == 0) throw Corrupt(store_.location(key_) + ": ends before the rows that it should hold");
  at_ += n;
  return n;
}

pg::ArchiveHeader without_other_blocks(pg::ArchiveHeader header, const std::vector<int>& ids) {
  for (pg::TocEntry& entry : header.toc) {
    if (!entry.has_data) continue;
    const bool wanted = std::ranges::find(ids, entry.dump_id) != ids.end();
    entry.offset = {wanted ? pg::DataOffset::State::kNotSet : pg::DataOffset::State::kNoData, 0};
  }
  return header;
}

}  // namespace pgstow
