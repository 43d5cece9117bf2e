#include "pg/archive_encoding.h"

#include <string_view>

#include "pg/archive.h"

namespace pgstow::pg {

void append_int(std::string& to, int value) {
  const auto bits = static_cast<std::uint32_t>(value);
  to += static_cast<char>(value < 0 ? 1 : 0);
  std::uint32_t magnitude = value < 0 ? 0U - bits : bits;
  for (std::size_t i = 1; i < kIntSize; ++i, magnitude >>= 8) {
    to += static_cast<char>(magnitude & 0xff);
  }
}

namespace {

void append_text(std::string& to, std::string_view text) {
  append_int(to, static_cast<int>(text.size()));
  to += text;
}

void append_text(std::string& to, const OptionalText& text) {
  if (text) {
    append_text(to, std::string_view(*text));
  } else {
    append_int(to, -1);
  }
}

void append_offset(std::string& to, const DataOffset& offset) {
  to += static_cast<char>(offset.state);
  std::uint64_t position = offset.position;
  for (int i = 0; i < 8; ++i, position >>= 8) to += static_cast<char>(position & 0xff);
}

void append_entry(std::string& to, const TocEntry& entry, int minor, TocTime time) {
  append_int(to, entry.dump_id);
  append_int(to, entry.has_data ? 1 : 0);
  for (const std::string* text : {&entry.table_oid, &entry.oid, &entry.tag, &entry.desc}) {
    append_text(to, std::string_view(*text));
  }
  append_int(to, static_cast<int>(entry.section));
  if (time == TocTime::kFirst || entry.desc != "STATISTICS DATA") append_text(to, entry.defn);
  for (const OptionalText* text :
       {&entry.drop, &entry.copy, &entry.schema, &entry.tablespace, &entry.table_am}) {
    append_text(to, *text);
  }
  if (minor >= 16) append_int(to, entry.relkind);
  append_text(to, entry.owner);
  append_text(to, entry.with_oids);
  for (const std::string& id : entry.dependencies) append_text(to, std::string_view(id));
  append_text(to, OptionalText());
  append_offset(to, entry.offset);
}

}  // namespace

std::string encode_header(const ArchiveHeader& header) {
  std::string out = "PGDMP";
  for (const int byte : {1, header.minor, 0, 4, 8, 1}) out += static_cast<char>(byte);
  if (header.minor >= 15) {
    out += static_cast<char>(header.compression);
  } else {
    append_int(out, header.compression);
  }
  for (const int part : header.created) append_int(out, part);
  append_text(out, std::string_view(header.database));
  append_text(out, std::string_view(header.server_version));
  append_text(out, std::string_view(header.dump_version));
  out += encode_toc(header);
  return out;
}

std::string encode_toc(const ArchiveHeader& header, TocTime time) {
  std::string out;
  append_int(out, static_cast<int>(header.toc.size()));
  for (const TocEntry& entry : header.toc) append_entry(out, entry, header.minor, time);
  return out;
}

}  // namespace pgstow::pg
