#include "pg/early_indexes.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/fd.h"
#include "base/text.h"

namespace pgstow::pg {
namespace {

// Those of tables after which so many bytes of rows come. Of the last table nothing would be
// gained: its longest index would only share the processors with one session more than there are
// jobs.
std::vector<IndexBuild> before_other_rows(std::vector<IndexBuild> builds,
                                          const ArchiveHeader& archive,
                                          const std::map<int, std::uint64_t>& bytes,
                                          std::uint64_t least) {
  std::map<int, std::uint64_t> after;  // by the dump id of TABLE DATA
  std::uint64_t so_far = 0;
  for (auto entry = archive.toc.rbegin(); entry != archive.toc.rend(); ++entry) {
    const auto rows = bytes.find(entry->dump_id);
    if (rows == bytes.end()) continue;
    after[entry->dump_id] = so_far;
    so_far += rows->second;
  }
  std::erase_if(builds, [&](const IndexBuild& build) { return after[build.rows] < least; });
  return builds;
}

}  // namespace

EarlyIndexes::EarlyIndexes(const RestoreOptions& options, const ArchiveHeader& archive,
                           const std::map<int, std::uint64_t>& bytes, EarlyIndexOptions early)
    : options_(options),
      archive_(archive),
      early_(std::move(early)),
      all_(before_other_rows(independent_indexes(archive, bytes), archive, bytes,
                             early_.least_work)),
      outer_stop_(options.stop),
      outer_(options.stop, [this] { stop_.request_stop(); }) {
  options_.stop = stop_.get_token();
}

EarlyIndexes::~EarlyIndexes() { stop_.request_stop(); }

void EarlyIndexes::on_rows(int table_data) {
  const std::lock_guard lock(mutex_);
  if (closed_) return;
  const std::size_t before = ready_.size();
  for (const IndexBuild& build : all_) {
    if (build.rows == table_data && build.work >= early_.least_work) ready_.push_back(build);
  }
  if (ready_.size() == before) return;
  std::ranges::stable_sort(ready_, {}, &IndexBuild::work);
  while (threads_.size() < std::min<std::size_t>(early_.workers, building_ + ready_.size())) {
    threads_.emplace_back([this] { work(); });
  }
  changed_.notify_all();
}

void EarlyIndexes::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  changed_.notify_all();
}

void EarlyIndexes::take_begun(ArchiveHeader& archive) {
  close();  // so begun_ stays as it is
  std::erase_if(archive.toc, [&](const TocEntry& entry) { return begun_.contains(entry.dump_id); });
}

void EarlyIndexes::finish() {
  close();
  for (std::jthread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
  check_stop(outer_stop_);
  if (problems_.size() > 1) throw Error(join(problems_, "\n  "));
  if (failure_) std::rethrow_exception(failure_);
}

void EarlyIndexes::work() {
  while (true) {
    int index = 0;
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop_.get_token(), [&] { return closed_ || !ready_.empty(); })) {
        return;
      }
      if (closed_ || stop_.stop_requested()) return;
      index = ready_.back().index;
      ready_.pop_back();
      begun_.insert(index);
      ++building_;
    }
    build(index);
    const std::lock_guard lock(mutex_);
    --building_;
  }
}

void EarlyIndexes::build(int index) {
  try {
    early_.on_begin(archive_.find(index)->tag);
    restore_index(options_, archive_, index);
  } catch (const Cancelled&) {  // finish() tells of what
    return;
  } catch (const Error& e) {
    const std::lock_guard lock(mutex_);
    if (!failure_) failure_ = std::current_exception();
    if (options_.stop_at_error) {
      stop_.request_stop();
    } else {
      problems_.emplace_back(e.what());
    }
  } catch (...) {
    const std::lock_guard lock(mutex_);
    failure_ = std::current_exception();
    stop_.request_stop();
  }
}

}  // namespace pgstow::pg
