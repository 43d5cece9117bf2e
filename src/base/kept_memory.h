// Freed memory that is kept for the next block of its kind.
#pragma once

namespace pgstow {

// While it lives, the C library keeps freed blocks, whatever their size, instead of giving them
// back to the system: to get them again, cleared page by page, costs more than compressing them.
// Its end gives back what is free then. For the whole process.
class KeptMemory {
 public:
  KeptMemory();
  KeptMemory(const KeptMemory&) = delete;
  KeptMemory& operator=(const KeptMemory&) = delete;
  ~KeptMemory();
};

}  // namespace pgstow
