#include "base/kept_memory.h"

#include <malloc.h>

namespace pgstow {
namespace {

// mallopt(3). From this size on each block would be a mapping of its own; 32 MiB is the most that
// the library accepts.
constexpr int kOwnMapping = 32 << 20;
constexpr int kKept = 256 << 20;
constexpr int kDefaultKept = 128 << 10;

}  // namespace

KeptMemory::KeptMemory() {
  mallopt(M_MMAP_THRESHOLD, kOwnMapping);
  mallopt(M_TRIM_THRESHOLD, kKept);
}

KeptMemory::~KeptMemory() {
  mallopt(M_TRIM_THRESHOLD, kDefaultKept);
  static_cast<void>(malloc_trim(0));  // whether there was anything to give back
}

}  // namespace pgstow
