// An error the server reported for a statement.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace pgstow::pg {

class ServerError : public Error {
 public:
  ServerError(std::string text, std::string sqlstate, std::string hint = {})
      : Error(std::move(text), std::move(hint)), sqlstate_(std::move(sqlstate)) {}

  // Five characters (PostgreSQL documentation, appendix A): "42501" insufficient privilege, ...
  const std::string& sqlstate() const { return sqlstate_; }

 private:
  std::string sqlstate_;
};

// Somebody else's lock: of NOWAIT, or when lock_timeout was over.
inline constexpr std::string_view kLockNotAvailable = "55P03";

// Of an error's text: a standby ended the statement, since replaying had to go on.
inline bool conflicts_with_recovery(std::string_view text) {
  return text.find("conflict with recovery") != std::string_view::npos;
}

inline constexpr const char* kConflictHint =
    "on this standby, set hot_standby_feedback = on, or raise max_standby_streaming_delay (and "
    "max_standby_archive_delay) above what a backup takes";

}  // namespace pgstow::pg
