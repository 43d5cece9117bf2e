// Backups in a folder of this machine, one file an object.
//
// An object is written to a hidden part (part.h), synced, renamed, and the folder is synced:
// whatever dies at whatever moment, a visible file is a whole one. Files have mode 0600, folders
// made here 0700.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/store.h"

namespace pgstow {

struct SpaceInfo {
  std::uint64_t free_bytes = 0;  // what this user may still fill
  std::uint64_t total_bytes = 0;
};

// Keys are plain file names: throws Error for '/', NUL, a leading '.', the empty one, and one
// longer than 232 bytes. Hidden files, links, folders and whatever else lies there are not its
// objects. A folder that is no folder throws ConfigError; one that is missing is an empty store,
// and made by the first create(), unless it has to be there (since it lies on a disk that may not
// be mounted), or the folder around it has to: create() throws NotFound then.
class LocalStore final : public Store {
 public:
  enum class Missing { kMake, kMakeBelow, kRefuse };

  explicit LocalStore(std::filesystem::path folder, std::string name = "local",
                      Missing missing = Missing::kMake);

  std::string name() const override { return name_; }
  std::string location(std::string_view key) const override;
  const std::filesystem::path& folder() const { return folder_; }
  std::unique_ptr<Sink> create(std::string_view key, Existing existing) override;
  std::unique_ptr<Source> open(std::string_view key, Range range = {}) override;
  std::vector<Object> list(std::string_view prefix = {}) override;
  void remove(std::string_view key) override;
  int clear_leftovers() override;
  bool exists() override;

  // The names of the folders in it, sorted; without hidden ones, and without links.
  std::vector<std::string> folders() const;

  // What to tell the user when others may write to the folder or put another in its place.
  std::optional<std::string> permission_warning() const;

  // Space on the folder's file system, or on that of its nearest parent that exists.
  SpaceInfo space() const;

 private:
  std::string key_name(std::string_view key) const;
  void require_folder() const;

  const std::filesystem::path folder_;
  const std::string name_;
  const Missing missing_;
};

}  // namespace pgstow
