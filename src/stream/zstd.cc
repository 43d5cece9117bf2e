#include "stream/zstd.h"

#include <fmt/format.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <cassert>

#include "base/error.h"
#include "stream/gzip.h"
#include "stream/little_endian.h"

namespace pgstow {
namespace {

constexpr std::string_view kFrameMagic("\x28\xb5\x2f\xfd", 4);
constexpr std::string_view kAnnouncement("\x50\x2a\x4d\x18\x04\0\0\0", 8);  // then the size
constexpr std::size_t kAnnouncementBytes = 12;

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const noexcept { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const noexcept { ZSTD_freeDCtx(context); }
};

std::size_t checked(std::size_t status) {
  if (ZSTD_isError(status) != 0) throw Error(fmt::format("zstd: {}", ZSTD_getErrorName(status)));
  return status;
}

[[noreturn]] void throw_damaged(std::size_t status) {
  switch (ZSTD_getErrorCode(status)) {
    case ZSTD_error_memory_allocation:
      throw Error("zstd: out of memory");
    case ZSTD_error_checksum_wrong:
      throw Corrupt("checksum mismatch");
    case ZSTD_error_frameParameter_windowTooLarge:
      throw Corrupt("its window is larger than 128 MiB",
                    "decompress it with `zstd -d --long=31` first");
    case ZSTD_error_dstSize_tooSmall:
    case ZSTD_error_srcSize_wrong:
      throw Corrupt("its size is not what it announces");
    default:
      throw Corrupt("damaged data");
  }
}

class ZstdStream : public StreamDecoder {
 public:
  explicit ZstdStream(bool announced) : context_(ZSTD_createDCtx()), announced_(announced) {
    if (!context_) throw Error("zstd: out of memory");
  }

  Step step(std::string_view in, std::span<char> out) override {
    ZSTD_inBuffer from{in.data(), in.size(), 0};
    ZSTD_outBuffer to{out.data(), out.size(), 0};
    const std::size_t status = ZSTD_decompressStream(context_.get(), &to, &from);
    if (ZSTD_isError(status) != 0) throw_damaged(status);
    // To zstd the announcement is a frame of its own, which ends before the one that we are to
    // read.
    const bool finished = status == 0 && !announced_;
    if (status == 0) announced_ = false;
    return {from.pos, to.pos, finished};
  }

 private:
  std::unique_ptr<ZSTD_DCtx, FreeContext> context_;
  bool announced_;
};

}  // namespace

std::string zstd_frame(std::string_view block, int level) {
  assert(block.size() <= kMaxBlockBytes && level >= 1 && level <= 19);
  const std::unique_ptr<ZSTD_CCtx, FreeContext> context(ZSTD_createCCtx());
  if (!context) throw Error("zstd: out of memory");
  checked(ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, level));
  checked(ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1));

  std::string frame(kAnnouncement);
  frame.resize(kAnnouncementBytes + ZSTD_compressBound(block.size()));
  const std::size_t bytes =
      checked(ZSTD_compress2(context.get(), frame.data() + kAnnouncementBytes,
                             frame.size() - kAnnouncementBytes, block.data(), block.size()));
  put_u32(frame, kAnnouncement.size(), static_cast<std::uint32_t>(bytes));
  frame.resize(kAnnouncementBytes + bytes);
  return frame;
}

bool announces_frame(std::string_view start) { return start.starts_with(kAnnouncement); }

bool starts_zstd(std::string_view start) {
  const std::size_t at = announces_frame(start) ? kAnnouncementBytes : 0;
  return start.size() > at && start.substr(at).starts_with(kFrameMagic);
}

std::optional<FrameInfo> frame_info(std::string_view start_of_frame) {
  if (!announces_frame(start_of_frame) || !starts_zstd(start_of_frame)) return std::nullopt;
  const std::string_view frame = start_of_frame.substr(kAnnouncementBytes);
  // The sentinels for "unknown" and "no header" are beyond the limit, too.
  const unsigned long long raw_bytes = ZSTD_getFrameContentSize(frame.data(), frame.size());
  const std::size_t compressed_bytes = get_u32(start_of_frame, kAnnouncement.size());
  if (raw_bytes > kMaxAnnouncedBytes || compressed_bytes > kMaxAnnouncedBytes) return std::nullopt;
  if (compressed_bytes > ZSTD_compressBound(raw_bytes) + kFrameHeaderBytes) return std::nullopt;
  return FrameInfo{kAnnouncementBytes + compressed_bytes, raw_bytes};
}

std::string decompress_frame(std::string_view frame, std::size_t raw_bytes) {
  frame.remove_prefix(std::min(frame.size(), kAnnouncementBytes));
  // ZSTD_decompress() takes several frames at once; here exactly one may stand.
  const std::size_t bytes = ZSTD_findFrameCompressedSize(frame.data(), frame.size());
  if (ZSTD_isError(bytes) != 0) throw_damaged(bytes);
  if (bytes != frame.size()) throw Corrupt("its size is not what it announces");
  std::string raw(raw_bytes, '\0');
  const std::size_t produced = ZSTD_decompress(raw.data(), raw.size(), frame.data(), frame.size());
  if (ZSTD_isError(produced) != 0) throw_damaged(produced);
  if (produced != raw_bytes) throw Corrupt("its size is not what it announces");
  return raw;
}

std::unique_ptr<StreamDecoder> open_zstd(bool announced) {
  return std::make_unique<ZstdStream>(announced);
}

}  // namespace pgstow
