// Indexes that are built while the rows of other tables are still loaded.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "pg/archive.h"
#include "pg/restore.h"
#include "pg/toc_parts.h"

namespace pgstow::pg {

struct EarlyIndexOptions {
  unsigned workers = 1;  // sessions of the server, beside those that load; 0: none is built early
  // For less than that (IndexBuild::work), or where fewer bytes of rows come after its table, a
  // pg_restore of its own is not worth it.
  std::uint64_t least_work = std::uint64_t{64} << 20;
  std::function<void(const std::string& index)> on_begin = [](const std::string&) {};  // any thread
};

// Builds those that toc_parts.h calls independent, the longest of what can be built first, one
// pg_restore each. Those of which nothing has begun when the rows are there are left to
// restore_after_rows(), beside which the others go on to their end.
class EarlyIndexes {
 public:
  // `bytes` as for restore_after_rows(); options and archive are lent.
  EarlyIndexes(const RestoreOptions& options, const ArchiveHeader& archive,
               const std::map<int, std::uint64_t>& bytes, EarlyIndexOptions early);
  EarlyIndexes(const EarlyIndexes&) = delete;
  EarlyIndexes& operator=(const EarlyIndexes&) = delete;
  // Ends what is still built.
  ~EarlyIndexes();

  // The rows of this TABLE DATA are committed. Any thread.
  void on_rows(int table_data);
  // A stop is asked for with the options' token, and when one fails and that is the end of it all.
  std::stop_token stop() const { return stop_.get_token(); }
  // Begins no more, and takes what has begun out of the archive.
  void take_begun(ArchiveHeader& archive);
  // Begins no more, and waits for all that has begun; throws Cancelled after a stop by the options'
  // token, and what failed.
  void finish();

 private:
  void work();
  void build(int index);
  void close();

  RestoreOptions options_;
  const ArchiveHeader& archive_;
  const EarlyIndexOptions early_;
  const std::vector<IndexBuild> all_;  // that may be built early, in the archive's order
  const std::stop_token outer_stop_;
  std::stop_source stop_;  // asked for by the options', a failure and the destructor
  std::stop_callback<std::function<void()>> outer_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable_any changed_;
  std::vector<IndexBuild> ready_;  // the longest last
  std::set<int> begun_;
  std::size_t building_ = 0;
  bool closed_ = false;
  std::exception_ptr failure_;         // the first one
  std::vector<std::string> problems_;  // what all of them said, where errors are not the end

  std::vector<std::jthread> threads_;  // started as indexes are ready
};

}  // namespace pgstow::pg
