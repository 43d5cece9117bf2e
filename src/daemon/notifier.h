// One way to tell people what became of a backup.
#pragma once

#include <string>

#include "base/context.h"
#include "daemon/event.h"

namespace pgstow {

// Used by one thread at a time.
class Notifier {
 public:
  virtual ~Notifier() = default;

  // In logs and settings: "telegram", "webhook", "mail", "ping".
  virtual std::string name() const = 0;
  // Whether it is to be told of such an event, as it is configured; kTest always is. `after_bad`:
  // the last event but kStarted was a bad one.
  virtual bool wants(Event::Kind kind, bool after_bad) const = 0;
  // Whether also of a failure that is the same as the last one: people are told of it once a day,
  // programs every time.
  virtual bool wants_repeated() const { return false; }
  // Returns when the other side has confirmed it. Tries again by itself what may pass, as long as
  // the other side asks for and a few minutes allow. Throws an Error whose text holds no secret.
  virtual void send(const Event& event, const Context& context) = 0;
};

}  // namespace pgstow
