// Rows of an archive into tables that are there, by one session and in its transaction.
#pragma once

#include <chrono>
#include <string>

#include "pg/archive.h"
#include "pg/connection.h"

namespace pgstow::pg {

// A visitor that loads each block of COPY text by the entry's COPY statement, as it comes. Errors
// name the table. Large objects are not for it. See Connection::copy_in about `stall`.
class RowWriter final : public ArchiveVisitor {
 public:
  RowWriter(Connection& session, std::chrono::milliseconds stall);

  void on_header(const ArchiveHeader& header) override;
  void on_block_begin(const TocEntry& entry) override;
  void on_large_object(std::uint32_t oid) override;
  void on_bytes(std::string_view bytes) override;
  void on_block_end() override;

  // What is being loaded; null between blocks.
  const TocEntry* current() const { return entry_; }

 private:
  Connection& session_;
  std::chrono::milliseconds stall_;
  const TocEntry* entry_ = nullptr;
  std::string text_;        // not sent yet: it may be the end marker
  std::uint64_t rows_ = 0;  // sent
};

}  // namespace pgstow::pg
