// A transaction of a session.
#pragma once

#include "base/error.h"
#include "pg/connection.h"

namespace pgstow::pg {

// Begun with the object; what is not committed is rolled back with it. The session is lent.
class Transaction {
 public:
  explicit Transaction(Connection& session) : session_(session) { session_.query("begin"); }
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
  void commit() {
    open_ = false;
    session_.query("commit");
  }

 private:
  Connection& session_;
  bool open_ = true;
};

}  // namespace pgstow::pg
