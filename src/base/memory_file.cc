#include "base/memory_file.h"

#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"

namespace pgstow {

Fd memory_file(std::string_view contents, std::uint64_t size) {
  Fd file(::memfd_create("pgstow", MFD_CLOEXEC));
  if (!file) throw_errno("a file in memory");
  write_all(file, contents, {}, "a file in memory");
  if (size > contents.size() && ::ftruncate(file.get(), static_cast<off_t>(size)) != 0) {
    throw_errno("a file in memory");
  }
  if (::lseek(file.get(), 0, SEEK_SET) != 0) throw_errno("a file in memory");
  return file;
}

}  // namespace pgstow
