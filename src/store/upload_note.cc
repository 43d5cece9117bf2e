#include "store/upload_note.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <optional>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/text.h"
#include "store/random_id.h"

namespace pgstow {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kStart = ".upload-";
constexpr std::chrono::days kForgotten{7};
constexpr std::string_view kRefused = "refused";
constexpr std::chrono::days kPatience{7};  // then a bucket's lifecycle rule has had its turn
constexpr std::size_t kMostBytes = std::size_t{16} * 1024;

Fd open_note(const fs::path& path, int flags) {
  return Fd(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600));
}

// Where the file is still the one that we opened: its run may have removed it meanwhile.
bool is_still(const Fd& file, const fs::path& path) {
  struct stat ours{};
  struct stat there{};
  return ::fstat(file.get(), &ours) == 0 && ::lstat(path.c_str(), &there) == 0 &&
         ours.st_ino == there.st_ino && ours.st_dev == there.st_dev;
}

bool is_forgotten(const fs::path& path) {
  std::error_code gone;
  const fs::file_time_type written = fs::last_write_time(path, gone);
  return !gone && fs::file_time_type::clock::now() - written > kForgotten;
}

// Lines: place, key, id, perhaps "refused". Keys of ours have no line end.
std::optional<NotedUpload> read_note(const Fd& file) {
  std::string text(kMostBytes, '\0');
  const ssize_t n = ::pread(file.get(), text.data(), text.size(), 0);
  if (n < 0) return std::nullopt;
  text.resize(static_cast<std::size_t>(n));
  const std::vector<std::string_view> lines = split(text, '\n');
  if (lines.size() < 3 || lines[0].empty() || lines[1].empty() || lines[2].empty()) {
    return std::nullopt;
  }
  return NotedUpload{.place = std::string(lines[0]),
                     .key = std::string(lines[1]),
                     .upload_id = std::string(lines[2]),
                     .refused = lines.size() > 3 && lines[3] == kRefused};
}

// Whether the note has served its time. Its file is as old as the first refusal.
bool is_refused_long_since(const Fd& file, const fs::path& path, const NotedUpload& note,
                           Time now) {
  struct stat there{};
  if (::fstat(file.get(), &there) != 0) throw_errno(path.string());
  if (note.refused) return now - Time(std::chrono::seconds(there.st_mtime)) >= kPatience;
  const std::string line = fmt::format("{}\n", kRefused);
  const ssize_t written = ::pwrite(file.get(), line.data(), line.size(), there.st_size);
  if (written != static_cast<ssize_t>(line.size())) throw_errno(path.string());
  return false;
}

}  // namespace

UploadNote::UploadNote(const fs::path& folder, const NotedUpload& upload) {
  std::error_code ignored;  // opening says what is wrong
  fs::create_directories(folder, ignored);
  // Between the making and the locking of the file, a run that clears may take it for a dead one's.
  do {
    path_ = folder / (std::string(kStart) + random_id());
    file_ = open_note(path_, O_CREAT | O_EXCL);
    if (!file_ || ::flock(file_.get(), LOCK_EX) != 0) throw_errno(path_.string());
  } while (!is_still(file_, path_));
  write(upload);
}

UploadNote::~UploadNote() {
  if (!stays_) ::unlink(path_.c_str());
}

void UploadNote::write(const NotedUpload& upload) const {
  const std::string text = fmt::format("{}\n{}\n{}\n", upload.place, upload.key, upload.upload_id);
  if (::pwrite(file_.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
    throw_errno(path_.string());
  }
}

void end_noted_uploads(const fs::path& folder, const std::string& place, Time now,
                       const std::function<bool(const NotedUpload&)>& end) {
  std::error_code none;  // a folder that is not there holds no notes
  for (const auto& entry : fs::directory_iterator(folder, none)) {
    const fs::path& path = entry.path();
    if (!path.filename().string().starts_with(kStart)) continue;
    const Fd file = open_note(path, 0);
    if (!file || ::flock(file.get(), LOCK_EX | LOCK_NB) != 0 || !is_still(file, path)) continue;
    const auto note = read_note(file);
    const bool ours = note && note->place == place;
    if (note && !ours && !is_forgotten(path)) continue;
    if (ours && !end(*note) && !is_refused_long_since(file, path, *note, now)) continue;
    ::unlink(path.c_str());
  }
}

}  // namespace pgstow
