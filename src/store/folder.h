// Folders by descriptor: a folder is opened once, and what lies in it is then reached by plain
// name, so that nothing outside it can be touched whatever links somebody plants there.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "base/fd.h"

namespace pgstow {

// Opens the folder; an empty Fd when it does not exist. Throws ConfigError when that path is no
// folder, or is a symbolic link that belongs to neither root nor us.
Fd open_folder(const std::filesystem::path& path);

// The same, but makes the folder and its missing parents (mode 0700, durably) first. A folder that
// exists is kept as it is.
Fd make_folder(const std::filesystem::path& path);

// A name that can't lead anywhere else: not empty, no '/', no NUL, no leading '.'.
bool is_plain_name(std::string_view name);

// Whether the name in the folder still is this open file (and not removed, or replaced by another).
bool is_named(const Fd& folder, const std::string& name, const Fd& file);

// Opens what has that name in the folder, if it is a regular file; links are not followed and a
// FIFO does not block. `flags` as of open(2). Throws NotFound, and Error when it is anything else.
Fd open_regular(const Fd& folder, const std::string& name, int flags, std::string_view where);

// Calls back with each name in the folder, in no order.
void for_each_name(const Fd& folder, std::string_view where,
                   const std::function<void(const std::string& name)>& visit);

// Makes the folder's names durable.
void sync_folder(const Fd& folder, std::string_view where);

}  // namespace pgstow
