// One block of bytes as one zstd frame (RFC 8878) that says how long it is.
//
// As pzstd does it: in front of each frame stands a skippable frame of 12 bytes (magic 0x184D2A50,
// size 4, then the size of the frame that follows, all u32 little-endian), so that a reader can
// find the frames without decompressing them. Every frame holds its content size and a checksum.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "stream/decoder.h"

namespace pgstow {

// The announcement and the frame of one block of at most kMaxBlockBytes (gzip.h); level 1 to 19.
std::string zstd_frame(std::string_view block, int level);

struct FrameInfo {
  std::size_t compressed_bytes;  // announcement included
  std::size_t raw_bytes;
};

// How much of a frame frame_info() looks at, at most.
inline constexpr std::size_t kFrameHeaderBytes = 12 + 18;

// What an announced frame says of itself; nothing when it is not announced, does not hold its
// content size (pzstd's own frames), or claims more than kMaxAnnouncedBytes. The answer is a claim.
std::optional<FrameInfo> frame_info(std::string_view start_of_frame);

// Whether the announcement of a frame starts here.
bool announces_frame(std::string_view start);

// Whether a frame, announced or not, starts here; looks at 16 bytes. Other skippable frames are
// refused: a flipped bit in the size of one would hide what follows.
bool starts_zstd(std::string_view start);

// Decompresses an announced frame that must fill `frame` and give exactly `raw_bytes`; throws
// Corrupt otherwise. May be called by several threads at once.
std::string decompress_frame(std::string_view frame, std::size_t raw_bytes);

// Decompresses one frame of any length; `announced` when its announcement stands before it.
std::unique_ptr<StreamDecoder> open_zstd(bool announced);

}  // namespace pgstow
