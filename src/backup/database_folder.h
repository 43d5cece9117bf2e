// Where the backups of one database of several lie: in a folder of its own in each store, which is
// named after it. In a bucket the folder is a part of the prefix.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pgstow {

// The database's name with every byte but letters, digits, '-', '_' and '.' as %XX, and a '.' at
// its beginning, too: a plain name that is never hidden and leads nowhere else, 189 bytes at most.
std::string folder_of_database(std::string_view database);

// The other way round; nothing for a folder that is none of a database.
std::optional<std::string> database_of_folder(std::string_view folder);

}  // namespace pgstow
