// Measures how far a dump is, against the sizes the server gave for its tables.
#pragma once

#include <map>
#include <string>

#include "backup/progress.h"
#include "pg/archive.h"
#include "pg/server.h"

namespace pgstow {

// A visitor between the others: passes everything on and keeps the state up to date.
class Meter final : public pg::ArchiveVisitor {
 public:
  Meter(std::string phase, std::map<std::string, pg::TableSize> sizes, pg::ArchiveVisitor* next);

  void on_header(const pg::ArchiveHeader& header) override;
  void on_block_begin(const pg::TocEntry& entry) override;
  void on_large_object(std::uint32_t oid) override;
  void on_bytes(std::string_view bytes) override;
  void on_framed(pg::FramedRows rows) override;
  void on_block_end() override;

  ProgressState state() const;

 private:
  void count(std::uint64_t bytes);
  double weight(const pg::TocEntry& entry) const;

  std::map<std::string, pg::TableSize> sizes_;  // by the table's OID
  pg::ArchiveVisitor* next_;
  ProgressState state_;
  double total_ = 0;
  double object_blocks_ = 1;  // that share the large objects' size
  double done_ = 0;
  double current_ = 0;  // weight of the block being read
  std::uint64_t block_bytes_ = 0;
};

}  // namespace pgstow
