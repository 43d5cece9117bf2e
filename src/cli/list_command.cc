// pgstow list
#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/several.h"

namespace pgstow::cli {
namespace {

using Row = std::vector<std::string>;

// Columns in UTF-8 are padded by characters, not bytes.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string age(Time then, Time now) {
  return now < then ? "in the future" : human_duration(now - then);
}

std::string state(const Backup& backup, Time now) {
  std::string text = backup.state();
  if (text == "verified") text += fmt::format(" {} ago", age(backup.verification->time, now));
  if (backup.copies.front().lacks_globals) text += ", without its globals";
  return text;
}

// "local s3", with what is wrong with a copy that is not as good as the first one.
std::string where(const Backup& backup) {
  std::string text;
  for (const Copy& copy : backup.copies) {
    if (!text.empty()) text += ' ';
    text += copy.store->name();
    const bool worse = copy.state != "verified" && copy.state != "unverified";
    if (worse && copy.state != backup.state()) text += "(" + copy.state + ")";
  }
  return text;
}

// "day, week": the kinds of the reasons; `prune --dry-run` tells them in full.
std::string kinds(const Reasons& reasons) {
  if (reasons.empty()) return "nothing";
  std::vector<std::string> words;
  for (const std::string& reason : reasons) words.push_back(reason.substr(0, reason.find(' ')));
  return join(words, ", ");
}

Row row_of(std::size_t number, const Backup& backup, Time now) {
  return {std::to_string(number),
          printable(backup.key),
          age(backup.time, now),
          human_bytes(backup.bytes),
          backup.manifest ? human_count(backup.manifest->rows()) : "?",
          backup.manifest ? printable(backup.manifest->database) : "?",
          where(backup),
          state(backup, now)};
}

boost::json::object json_of(const Backup& backup, const Reasons& reasons) {
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
                        {"proof", backup.manifest.has_value()},
                        {"pinned", backup.pinned},
                        {"kept_for", boost::json::value_from(reasons)}};
  if (backup.manifest) {
    o["database"] = backup.manifest->database;
    o["rows"] = backup.manifest->rows();
    o["raw_bytes"] = backup.manifest->raw.bytes;
    o["sha256"] = backup.manifest->stored.sha256;
    o["server_version"] = backup.manifest->server_version;
    o["globals"] = backup.manifest->globals && !backup.copies.front().lacks_globals;
    o["warnings"] = backup.manifest->warnings.size();
  }
  if (!backup.manifest_problem.empty()) o["problem"] = backup.manifest_problem;
  if (backup.verification) o["verified_at"] = rfc3339(backup.verification->time);
  return o;
}

}  // namespace

std::string layout(const std::vector<std::vector<std::string>>& rows,
                   const std::set<std::size_t>& right) {
  std::vector<std::size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  }
  std::string out;
  for (const Row& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string padding(widths[i] - width(row[i]), ' ');
      line += (i == 0 ? "" : "  ") + (right.contains(i) ? padding + row[i] : row[i] + padding);
    }
    out += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return out;
}

std::string backup_table(const std::vector<Backup>& backups, Time now,
                         const std::vector<Reasons>& reasons) {
  std::vector<Row> rows{{"#", "backup", "age", "size", "rows", "database", "where", "state"}};
  if (!reasons.empty()) rows.front().emplace_back("kept for");
  for (std::size_t i = 0; i < backups.size(); ++i) {
    rows.push_back(row_of(i + 1, backups[i], now));
    if (!reasons.empty()) rows.back().push_back(kinds(reasons[i]));
  }
  return layout(rows, {0, 2, 3, 4});
}

namespace {

Answer list_answer(const Session& session) {
  const Stores stores = make_stores(session.config.stores, session.context);
  const std::vector<Store*> chosen = chosen_stores(session, stores);
  const Listing listing = list_backups(chosen, session.context);
  refuse_unread(listing);
  const Time now = session.context.clock.now();
  const std::vector<Reasons> reasons =
      reasons_of(listing.backups, prune_job(session.config, session.arguments), now);
  Answer answer{.text = {},
                .json = {{"schema", "pgstow.list/1"}},
                .exit_code = static_cast<int>(exit_of(session, listing.failures))};
  boost::json::array& array = answer.json["backups"].emplace_array();
  for (std::size_t i = 0; i < listing.backups.size(); ++i) {
    array.push_back(json_of(listing.backups[i], reasons[i]));
  }
  if (listing.backups.empty()) {
    std::vector<std::string> places;
    for (const Store* store : chosen) places.push_back(printable(store->location("")));
    answer.text = "No backups found in " + join(places, ", ") + "\n";
  } else {
    answer.text = backup_table(listing.backups, now,
                               session.config.rotation ? reasons : std::vector<Reasons>{});
  }
  return answer;
}

// What a configuration for a single database has left there is in nobody's list.
void tell_of_unlisted(const Session& session) {
  const Stores stores = make_stores(session.config.stores, session.context);
  for (Store* store : stores.all()) {
    try {
      const std::vector<Object> objects = store->list("backup_");
      const auto n = std::ranges::count_if(
          objects, [](const Object& object) { return archive_stem(object.key).has_value(); });
      if (n == 0) continue;
      session.context.log.warning(
          "backups beside the databases' folders are not listed: move them into one",
          {{"store", store->location("")}, {"backups", std::to_string(n)}});
    } catch (const Cancelled&) {
      throw;
    } catch (const Error& e) {  // of which the databases' own answers tell
      session.context.log.debug("can't be listed", {{"cause", e.what()}});
    }
  }
}

}  // namespace

int list_command(const Session& session) {
  if (is_about_several(session)) tell_of_unlisted(session);
  return answer(session, list_answer);
}

}  // namespace pgstow::cli
