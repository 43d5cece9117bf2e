// A transaction of a session.
#pragma once

#include <chrono>

#include "base/error.h"
#include "pg/connection.h"

namespace pgstow::pg {

// COMMIT was sent, and its answer did not come: nobody knows.
class OutcomeUnknown final : public Transient {
 public:
  using Transient::Transient;
};

// Begun with the object; what is not committed is rolled back with it. What is committed is on the
// server's disk, and all that was written before it, whatever its configuration says. The session
// is lent, and no stop ends its waits any more once it was committed.
class Transaction {
 public:
  explicit Transaction(Connection& session) : session_(session) {
    session_.query("begin");
    session_.query(
        "select pg_catalog.set_config('synchronous_commit', 'local', true) "
        "where pg_catalog.current_setting('synchronous_commit') = 'off'");
  }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction() {
    if (!open_) return;
    try {
      session_.query("rollback");
    } catch (const Error&) {  // the session is lost, and the transaction with it
      return;
    }
  }
  // A stop that comes now is too late: it would hide what became of it. Throws OutcomeUnknown when
  // the server does not answer, after which the session is of no use.
  void commit() {
    constexpr std::chrono::minutes kPatience{2};
    open_ = false;
    session_.stop_by({});
    try {
      session_.query_within(kPatience, "commit");
    } catch (const Transient& e) {
      throw OutcomeUnknown(
          std::string("the server did not say whether it committed: ") + e.what(),
          "look at the tables: either all is as it was, or all is as in the backup");
    }
  }

 private:
  Connection& session_;
  bool open_ = true;
};

}  // namespace pgstow::pg
