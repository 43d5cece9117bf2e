#include "store/local_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "base/error.h"
#include "store/changed_object.h"
#include "store/folder.h"

namespace pgstow {
namespace {

// Dirty memory stays small and the fsync at the end short, however fast the bytes come.
constexpr std::uint64_t kWriteBackStep = 64ULL << 20;

// Error codes that tell of the bytes and not of a missing system call or file system feature.
bool is_data_loss(int code) { return code == EIO || code == ENOSPC || code == EDQUOT; }

}  // namespace

LocalSink::LocalSink(Fd folder, std::string key, Existing existing, std::string where)
    : folder_(std::move(folder)),
      key_(std::move(key)),
      existing_(existing),
      where_(std::move(where)),
      part_(make_part(folder_, key_, existing_, where_)) {
  try {
    if (existing_ == Existing::kRefuse) refuse_existing();
  } catch (...) {
    drop_part(folder_, part_);  // no destructor runs for us
    throw;
  }
}

LocalSink::~LocalSink() {
  if (part_is_there_) drop_part(folder_, part_);
}

void LocalSink::refuse_existing() const {
  struct stat info{};
  if (::fstatat(folder_.get(), key_.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0) {
    throw_errno(where_, EEXIST);
  }
  if (errno != ENOENT) throw_errno(where_);
}

void LocalSink::require_open() const {
  if (state_ == State::kBroken) throw Error(fmt::format("{}: writing it failed before", where_));
  if (state_ == State::kFinished) throw Error(fmt::format("{}: it is finished", where_));
}

void LocalSink::write(std::string_view bytes) {
  require_open();
  state_ = State::kBroken;  // until all is written
  while (!bytes.empty()) {
    const ssize_t n = ::write(part_.file.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw_errno(fmt::format("{}: write", where_));
    bytes.remove_prefix(static_cast<std::size_t>(n));
    written_ += static_cast<std::uint64_t>(n);
  }
  start_write_back();
  state_ = State::kOpen;
}

void LocalSink::start_write_back() {
  if (written_ - pushed_ < kWriteBackStep) return;
  const auto from = static_cast<off_t>(pushed_);
  const auto length = static_cast<off_t>(written_ - pushed_);
  if (::sync_file_range(part_.file.get(), from, length, SYNC_FILE_RANGE_WRITE) != 0 &&
      is_data_loss(errno)) {
    throw_errno(fmt::format("{}: write", where_));
  }
  pushed_ = written_;
}

void LocalSink::finish() {
  require_open();
  state_ = State::kBroken;  // until all went well
  sync_file();
  publish();
  part_is_there_ = false;
  try {
    sync_folder(folder_, where_);
  } catch (const Error&) {
    // Reported as failed, so it must not be found later; what kReplace replaced can't come back.
    if (existing_ == Existing::kRefuse && is_named(folder_, key_, part_.file)) {
      ::unlinkat(folder_.get(), key_.c_str(), 0);
    }
    throw;
  }
  state_ = State::kFinished;
}

// A failed fsync is final: the kernel drops the pages it could not write, and a second fsync would
// answer well (https://lwn.net/Articles/752063/).
void LocalSink::sync_file() {
  if (::fsync(part_.file.get()) != 0) throw_errno(fmt::format("{}: fsync", where_));
  // Network file systems report some errors at close() only. The part must stay locked until it has
  // its name, so that is asked of a second descriptor.
  const int second = ::fcntl(part_.file.get(), F_DUPFD_CLOEXEC, 0);
  if (second < 0 || ::close(second) != 0) throw_errno(fmt::format("{}: close", where_));
  if (!is_named(folder_, part_.name, part_.file)) {
    throw Error(
        fmt::format("{}: its part {} was removed while it was written", where_, part_.name));
  }
}

void LocalSink::publish() {
  if (existing_ == Existing::kRefuse) {
    publish_new();
  } else if (::renameat(folder_.get(), part_.name.c_str(), folder_.get(), key_.c_str()) != 0) {
    throw_errno(fmt::format("{}: rename", where_));
  }
}

void LocalSink::publish_new() {
  if (::renameat2(folder_.get(), part_.name.c_str(), folder_.get(), key_.c_str(),
                  RENAME_NOREPLACE) == 0) {
    return;
  }
  if (errno == EINVAL || errno == ENOSYS) return publish_new_without_rename_flags();
  if (errno == EEXIST) throw_errno(where_, EEXIST);
  throw_errno(fmt::format("{}: rename", where_));
}

// NFS and others know no RENAME_NOREPLACE; a link is refused just the same when the name is taken.
void LocalSink::publish_new_without_rename_flags() {
  if (::linkat(folder_.get(), part_.name.c_str(), folder_.get(), key_.c_str(), 0) == 0) {
    drop_part(folder_, part_);
    return;
  }
  if (errno == EEXIST) throw_errno(where_, EEXIST);
  if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS) {
    throw_errno(fmt::format("{}: link", where_));
  }
  // No links either. Our lock on the part keeps every other writer of a new key by this name away.
  refuse_existing();
  if (::renameat(folder_.get(), part_.name.c_str(), folder_.get(), key_.c_str()) != 0) {
    throw_errno(fmt::format("{}: rename", where_));
  }
}

LocalSource::LocalSource(Fd file, Range range, std::string where)
    : file_(std::move(file)), where_(std::move(where)), size_(size_now()), at_(range.offset) {
  if (at_ > size_ || (range.length && *range.length > size_ - at_)) {
    throw Corrupt(fmt::format("{}: it has {} bytes only, fewer than expected", where_, size_));
  }
  end_ = range.length ? at_ + *range.length : size_;
  static_cast<void>(::posix_fadvise(file_.get(), static_cast<off_t>(at_),
                                    static_cast<off_t>(end_ - at_), POSIX_FADV_SEQUENTIAL));
}

std::uint64_t LocalSource::size_now() const {
  struct stat info{};
  if (::fstat(file_.get(), &info) != 0) throw_errno(where_);
  return static_cast<std::uint64_t>(info.st_size);
}

std::size_t LocalSource::read(std::span<char> into) {
  if (at_ == end_) {
    if (size_now() != size_) throw_changed(where_, "it changed while it was read");
    return 0;
  }
  const std::size_t most =
      static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), end_ - at_));
  for (;;) {
    const ssize_t n = ::pread(file_.get(), into.data(), most, static_cast<off_t>(at_));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw_errno(fmt::format("{}: read", where_));
    if (n == 0) throw_changed(where_, "it was cut while it was read");
    at_ += static_cast<std::uint64_t>(n);
    return static_cast<std::size_t>(n);
  }
}

}  // namespace pgstow
