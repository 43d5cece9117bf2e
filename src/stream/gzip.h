// One block of bytes as one gzip member (RFC 1952) that says how long it is.
//
// A file of such members is an ordinary gzip file: gunzip reads it. Because each member announces
// its sizes in an extra field, a reader can find the members without inflating them, and inflate
// many at once. Layout (numbers are little-endian):
//
//    0  1f 8b 08 04             gzip, deflate, FEXTRA and no other flag
//    4  00 00 00 00 00 ff       no time, no XFL, operating system unknown
//   10  0d 00                   length of the extra field: 13
//   12  'P' 'S' 09 00           our subfield, 9 bytes
//   16  u32                     bytes of the whole member, header and trailer included
//   20  u32                     bytes of the block
//   24  u8                      who made it: 1 ISA-L, 2 libdeflate
//   25  deflate data, then u32 CRC-32 and u32 size of the block
//
// The same block need not give the same bytes on another machine: ISA-L's output depends on the
// CPU.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pgstow {

inline constexpr std::size_t kMaxBlockBytes = std::size_t{16} << 20;
// What a reader believes a member that announces its sizes; anything above is read as a stream.
inline constexpr std::size_t kMaxAnnouncedBytes = std::size_t{64} << 20;

// Compresses at most kMaxBlockBytes; levels 1 to 3 by ISA-L, 4 to 12 by libdeflate.
std::string gzip_member(std::string_view block, int level);

struct MemberInfo {
  enum class Encoder : std::uint8_t { kIsal = 1, kLibdeflate = 2 };
  std::size_t compressed_bytes;  // of the whole member
  std::size_t raw_bytes;
  Encoder encoder;
};

// How much of a member member_info() looks at.
inline constexpr std::size_t kMemberHeaderBytes = 25;

// What a member announces; nothing when it is no member of ours, when the start is shorter than
// kMemberHeaderBytes, or when the sizes are beyond what we write or deflate can do. The answer is a
// claim: only inflating proves it.
std::optional<MemberInfo> member_info(std::string_view start_of_member);

}  // namespace pgstow
