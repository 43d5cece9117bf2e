// Bodies of webhooks.
#pragma once

#include <string>
#include <string_view>

#include "daemon/notify_text.h"

namespace pgstow {

// "pgstow.event/1": every field of the event; part of the interface (docs/NOTIFICATIONS.md).
std::string event_json(const Event& event, const Message& message);

// Slack's incoming webhooks: a message with `&`, `<` and `>` escaped.
std::string slack_json(const Message& message);

// Discord's webhooks: at most 2000 characters, markup escaped, nobody mentioned.
std::string discord_json(const Message& message);

}  // namespace pgstow
