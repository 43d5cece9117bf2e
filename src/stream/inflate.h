// Inflating gzip members, by the library of the caller's choice.
//
// Three libraries are at hand so that a backup can be verified by another one than wrote it. Each
// checks header, CRC-32 and size itself. All functions may be called by several threads at once.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "stream/decoder.h"

namespace pgstow {

enum class Inflater { kIsal, kLibdeflate, kZlib };

// The fastest one that is right on this machine; it can decode streams.
Inflater fast_inflater();

// Inflates a member that must fill `member` to its last byte and give exactly `raw_bytes`; throws
// Corrupt otherwise. At most kMaxAnnouncedBytes each.
std::string inflate_member(std::string_view member, std::size_t raw_bytes, Inflater inflater);

// Inflates one member of any length; not by libdeflate, which knows no streams.
std::unique_ptr<StreamDecoder> open_inflate(Inflater inflater);

}  // namespace pgstow
