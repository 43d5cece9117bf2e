// An error the server reported for a statement.
#pragma once

#include <string>

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

}  // namespace pgstow::pg
