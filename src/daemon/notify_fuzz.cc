// Any bytes as a template, as a reply of Telegram's, and as texts that are cut.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/text.h"
#include "daemon/notify_telegram.h"
#include "daemon/notify_template.h"
#include "daemon/text_limits.h"

namespace {

using namespace pgstow;

constexpr std::array<std::string_view, 2> kNames = {"database", "error"};

void require(bool holds) {
  if (!holds) std::abort();
}

void fill(std::string_view text) {
  try {
    const std::string filled = NotifyTemplate::parse(text, kNames).fill([](std::string_view name) {
      require(name == "database" || name == "error");
      return std::string();
    });
    require(filled.size() <= text.size());
  } catch (const ConfigError&) {
    return;
  }
}

void read_url(std::string_view text) {
  try {
    const WebUrl url = parse_web_url(text);
    require(url.origin.starts_with("http") && url.path.starts_with('/'));
    static_cast<void>(secrets_of(text, url));
  } catch (const ConfigError&) {
    return;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  fill(text);
  read_url(text);
  const TelegramReply reply = parse_telegram_reply(text);
  require(reply.retry_after.count() >= 0 && reply.retry_after.count() <= 86'400);
  require(utf16_length(cut_to_utf16(printable(text), 100)) <= 100);
  require(tail_of(printable(text), 100).size() <= 100);
  require(telegram_html(text).starts_with("<b>"));
  return 0;
}
