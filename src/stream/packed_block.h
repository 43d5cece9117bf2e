// A piece of a stream together with its compressed form.
#pragma once

#include <string>
#include <string_view>

#include "stream/compression.h"

namespace pgstow {

struct PackedBlock {
  std::string raw;
  std::string packed;  // pack_block(raw)
};

// At most kMaxBlockBytes (gzip.h) as one gzip member or announced zstd frame. Any thread.
std::string pack_block(std::string_view raw, const Compression& compression);

}  // namespace pgstow
