// What people are told of an event, in their words and their time zone.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/zone.h"
#include "daemon/event.h"
#include "daemon/notify_template.h"

namespace pgstow {

// Valid UTF-8 without control characters, but for the text's new lines, whatever the event holds.
struct Message {
  std::string title;  // one line: what happened, to which database, where
  std::string text;   // the title, and below it what there is to know; or the user's template
};

// Immutable; may be used by several threads.
class Wording {
 public:
  explicit Wording(Zone zone) : zone_(std::move(zone)) {}
  // With BACKUP_NOTIFY_TEMPLATE. Throws ConfigError when it has a placeholder that does not exist.
  Wording(Zone zone, std::string_view text);

  Message message(const Event& event) const;

 private:
  std::string local(Time time) const;
  std::string value(std::string_view name, const Event& event) const;
  std::string standard_text(const Event& event) const;

  Zone zone_;
  std::optional<NotifyTemplate> template_;
};

}  // namespace pgstow
