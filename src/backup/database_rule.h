// BACKUP_DATABASES: which databases of a server are backed up.
//
// A list, separated by commas, of names and of patterns with * (any text) and ? (any character).
// An entry that begins with ! leaves out what it fits, wherever it stands: "*,!test_*". In double
// quotes an entry is a name as it is, a quote in it being doubled: "\"a,b\"", "!\"odd*\"".
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pgstow {

class DatabaseRule {
 public:
  // Throws ConfigError for an empty entry, a quote that is not closed, and a list that takes
  // nothing.
  static DatabaseRule parse(std::string_view text);

  // The databases that are meant, of those that the server has now: sorted, each once. One that is
  // named without a pattern is meant even if it is not there: that it fails has to be seen.
  std::vector<std::string> choose(const std::vector<std::string>& on_server) const;

 private:
  struct Entry {
    std::string text;
    bool pattern = false;
  };
  static bool fits(const Entry& entry, std::string_view name);

  std::vector<Entry> taken_;
  std::vector<Entry> left_out_;
};

}  // namespace pgstow
