// A disk that is soon full.
#pragma once

#include <fmt/format.h>
#include <sys/mount.h>

#include <filesystem>

#include "base/error.h"

namespace pgstow::test {

// A file system of so many kilobytes in memory, mounted there until the object goes. As root only.
class SmallDisk {
 public:
  SmallDisk(std::filesystem::path at, int kilobytes) : at_(std::move(at)) {
    std::filesystem::create_directories(at_);
    const std::string options = fmt::format("size={}k,mode=0700", kilobytes);
    if (::mount("none", at_.c_str(), "tmpfs", 0, options.c_str()) != 0) throw_errno("mount");
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  ~SmallDisk() { ::umount2(at_.c_str(), MNT_DETACH); }

 private:
  std::filesystem::path at_;
};

}  // namespace pgstow::test
