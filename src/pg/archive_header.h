// Decodes an archive's header and table of contents from pieces of any size.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "pg/archive.h"

namespace pgstow::pg {

// Goes on item by item: what has been decoded is never looked at again, so that a table of contents
// in small pieces costs no more than one in a single piece. Memory grows with the bytes that came,
// never with the numbers they claim.
class HeaderDecoder {
 public:
  // Takes bytes from the front and returns how many it used; fewer than all once the header is
  // done. Throws Corrupt or, for an archive of another version or format, Error.
  std::size_t add(std::string_view bytes);

  bool done() const { return stage_ == Stage::kDone; }
  std::uint64_t position() const { return dropped_ + at_; }
  ArchiveHeader take() { return std::move(header_); }  // once, when done

 private:
  enum class Stage { kPrefix, kFields, kEntries, kDone };
  enum class Item { kShort, kSame, kNext };  // bytes lack; the same item again; the next one
  using Step = Item (HeaderDecoder::*)();

  bool step();
  bool run(const Step* steps, std::size_t count);
  bool prefix();
  void check_versions(std::string_view prefix);
  void end_entry();

  Item compression();
  Item created();
  Item count();
  Item dump_id();
  Item has_data();
  Item section();
  Item relkind();
  Item dependency();
  Item offset();
  template <std::string ArchiveHeader::* Field>
  Item header_text();
  template <std::string TocEntry::* Field>
  Item required_text();
  template <OptionalText TocEntry::* Field>
  Item optional_text();

  std::optional<int> number();
  std::optional<OptionalText> text();
  std::string_view rest() const { return std::string_view(pending_).substr(at_); }
  [[noreturn]] void corrupt(std::string_view cause) const;

  static const std::array<Step, 6> kFieldSteps;
  static const std::array<Step, 18> kEntrySteps;

  ArchiveHeader header_;
  Stage stage_ = Stage::kPrefix;
  std::size_t item_ = 0;  // the step that comes next in this stage
  std::size_t part_ = 0;  // of created
  int entries_left_ = 0;
  std::unordered_set<int> ids_;
  std::string pending_;  // bytes that came; those before at_ are decoded
  std::size_t at_ = 0;
  std::uint64_t dropped_ = 0;  // bytes that stood before pending_
};

}  // namespace pgstow::pg
