#include "stream/gzip.h"

#include <fmt/format.h>
#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>
#include <libdeflate.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <memory>
#include <vector>

#include "base/error.h"
#include "stream/little_endian.h"

namespace pgstow {
namespace {

using Encoder = MemberInfo::Encoder;

constexpr std::string_view kFixedHeader("\x1f\x8b\x08\x04\0\0\0\0\0\xff\x0d\0PS\x09\0", 16);
constexpr std::size_t kCompressedAt = 16;
constexpr std::size_t kRawAt = 20;
constexpr std::size_t kEncoderAt = 24;
constexpr std::size_t kTrailerBytes = 8;
constexpr int kLastIsalLevel = 3;

constexpr std::array<std::size_t, kLastIsalLevel + 1> kLevelBufferBytes{
    ISAL_DEF_LVL0_DEFAULT, ISAL_DEF_LVL1_DEFAULT, ISAL_DEF_LVL2_DEFAULT, ISAL_DEF_LVL3_DEFAULT};

// ISA-L's functions take pointers to non-const, and write nothing there.
std::uint8_t* lent(std::string_view bytes) {
  return reinterpret_cast<std::uint8_t*>(const_cast<char*>(bytes.data()));
}

// What a thread keeps from one member to the next: a megabyte and a half that would be asked for,
// zeroed and given back each time. It goes with the thread.
class Encoders {
 public:
  static Encoders& of_this_thread() {
    static thread_local Encoders encoders;
    return encoders;
  }

  // Append the deflate data of the block and return its CRC.
  std::uint32_t append_isal(std::string& out, std::string_view block, int level);
  std::uint32_t append_libdeflate(std::string& out, std::string_view block, int level);

 private:
  void reserve(std::size_t bytes);
  isal_zstream& isal(int level);
  libdeflate_compressor* libdeflate(int level);

  struct FreeCompressor {
    void operator()(libdeflate_compressor* c) const noexcept { libdeflate_free_compressor(c); }
  };

  std::unique_ptr<isal_zstream> isal_;
  std::vector<std::uint8_t> isal_buffer_;  // as long as its level's
  std::unique_ptr<libdeflate_compressor, FreeCompressor> libdeflate_;
  int libdeflate_level_ = 0;
  std::unique_ptr<std::uint8_t[]> out_;
  std::size_t out_bytes_ = 0;
};

// Keeps what is there.
void Encoders::reserve(std::size_t bytes) {
  if (bytes <= out_bytes_) return;
  auto larger = std::make_unique_for_overwrite<std::uint8_t[]>(bytes);
  std::copy_n(out_.get(), out_bytes_, larger.get());
  out_ = std::move(larger);
  out_bytes_ = bytes;
}

// isal_deflate_init() leaves next_in and avail_in alone.
isal_zstream& Encoders::isal(int level) {
  if (!isal_) isal_ = std::make_unique<isal_zstream>();
  isal_buffer_.resize(kLevelBufferBytes.at(static_cast<std::size_t>(level)));
  isal_deflate_init(isal_.get());
  isal_->level = static_cast<std::uint32_t>(level);
  isal_->level_buf = isal_buffer_.data();
  isal_->level_buf_size = static_cast<std::uint32_t>(isal_buffer_.size());
  isal_->end_of_stream = 1;
  return *isal_;
}

std::uint32_t Encoders::append_isal(std::string& out, std::string_view block, int level) {
  isal_zstream& stream = isal(level);
  stream.next_in = lent(block);
  stream.avail_in = static_cast<std::uint32_t>(block.size());
  std::size_t used = 0;
  while (stream.internal_state.state != ZSTATE_END) {
    // ISA-L promises no bound for incompressible blocks: grow until it is content.
    if (used == 0 || used == out_bytes_) reserve(used + block.size() + block.size() / 16 + 1024);
    stream.next_out = out_.get() + used;
    stream.avail_out = static_cast<std::uint32_t>(out_bytes_ - used);
    const int status = isal_deflate(&stream);
    if (status != COMP_OK) throw Error(fmt::format("gzip: isa-l: status {}", status));
    used = out_bytes_ - stream.avail_out;
  }
  out.append(reinterpret_cast<const char*>(out_.get()), used);
  return crc32_gzip_refl(0, lent(block), block.size());
}

libdeflate_compressor* Encoders::libdeflate(int level) {
  if (!libdeflate_ || libdeflate_level_ != level) {
    libdeflate_.reset(libdeflate_alloc_compressor(level));
    if (!libdeflate_) throw Error("gzip: libdeflate: out of memory");
    libdeflate_level_ = level;
  }
  return libdeflate_.get();
}

std::uint32_t Encoders::append_libdeflate(std::string& out, std::string_view block, int level) {
  libdeflate_compressor* const compressor = libdeflate(level);
  reserve(libdeflate_deflate_compress_bound(compressor, block.size()));
  const std::size_t used =
      libdeflate_deflate_compress(compressor, block.data(), block.size(), out_.get(), out_bytes_);
  if (used == 0) throw Error("gzip: libdeflate: the block did not fit its bound");
  out.append(reinterpret_cast<const char*>(out_.get()), used);
  return libdeflate_crc32(0, block.data(), block.size());
}

// Deflate grows nothing by more than a few bytes in a thousand and shrinks nothing by more than
// 1032; a member that claims otherwise wants to make its reader reserve memory.
bool plausible(const MemberInfo& info) {
  return info.compressed_bytes <= kMaxAnnouncedBytes && info.raw_bytes <= kMaxAnnouncedBytes &&
         info.compressed_bytes > kMemberHeaderBytes + kTrailerBytes &&
         info.compressed_bytes <= info.raw_bytes + info.raw_bytes / 8 + 4096 &&
         info.raw_bytes <= info.compressed_bytes * 1032;
}

}  // namespace

std::string gzip_member(std::string_view block, int level) {
  assert(block.size() <= kMaxBlockBytes && level >= 1 && level <= 12);
  const bool isal = level <= kLastIsalLevel;
  std::string member(kFixedHeader);
  member.resize(kMemberHeaderBytes);
  Encoders& encoders = Encoders::of_this_thread();
  const std::uint32_t crc = isal ? encoders.append_isal(member, block, level)
                                 : encoders.append_libdeflate(member, block, level);

  const std::size_t trailer = member.size();
  const auto raw_bytes = static_cast<std::uint32_t>(block.size());
  member.resize(trailer + kTrailerBytes);
  put_u32(member, trailer, crc);
  put_u32(member, trailer + 4, raw_bytes);
  put_u32(member, kCompressedAt, static_cast<std::uint32_t>(member.size()));
  put_u32(member, kRawAt, raw_bytes);
  member[kEncoderAt] = static_cast<char>(isal ? Encoder::kIsal : Encoder::kLibdeflate);
  return member;
}

std::optional<MemberInfo> member_info(std::string_view start_of_member) {
  if (start_of_member.size() < kMemberHeaderBytes || !start_of_member.starts_with(kFixedHeader))
    return std::nullopt;
  const auto encoder = static_cast<Encoder>(start_of_member[kEncoderAt]);
  if (encoder != Encoder::kIsal && encoder != Encoder::kLibdeflate) return std::nullopt;
  const MemberInfo info{get_u32(start_of_member, kCompressedAt), get_u32(start_of_member, kRawAt),
                        encoder};
  if (!plausible(info)) return std::nullopt;
  return info;
}

}  // namespace pgstow
