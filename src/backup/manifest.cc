#include "backup/manifest.h"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "base/error.h"
#include "base/json.h"
#include "base/log_line.h"
#include "base/text.h"
#include "stream/sha256.h"

namespace pgstow {
namespace {

namespace json = boost::json;

constexpr std::string_view kSchema = "pgstow.manifest/1";

json::object stream_json(const StreamFacts& facts) {
  return {{"bytes", facts.bytes}, {"sha256", facts.sha256}};
}

StreamFacts parse_stream(const json::object& o, const std::string& name) {
  return {.bytes = get_uint(o, "bytes", name), .sha256 = get_string(o, "sha256", name)};
}

json::object globals_json(const GlobalsFacts& globals) {
  json::object o = stream_json(globals.stored);
  o["passwords"] = globals.passwords;
  return o;
}

// Nothing in manifests of versions that kept none.
std::optional<GlobalsFacts> parse_globals(const json::object& o, const std::string& name) {
  if (!o.contains("globals")) return std::nullopt;
  const json::object& globals = get_object(o, "globals", name);
  return GlobalsFacts{.stored = parse_stream(globals, name),
                      .passwords = get_bool(globals, "passwords", name)};
}

json::object proof_json(const pg::Proof& proof) {
  return {{"rows", proof.rows}, {"bytes", proof.bytes}, {"digest", pg::to_string(proof.digest)}};
}

pg::Proof parse_proof(const json::object& o, const std::string& name) {
  return {.rows = get_uint(o, "rows", name),
          .bytes = get_uint(o, "bytes", name),
          .digest = pg::parse_digest(get_string(o, "digest", name))};
}

json::array tables_json(const std::vector<TableProof>& tables) {
  json::array out;
  for (const TableProof& table : tables) {
    json::object o{{"schema", table.schema}, {"name", table.name}};
    for (const auto& member : proof_json(table.proof)) o[member.key()] = member.value();
    if (table.at) {
      o["at"] = {{"raw", table.at->raw},
                 {"bytes", table.at->bytes},
                 {"member", table.at->member},
                 {"skip", table.at->skip}};
    }
    out.push_back(std::move(o));
  }
  return out;
}

// Backups that were made before there was an index have none.
std::optional<RowsAt> parse_at(const json::object& table, const std::string& name) {
  if (!table.contains("at")) return std::nullopt;
  const json::object& o = get_object(table, "at", name);
  return RowsAt{.raw = get_uint(o, "raw", name),
                .bytes = get_uint(o, "bytes", name),
                .member = get_uint(o, "member", name),
                .skip = get_uint(o, "skip", name)};
}

std::vector<TableProof> parse_tables(const json::array& tables, const std::string& name) {
  std::vector<TableProof> out;
  for (const json::value& value : tables) {
    const json::object& o = as_object(value, name);
    out.push_back({.schema = get_string(o, "schema", name),
                   .name = get_string(o, "name", name),
                   .proof = parse_proof(o, name),
                   .at = parse_at(o, name)});
  }
  return out;
}

json::array strings_json(const std::vector<std::string>& strings) {
  return json::array(strings.begin(), strings.end());
}

std::vector<std::string> parse_strings(const json::array& array, const std::string& name) {
  std::vector<std::string> out;
  for (const json::value& value : array) {
    if (!value.is_string()) throw Corrupt(name + ": a warning is no text");
    out.emplace_back(value.get_string());
  }
  return out;
}

json::object settings_json(const pg::SessionSettings& settings) {
  json::object o;
  for (const auto& [name, value] : settings) o[name] = value;
  return o;
}

pg::SessionSettings parse_settings(const json::object& o, const std::string& name) {
  pg::SessionSettings settings;
  for (const auto& member : o) settings[member.key()] = get_string(o, member.key(), name);
  return settings;
}

Time parse_time(const std::string& text, const std::string& name) {
  const auto time = parse_rfc3339(text);
  if (!time) throw Corrupt(fmt::format("{}: \"{}\" is no RFC 3339 time", name, printable(text)));
  return *time;
}

json::object body(const Manifest& m) {
  json::object o{
      {"schema", kSchema},
      {"archive", m.archive},
      {"pgstow", m.pgstow_version},
      {"database", m.database},
      {"server",
       {{"version", m.server_version},
        {"version_number", m.server_version_number},
        {"system_identifier", m.system_identifier},
        {"encoding", m.encoding},
        {"standby", m.standby}}},
      {"snapshot", {{"time", m.snapshot_time_text}, {"lsn", m.snapshot_lsn}}},
      {"pg_dump", m.pg_dump_version},
      {"compression", m.compression},
      {"raw", stream_json(m.raw)},
      {"stored", stream_json(m.stored)},
      {"rows", m.rows()},
      {"tables", tables_json(m.tables)},
      {"large_objects", proof_json(m.large_objects)},
      {"settings", settings_json(m.settings)},
      {"warnings", strings_json(m.warnings)},
      {"started", rfc3339(m.started)},
      {"duration_ms", m.duration.count()},
  };
  if (m.globals) o["globals"] = globals_json(*m.globals);
  return o;
}

// The last two lines of the file, for the bytes before them.
std::string seal(std::string_view before) {
  Sha256 hash;
  hash.update(before);
  return fmt::format("  \"manifest_sha256\": \"{}\"\n}}\n", hash.finish());
}

}  // namespace

std::uint64_t Manifest::rows() const {
  std::uint64_t sum = 0;
  for (const TableProof& table : tables) sum += table.proof.rows;
  return sum;
}

std::string to_json(const Manifest& manifest) {
  std::string text = pretty(body(manifest));
  text.erase(text.rfind("\n}"));  // the closing brace comes after the seal
  text += ",\n";
  return text + seal(text);
}

Manifest parse_manifest(std::string_view text, const std::string& name) {
  const std::size_t at = text.rfind("  \"manifest_sha256\"");
  if (at == std::string_view::npos || text.substr(at) != seal(text.substr(0, at))) {
    throw Corrupt(name + ": its own checksum does not fit: it was damaged or edited");
  }
  const json::object o = parse_json_object(text, name);
  if (get_string(o, "schema", name) != kSchema) {
    throw Corrupt(
        fmt::format("{}: schema {}, not {}", name, get_string(o, "schema", name), kSchema),
        "a newer pgstow wrote it: use that version or a later one");
  }
  const json::object& server = get_object(o, "server", name);
  const json::object& snapshot = get_object(o, "snapshot", name);
  Manifest m;
  m.archive = get_string(o, "archive", name);
  m.pgstow_version = get_string(o, "pgstow", name);
  m.database = get_string(o, "database", name);
  m.server_version = get_string(server, "version", name);
  m.server_version_number = static_cast<int>(get_uint(server, "version_number", name));
  m.system_identifier = get_string(server, "system_identifier", name);
  m.encoding = get_string(server, "encoding", name);
  m.standby = get_bool(server, "standby", name);
  m.snapshot_time_text = get_string(snapshot, "time", name);
  m.snapshot_time = parse_time(m.snapshot_time_text, name);
  m.snapshot_lsn = get_string(snapshot, "lsn", name);
  m.pg_dump_version = get_string(o, "pg_dump", name);
  m.compression = get_string(o, "compression", name);
  m.raw = parse_stream(get_object(o, "raw", name), name);
  m.stored = parse_stream(get_object(o, "stored", name), name);
  m.tables = parse_tables(get_array(o, "tables", name), name);
  m.large_objects = parse_proof(get_object(o, "large_objects", name), name);
  m.settings = parse_settings(get_object(o, "settings", name), name);
  m.globals = parse_globals(o, name);
  m.warnings = parse_strings(get_array(o, "warnings", name), name);
  m.started = parse_time(get_string(o, "started", name), name);
  m.duration = std::chrono::milliseconds(get_uint(o, "duration_ms", name));
  return m;
}

std::vector<TableProof> table_proofs(const pg::ArchiveHeader& archive,
                                     const pg::ArchiveProof& proof,
                                     const std::map<int, RowsAt>& at) {
  std::vector<TableProof> tables;
  for (const pg::TocEntry& entry : archive.toc) {
    const auto found = proof.tables.find(entry.dump_id);
    if (entry.desc != "TABLE DATA" || found == proof.tables.end()) continue;
    const auto place = at.find(entry.dump_id);
    tables.push_back({.schema = entry.schema.value_or(""),
                      .name = entry.tag,
                      .proof = found->second,
                      .at = place == at.end() ? std::nullopt : std::optional(place->second)});
  }
  return tables;
}

std::optional<std::map<int, const TableProof*>> tables_by_id(const Manifest& manifest,
                                                             const pg::ArchiveHeader& archive) {
  // Names that are no UTF-8 are in the manifest as JSON can say them.
  const auto is_about = [](const TableProof& table, const pg::TocEntry& entry) {
    return json_string(table.schema) == json_string(entry.schema.value_or("")) &&
           json_string(table.name) == json_string(entry.tag);
  };
  std::map<int, const TableProof*> tables;
  std::size_t next = 0;
  for (const pg::TocEntry& entry : archive.toc) {
    if (entry.desc != "TABLE DATA") continue;
    if (next == manifest.tables.size() || !is_about(manifest.tables[next], entry)) return {};
    tables.emplace(entry.dump_id, &manifest.tables[next++]);
  }
  if (next != manifest.tables.size()) return {};
  return tables;
}

}  // namespace pgstow
