#include "base/error.h"

#include <fmt/format.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace pgstow {

Error::Error(std::string text, std::string hint) : text_(std::move(text)), hint_(std::move(hint)) {}

Error& Error::within(std::string_view where) {
  text_ = fmt::format("{}: {}", where, text_);
  return *this;
}

namespace {

std::string hint_for(int code) {
  switch (code) {
    case ENOSPC:
      return "the disk is full: free space there, or point BACKUP_LOCAL_PATH to another disk";
    case EDQUOT:
      return "the disk quota is used up: raise it or free space";
    case EACCES:
    case EPERM:
      return "check the owner and mode of that path, and which user pgstow runs as";
    case EROFS:
      return "the file system is mounted read-only";
    default:
      return {};
  }
}

}  // namespace

void throw_errno(std::string_view what, int code) {
  const std::string text = fmt::format("{}: {}", what, std::generic_category().message(code));
  if (code == ENOENT) throw NotFound(text);
  if (code == EEXIST) throw Exists(text);
  throw Error(text, hint_for(code));
}

void throw_errno(std::string_view what) { throw_errno(what, errno); }

}  // namespace pgstow
