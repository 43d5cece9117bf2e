// pgstow list
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/commands.h"

namespace pgstow::cli {
namespace {

constexpr std::size_t kColumns = 8;
using Row = std::array<std::string, kColumns>;

// Columns in UTF-8 are padded by characters, not bytes.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string age(Time then, Time now) {
  return now < then ? "in the future" : human_duration(now - then);
}

std::string state(const Backup& backup, Time now) {
  if (backup.state() != "verified") return backup.state();
  return fmt::format("verified {} ago", age(backup.verification->time, now));
}

// "local s3", with what is wrong with a copy that is not as good as the first one.
std::string where(const Backup& backup) {
  std::string text;
  for (const Copy& copy : backup.copies) {
    if (!text.empty()) text += ' ';
    text += copy.store->name();
    const bool worse = copy.state == "damaged" || copy.state == "no proof";
    if (worse && copy.state != backup.state()) text += "(" + copy.state + ")";
  }
  return text;
}

Row row_of(std::size_t number, const Backup& backup, Time now) {
  return {std::to_string(number),
          backup.key,
          age(backup.time, now),
          human_bytes(backup.bytes),
          backup.manifest ? human_count(backup.manifest->rows()) : "?",
          backup.manifest ? printable(backup.manifest->database) : "?",
          where(backup),
          state(backup, now)};
}

std::string layout(const std::vector<Row>& rows) {
  std::array<std::size_t, kColumns> widths{};
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < kColumns; ++i) widths[i] = std::max(widths[i], width(row[i]));
  }
  constexpr std::array<bool, kColumns> kRight{true, false, true, true, true, false, false, false};
  std::string out;
  for (const Row& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < kColumns; ++i) {
      const std::string padding(widths[i] - width(row[i]), ' ');
      line += (i == 0 ? "" : "  ") + (kRight[i] ? padding + row[i] : row[i] + padding);
    }
    out += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return out;
}

boost::json::object json_of(const Backup& backup) {
  boost::json::array stores;
  boost::json::array copies;
  for (const Copy& copy : backup.copies) {
    stores.emplace_back(copy.store->name());
    copies.push_back({{"store", copy.store->name()},
                      {"location", copy.store->location(backup.key)},
                      {"state", copy.state}});
  }
  boost::json::object o{{"name", backup.key},
                        {"location", backup.store().location(backup.key)},
                        {"stores", stores},
                        {"copies", copies},
                        {"time", rfc3339(backup.time)},
                        {"bytes", backup.bytes},
                        {"state", backup.state()},
                        {"proof", backup.manifest.has_value()}};
  if (backup.manifest) {
    o["database"] = backup.manifest->database;
    o["rows"] = backup.manifest->rows();
    o["raw_bytes"] = backup.manifest->raw.bytes;
    o["sha256"] = backup.manifest->stored.sha256;
    o["server_version"] = backup.manifest->server_version;
    o["warnings"] = backup.manifest->warnings.size();
  }
  if (!backup.manifest_problem.empty()) o["problem"] = backup.manifest_problem;
  if (backup.verification) o["verified_at"] = rfc3339(backup.verification->time);
  return o;
}

}  // namespace

std::string backup_table(const std::vector<Backup>& backups, Time now) {
  std::vector<Row> rows{{"#", "backup", "age", "size", "rows", "database", "where", "state"}};
  for (const Backup& backup : backups) rows.push_back(row_of(rows.size(), backup, now));
  return layout(rows);
}

int list_command(const Session& session) {
  const Stores stores = make_stores(session.config.stores);
  const std::vector<Store*> chosen = chosen_stores(session, stores);
  const Listing listing = list_backups(chosen, session.context);
  if (session.arguments.json) {
    boost::json::array array;
    for (const Backup& backup : listing.backups) array.push_back(json_of(backup));
    print(pretty(boost::json::object{{"schema", "pgstow.list/1"}, {"backups", array}}) + "\n");
  } else if (listing.backups.empty()) {
    std::vector<std::string> places;
    for (const Store* store : chosen) places.push_back(store->location(""));
    print("No backups found in " + join(places, ", ") + "\n");
  } else {
    print(backup_table(listing.backups, session.context.clock.now()));
  }
  return static_cast<int>(exit_of(session, listing.failures));
}

}  // namespace pgstow::cli
