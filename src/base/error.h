// Errors, typed by what the catcher can do about them.
//
// The text of an error is "where: what: cause" in lower case; hint() is what the user can do and
// may be empty. An error is logged where it is handled, never where it is thrown.
#pragma once

#include <exception>
#include <string>
#include <string_view>

namespace pgstow {

// Exit codes of the program; part of the documented interface (docs/DESIGN.md, "Exit codes").
enum class Exit : int {
  kOk = 0,
  kFailed = 1,
  kUsage = 2,     // bad flags or configuration
  kWarnings = 3,  // done, but with warnings or only in part
  kDamaged = 4,   // a backup is damaged
  kNotFound = 10,
  kLocked = 11,
  kSignalBase = 128,  // plus the signal's number
};

class Error : public std::exception {
 public:
  explicit Error(std::string text, std::string hint = {});

  const char* what() const noexcept override { return text_.c_str(); }
  const std::string& hint() const noexcept { return hint_; }
  virtual int exit_code() const noexcept { return static_cast<int>(Exit::kFailed); }

  // Puts "where: " before the text; for `catch (Error& e) { e.within("..."); throw; }`.
  Error& within(std::string_view where);

 private:
  std::string text_;
  std::string hint_;
};

// The user's flags, environment or files are wrong.
class ConfigError : public Error {
 public:
  using Error::Error;
  int exit_code() const noexcept override { return static_cast<int>(Exit::kUsage); }
};

// What was named does not exist.
class NotFound : public Error {
 public:
  using Error::Error;
  int exit_code() const noexcept override { return static_cast<int>(Exit::kNotFound); }
};

// The rights we have do not include it.
class NotAllowed : public Error {
 public:
  using Error::Error;
};

// The name is taken already; nothing was written.
class Exists : public Error {
 public:
  using Error::Error;
};

// May pass when tried again.
class Transient : public Error {
 public:
  using Error::Error;
};

// Stored bytes are not what was written, or are no backup at all.
class Corrupt : public Error {
 public:
  using Error::Error;
  int exit_code() const noexcept override { return static_cast<int>(Exit::kDamaged); }
};

// A child process failed; the text holds the tail of what it said on standard error.
class ProcessFailed : public Error {
 public:
  using Error::Error;
};

// Somebody else holds the lock; the text says who.
class Locked : public Error {
 public:
  using Error::Error;
  int exit_code() const noexcept override { return static_cast<int>(Exit::kLocked); }
};

// The user or the system asked us to stop.
class Cancelled : public Error {
 public:
  Cancelled() : Error("cancelled") {}
};

// Throws Error("what: strerror(code)") with a hint for the codes a user can act upon
// (ENOSPC, EDQUOT, EACCES, EPERM, EROFS, ENOENT). ENOENT becomes NotFound, EEXIST becomes Exists.
[[noreturn]] void throw_errno(std::string_view what, int code);
// The same with the current errno.
[[noreturn]] void throw_errno(std::string_view what);

}  // namespace pgstow
