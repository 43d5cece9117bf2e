// For the tests of archives: golden files, small archives made by hand, and a visitor that records.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <source_location>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pg/archive.h"
#include "pg/archive_encoding.h"
#include "stream/stream.h"

namespace pgstow::pg::fixtures {

inline constexpr std::string_view kGoldens[] = {
    "pg15-z0-pipe.dump", "pg15-z0-file.dump", "pg15-z6-pipe.dump", "pg15-z6-file.dump",
    "pg15-root.dump",    "pg15-data.dump",    "pg15-inserts.dump",
};

inline std::filesystem::path golden_path(std::string_view name) {
  const std::filesystem::path here(std::source_location::current().file_name());
  return here.parent_path() / "testdata" / name;
}

inline std::string golden(std::string_view name) {
  std::ifstream in(golden_path(name), std::ios::binary);
  if (!in) throw std::runtime_error("no golden file " + std::string(name));
  return {std::istreambuf_iterator<char>(in), {}};
}

class StringSink final : public Sink {
 public:
  void write(std::string_view bytes) override { text += bytes; }
  void finish() override {}

  std::string text;
};

// Everything an archive holds, as values.
class Recorder final : public ArchiveVisitor {
 public:
  void on_header(const ArchiveHeader& archive_header) override { header = archive_header; }
  void on_block_begin(const TocEntry& entry) override {
    order.push_back(entry.dump_id);
    current_ = &blocks[entry.dump_id];
  }
  void on_large_object(std::uint32_t oid) override { current_ = &objects[oid]; }
  void on_bytes(std::string_view bytes) override { *current_ += bytes; }
  void on_block_end() override { current_ = nullptr; }

  ArchiveHeader header;
  std::vector<int> order;                        // of the blocks
  std::map<int, std::string> blocks;             // by dump id
  std::map<std::uint32_t, std::string> objects;  // by OID

 private:
  std::string* current_ = nullptr;
};

inline void parse(std::string_view archive, ArchiveVisitor& visitor, std::size_t piece = SIZE_MAX) {
  ArchiveParser parser(visitor);
  for (std::size_t at = 0; at < archive.size(); at += std::min(piece, archive.size() - at)) {
    parser.write(archive.substr(at, piece));
  }
  parser.finish();
}

inline Recorder record(std::string_view archive, std::size_t piece = SIZE_MAX) {
  Recorder recorder;
  parse(archive, recorder, piece);
  return recorder;
}

// A table "s.tN" with its data, N being the dump id.
inline TocEntry table_entry(int dump_id) {
  TocEntry entry;
  entry.dump_id = dump_id;
  entry.has_data = true;
  entry.table_oid = "0";
  entry.oid = std::to_string(16000 + dump_id);
  entry.tag = "t" + std::to_string(dump_id);
  entry.desc = "TABLE DATA";
  entry.section = Section::kData;
  entry.copy = "COPY s." + entry.tag + " (a) FROM stdin;\n";
  entry.schema = "s";
  entry.owner = "postgres";
  entry.with_oids = "false";
  entry.offset.state = DataOffset::State::kNotSet;
  return entry;
}

inline TocEntry blobs_entry(int dump_id) {
  TocEntry entry = table_entry(dump_id);
  entry.tag = entry.desc = "BLOBS";
  entry.copy = entry.schema = entry.owner = std::nullopt;
  return entry;
}

inline ArchiveHeader header_of(std::vector<TocEntry> toc, int minor = 14) {
  ArchiveHeader header;
  header.minor = minor;
  header.created = {1, 2, 3, 4, 5, 126, 0};
  header.database = "shop";
  header.server_version = "15.20";
  header.dump_version = "15.20";
  header.toc = std::move(toc);
  return header;
}

inline std::string number(int value) {
  std::string bytes;
  append_int(bytes, value);
  return bytes;
}

inline std::string chunks(const std::vector<std::string>& contents) {
  std::string bytes;
  for (const std::string& chunk : contents) {
    bytes += number(static_cast<int>(chunk.size())) + chunk;
  }
  return bytes + number(0);
}

inline std::string table_block(int dump_id, const std::vector<std::string>& contents) {
  return '\1' + number(dump_id) + chunks(contents);
}

}  // namespace pgstow::pg::fixtures
