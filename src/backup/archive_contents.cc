#include "backup/archive_contents.h"

#include <memory>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "pg/archive_header.h"
#include "stream/unpack.h"

namespace pgstow {
namespace {

constexpr std::size_t kReadBytes = std::size_t{1} << 16;

}  // namespace

pg::ArchiveHeader read_archive_header(Store& store, const std::string& key,
                                      const Context& context) {
  const std::unique_ptr<Source> object = store.open(key);
  try {
    const std::unique_ptr<Source> raw = open_unpacked(*object, Decoder::kFast, 0);
    pg::HeaderDecoder decoder;
    std::vector<char> buffer(kReadBytes);
    while (!decoder.done()) {
      check_stop(context.stop);
      const std::size_t n = raw->read(buffer);
      if (n == 0) throw Corrupt("ends within its table of contents");
      decoder.add({buffer.data(), n});
    }
    return decoder.take();
  } catch (Corrupt& e) {
    e.within(store.location(key));
    throw;
  }
}

}  // namespace pgstow
