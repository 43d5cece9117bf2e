#include "backup/archive_contents.h"

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "stream/unpack.h"

namespace pgstow {
namespace {

constexpr std::size_t kReadBytes = std::size_t{1} << 16;

class HeaderTaker final : public pg::ArchiveVisitor {
 public:
  void on_header(const pg::ArchiveHeader& header) override { header_ = header; }
  void on_block_begin(const pg::TocEntry&) override {}
  void on_large_object(std::uint32_t) override {}
  void on_bytes(std::string_view) override {}
  void on_block_end() override {}

  bool has_it() const { return header_.has_value(); }
  pg::ArchiveHeader take() { return *std::move(header_); }

 private:
  std::optional<pg::ArchiveHeader> header_;
};

}  // namespace

pg::ArchiveHeader read_archive_header(Store& store, const std::string& key,
                                      const Context& context) {
  const std::unique_ptr<Source> object = store.open(key);
  const std::unique_ptr<Source> raw = open_unpacked(*object, Decoder::kFast, 1);
  HeaderTaker taker;
  pg::ArchiveParser parser(taker);
  std::vector<char> buffer(kReadBytes);
  while (!taker.has_it()) {
    check_stop(context.stop);
    const std::size_t n = raw->read(buffer);
    if (n == 0) throw Corrupt(store.location(key) + ": ends within its table of contents");
    parser.write({buffer.data(), n});
  }
  return taker.take();
}

}  // namespace pgstow
