// How long a server is waited for that has not answered yet.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>

#include "base/context.h"

namespace pgstow {

// A server that can't be reached (refused, no route, no name) from the start may be away for days,
// and what goes elsewhere shall not wait for it: all requests together are given 15 seconds. Then
// it is given up, and for a minute nothing is asked of it. Once it has answered, nothing of this
// counts any more: then each request has the patience that is configured. After an hour without an
// answer (a service's next run) it counts again. Thread-safe.
class FirstAnswer {
 public:
  // `who` is named in messages. The context has to outlive the object.
  FirstAnswer(std::string who, const Context& context);

  // Before a try: how long its connection may be in coming; 0 when the server has answered before.
  // Throws Transient while it is given up.
  std::chrono::seconds begin();
  // A reply came, whichever.
  void came();
  // No connection came about. The longest pause before the next try; 0: no more of them. Nothing
  // when the server has answered before. Logs a warning, once, when this has gone on for 5 seconds.
  std::optional<std::chrono::milliseconds> failed(const std::string& cause);

 private:
  std::chrono::milliseconds left() const;
  bool has_answered();

  const std::string who_;
  const Context& context_;
  std::mutex mutex_;          // guards what follows
  std::optional<Time> came_;  // the last answer
  bool warned_ = false;
  std::optional<Time> since_;  // the first try of those that count
  std::string cause_;          // why one of them failed; empty: none has
};

}  // namespace pgstow
