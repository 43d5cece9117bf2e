#include "daemon/webhook_payload.h"

#include <boost/json.hpp>

#include "base/json.h"
#include "base/text.h"
#include "daemon/text_limits.h"

namespace pgstow {
namespace {

constexpr std::size_t kMostLog = 10'000;
constexpr std::size_t kMostSlack = 12'000;   // it cuts at 40,000 characters
constexpr std::size_t kMostDiscord = 2'000;  // it refuses longer ones
constexpr std::string_view kDiscordMarkup = "\\*_~`|<>";

boost::json::array array_of(const std::vector<std::string>& texts) {
  boost::json::array array;
  for (const std::string& text : texts) array.emplace_back(printable_lines(text));
  return array;
}

std::string discord_text(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (kDiscordMarkup.find(c) != std::string_view::npos) escaped += '\\';
    escaped += c;
  }
  return escaped;
}

}  // namespace

std::string event_json(const Event& event, const Message& message) {
  return pretty(
      boost::json::object{{"schema", "pgstow.event/1"},
                          {"event", to_string(event.kind)},
                          {"bad", is_bad(event.kind)},
                          {"pgstow", PGSTOW_VERSION},
                          {"run_id", event.run_id},
                          {"host", event.host},
                          {"database", event.database},
                          {"time", rfc3339(event.time)},
                          {"title", message.title},
                          {"text", message.text},
                          {"backup", event.backup},
                          {"bytes", event.bytes},
                          {"raw_bytes", event.raw_bytes},
                          {"rows", event.rows},
                          {"stores", array_of(event.stores)},
                          {"warnings", array_of(event.warnings)},
                          {"duration_ms", event.duration.count()},
                          {"exit_code", event.exit_code},
                          {"error", event.error},
                          {"hint", event.hint},
                          {"log_tail", tail_of(printable_lines(event.log_tail), kMostLog)},
                          {"last_good", json_time(event.last_good)},
                          {"next_run", json_time(event.next_run)}});
}

std::string slack_json(const Message& message) {
  std::string escaped;
  for (const char c : cut_to_bytes(message.text, kMostSlack)) {
    escaped += c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : std::string(1, c);
  }
  return pretty(boost::json::object{{"text", escaped}});
}

// Escapes count: a text that is full of markup is cut to a half, so that no escape is torn apart.
std::string discord_json(const Message& message) {
  std::string text = discord_text(cut_to_utf16(message.text, kMostDiscord));
  if (utf16_length(text) > kMostDiscord) {
    text = discord_text(cut_to_utf16(message.text, kMostDiscord / 2));
  }
  return pretty(boost::json::object{
      {"content", text},
      {"username", "pgstow"},
      {"allowed_mentions", boost::json::object{{"parse", boost::json::array()}}}});
}

}  // namespace pgstow
