// Notes on this host about multipart uploads, so that a later run can end those of a dead one: S3
// keeps the parts of an upload, and bills them, until somebody completes or aborts it.
//
// A note is a hidden file, ".upload-" and 16 hex digits, that its run holds an flock on: whose lock
// is free belongs to a dead run.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "base/clock.h"
#include "base/fd.h"

namespace pgstow {

struct NotedUpload {
  std::string place;  // endpoint, bucket: another store's notes may lie in the same folder
  std::string key;    // with the prefix
  std::string upload_id;
  bool refused = false;  // an earlier run was not allowed to end it
};

// The note goes with the object, unless it is told to stay.
class UploadNote {
 public:
  // Throws Error where none can be written.
  UploadNote(const std::filesystem::path& folder, const NotedUpload& upload);
  UploadNote(const UploadNote&) = delete;
  UploadNote& operator=(const UploadNote&) = delete;
  ~UploadNote();

  // Whether the note stays for the next run when the object goes.
  void leave() { stays_ = true; }
  void take_back() { stays_ = false; }

 private:
  void write(const NotedUpload& upload) const;

  std::filesystem::path path_;
  bool stays_ = false;
  Fd file_;
};

// Hands each dead run's upload in that place to `end`. Its note is removed when that returns true;
// when it returns false, ending it is not allowed: that is kept in the note, which goes a week
// later. A note that can't be read is removed, and so is one of another place that is a week old: a
// place that is spelled otherwise now would never be asked for again.
void end_noted_uploads(const std::filesystem::path& folder, const std::string& place, Time now,
                       const std::function<bool(const NotedUpload&)>& end);

}  // namespace pgstow
