// Some blocks of a stored archive, as an archive of its own: read without the rest.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "backup/manifest.h"
#include "pg/archive.h"
#include "store/store.h"
#include "stream/stream.h"

namespace pgstow {

// The bytes of an archive: `header`, and of the stored object the blocks that lie at `blocks`, in
// the archive's order. Entries of the header whose block is not among them must say that they have
// no data (without_other_blocks()). Blocks that lie near each other are read in one go, others from
// the member that each begins in. Throws Corrupt where the object's members are damaged, or end too
// soon; whether these are the blocks of these entries is for the reader of the archive to see.
class PartSource final : public Source {
 public:
  PartSource(Store& store, std::string key, const pg::ArchiveHeader& header,
             std::vector<RowsAt> blocks, unsigned threads);

  std::size_t read(std::span<char> into) override;

  // How much all of it is.
  std::uint64_t size() const { return size_; }

 private:
  void go_to(const RowsAt& block);
  std::size_t take(std::span<char> into);

  Store& store_;
  std::string key_;
  unsigned threads_;
  std::string header_;
  std::size_t header_given_ = 0;
  std::vector<RowsAt> blocks_;
  std::size_t next_ = 0;    // the block to come to
  std::uint64_t left_ = 0;  // bytes of the block being read
  std::uint64_t size_ = 0;
  std::uint64_t at_ = 0;  // of the archive: what unpacked_ gives next
  std::unique_ptr<Source> object_;
  std::unique_ptr<Source> unpacked_;  // of object_
};

// The archive's header as that of a part, which has the data of these entries only.
pg::ArchiveHeader without_other_blocks(pg::ArchiveHeader header, const std::vector<int>& ids);

}  // namespace pgstow
