// Compression of a stream on several threads.
//
// The stream is cut into blocks; each becomes a gzip member or zstd frame of its own (gzip.h,
// zstd.h). The last one is always empty: it is the end mark, by which open_unpacked() (unpack.h)
// knows a whole file from one cut between two members. To gunzip and zstd it is just an empty
// member.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "stream/compression.h"
#include "stream/ordered.h"
#include "stream/sha256.h"
#include "stream/stream.h"

namespace pgstow {

// At most kMaxBlockBytes (gzip.h) as one gzip member or announced zstd frame. Any thread.
std::string pack_block(std::string_view raw, const Compression& compression);

// A place in the stream, and where to begin reading to come to it: at the member, or frame, that
// holds it.
struct Mark {
  std::uint64_t at = 0;             // bytes of the stream before it
  std::uint64_t member_at = 0;      // bytes of the stream before its member
  std::uint64_t member_stored = 0;  // bytes written before its member
};

// Holds up to 2 * workers + 2 blocks. `to` is only used by the thread that calls write() and
// finish().
class Packer : public Sink {
 public:
  Packer(Sink& to, Compression compression, unsigned workers,
         std::size_t block_bytes = std::size_t{1} << 20);

  void write(std::string_view bytes) override;
  // The same, as a block of its own where it is at least half as large as others: then nothing is
  // copied. At most kMaxBlockBytes (gzip.h).
  void write_block(std::string block);
  void finish() override;

  // Remembers the place where the next byte goes. There has to be one.
  void mark() { unplaced_.push_back(bytes_in_); }
  // In the order in which they were made; after finish().
  const std::vector<Mark>& marks() const { return marks_; }

  // What was taken, uncompressed: its length, and after finish() its SHA-256 in hex.
  std::uint64_t bytes_in() const { return bytes_in_; }
  const std::string& digest_in() const { return digest_in_; }

 private:
  void count(std::string_view bytes);
  void submit_open_block();
  void submit(std::string block);
  void write_next();
  void write_member(std::string_view packed, std::size_t raw_bytes);

  Sink& to_;
  const Compression compression_;
  const std::size_t block_bytes_;
  const std::size_t most_pending_;
  std::uint64_t bytes_in_ = 0;
  Sha256 hash_in_;
  std::string digest_in_;
  std::string block_;                   // what does not fill a block yet
  std::deque<std::uint64_t> unplaced_;  // marks whose member is not written yet
  std::vector<Mark> marks_;
  std::uint64_t raw_written_ = 0;  // of the stream, in the members that are written
  std::uint64_t stored_ = 0;
  std::deque<std::size_t> raw_pending_;  // of the blocks on the stage
  Ordered<std::string> stage_;
};

}  // namespace pgstow
