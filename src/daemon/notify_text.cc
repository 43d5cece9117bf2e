#include "daemon/notify_text.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "base/text.h"
#include "daemon/text_limits.h"

namespace pgstow {
namespace {

// A line of pg_dump's can be as long as the row it complains of.
constexpr std::size_t kMostName = 200;
constexpr std::size_t kMostReason = 1200;
constexpr std::size_t kMostWarning = 200;
constexpr std::size_t kMostWarnings = 5;
constexpr std::size_t kMostLog = 2500;

constexpr std::array<std::string_view, 19> kNames = {
    "event", "database",  "host",     "time",     "backup",    "size",  "raw_size",
    "rows",  "stores",    "warnings", "duration", "exit_code", "error", "hint",
    "log",   "last_good", "next_run", "run_id",   "text"};

std::string one_line(std::string_view text) { return cut_to_bytes(printable(text), kMostName); }

std::string lines(std::string_view text) {
  return cut_to_bytes(printable_lines(trim(text)), kMostReason);
}

std::string place_of(const Event& event) {
  const std::string database = one_line(event.database);
  return event.host.empty() ? database : fmt::format("{} on {}", database, one_line(event.host));
}

std::string age_of(const Event& event) {
  const auto age = event.last_good ? event.time - *event.last_good : std::chrono::milliseconds(0);
  return human_duration(std::max(age, std::chrono::milliseconds(0)));
}

std::string title_of(const Event& event) {
  const std::string place = place_of(event);
  switch (event.kind) {
    case Event::Kind::kStarted:
      return fmt::format("Backup of {} has started", place);
    case Event::Kind::kGood:
      return fmt::format("Backup of {} is good", place);
    case Event::Kind::kIncomplete:
      return fmt::format("Backup of {} is INCOMPLETE", place);
    case Event::Kind::kFailed:
      return fmt::format("Backup of {} FAILED", place);
    case Event::Kind::kRecovered:
      return fmt::format("Backup of {} is good again", place);
    case Event::Kind::kStale:
      return event.last_good ? fmt::format("NO GOOD BACKUP of {} for {}", place, age_of(event))
                             : fmt::format("NO GOOD BACKUP of {}", place);
    case Event::Kind::kTest:
      return fmt::format("Test: pgstow can tell you about {}", place);
  }
  return place;
}

std::string names_of(const std::vector<std::string>& names) {
  std::vector<std::string> clean;
  clean.reserve(names.size());
  for (const std::string& name : names) clean.push_back(one_line(name));
  return join(clean, ", ");
}

std::string warnings_of(const Event& event) {
  std::vector<std::string> clean;
  for (const std::string& warning : event.warnings) {
    if (clean.size() == kMostWarnings) break;
    clean.push_back("- " + cut_to_bytes(printable(warning), kMostWarning));
  }
  if (event.warnings.size() > clean.size()) {
    clean.push_back(fmt::format("- and {} more", event.warnings.size() - clean.size()));
  }
  return join(clean, "\n");
}

std::string made_text(const Event& event) {
  if (event.backup.empty()) return {};
  std::string text =
      fmt::format("{}: {}, {} rows, in {}\n", one_line(event.backup), human_bytes(event.bytes),
                  human_count(event.rows), human_duration(event.duration));
  if (!event.stores.empty()) text += fmt::format("In: {}\n", names_of(event.stores));
  if (!event.warnings.empty()) text += fmt::format("Warnings:\n{}\n", warnings_of(event));
  return text;
}

std::string reason_text(const Event& event) {
  std::string text;
  if (!event.error.empty()) text += fmt::format("Why: {}\n", lines(event.error));
  if (!event.hint.empty()) text += fmt::format("What to do: {}\n", lines(event.hint));
  return text;
}

}  // namespace

Wording::Wording(Zone zone, std::string_view text)
    : zone_(std::move(zone)), template_(NotifyTemplate::parse(text, kNames)) {}

// "2026-11-22 03:00:12 +01:00"
std::string Wording::local(Time time) const {
  const auto instant = std::chrono::floor<std::chrono::seconds>(time);
  const auto offset = std::chrono::floor<std::chrono::minutes>(zone_.offset_at(instant)).count();
  const std::chrono::sys_seconds shown(zone_.to_local(instant).time_since_epoch());
  return fmt::format("{:%Y-%m-%d %H:%M:%S} {}{:02}:{:02}", shown, offset < 0 ? '-' : '+',
                     std::abs(offset) / 60, std::abs(offset) % 60);
}

std::string Wording::standard_text(const Event& event) const {
  std::string text = title_of(event) + "\n" + made_text(event) + reason_text(event);
  text += fmt::format("Time: {}\n", local(event.time));
  if (is_bad(event.kind)) {
    text += event.last_good ? fmt::format("Last good backup: {} ({} ago)\n",
                                          local(*event.last_good), age_of(event))
                            : "Last good backup: none that is known\n";
  }
  if (event.next_run) text += fmt::format("Next run: {}\n", local(*event.next_run));
  text.pop_back();
  return text;
}

std::string Wording::value(std::string_view name, const Event& event) const {
  if (name == "event") return std::string(to_string(event.kind));
  if (name == "database") return one_line(event.database);
  if (name == "host") return one_line(event.host);
  if (name == "time") return local(event.time);
  if (name == "backup") return one_line(event.backup);
  if (name == "size") return human_bytes(event.bytes);
  if (name == "raw_size") return human_bytes(event.raw_bytes);
  if (name == "rows") return human_count(event.rows);
  if (name == "stores") return names_of(event.stores);
  if (name == "warnings") return warnings_of(event);
  if (name == "duration") return human_duration(event.duration);
  if (name == "exit_code") return std::to_string(event.exit_code);
  if (name == "error") return lines(event.error);
  if (name == "hint") return lines(event.hint);
  if (name == "log") return tail_of(printable_lines(event.log_tail), kMostLog);
  if (name == "last_good") return event.last_good ? local(*event.last_good) : "none";
  if (name == "next_run") return event.next_run ? local(*event.next_run) : "none";
  if (name == "run_id") return one_line(event.run_id);
  return standard_text(event);
}

Message Wording::message(const Event& event) const {
  const auto of_event = [&](std::string_view name) { return value(name, event); };
  return {.title = title_of(event),
          .text = template_ ? printable_lines(template_->fill(of_event)) : standard_text(event)};
}

}  // namespace pgstow
