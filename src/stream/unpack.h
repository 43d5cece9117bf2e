// Reading a backup back, however it was compressed and by whomever.
#pragma once

#include <memory>

#include "stream/stream.h"

namespace pgstow {

enum class Decoder {
  kFast,         // the fastest library
  kIndependent,  // another library than the one that compressed: what `verify` reads with
};

// The decompressed stream of `packed`, which is gzip (of any number of members, made by any
// program), zstd (frames, likewise), or a bare custom-format archive ("PGDMP"), passed on as it is.
// Members made by Packer are inflated by `workers` threads, several ahead; with 0, one when it is
// asked for, for who reads only the beginning. All others are inflated as a stream, by the thread
// that reads.
//
// Opening reads the first bytes. Opening and reading throw Corrupt, naming the offset of the member
// in `packed`, for anything but complete, sound members up to the very end of `packed`; zero bytes
// behind the last member, as tape padding leaves them, are refused as well. A file made by Packer
// that was cut between two members is found out by its missing end mark (pack.h).
//
// Memory: the members in flight hold at most 64 MiB (or one member more), whatever they announce.
// `packed` is lent until the result is destroyed, and only used by the thread that reads.
std::unique_ptr<Source> open_unpacked(Source& packed, Decoder decoder, unsigned workers);

}  // namespace pgstow
