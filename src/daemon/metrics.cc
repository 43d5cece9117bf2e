#include "daemon/metrics.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/fd.h"
#include "base/text.h"

namespace pgstow {
namespace {

// In a label's value backslash, quote and newline are escaped; all is valid UTF-8.
std::string label_value(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const std::string_view character = text.substr(0, std::max<std::size_t>(length, 1));
    if (length == 0) {
      out += "\xEF\xBF\xBD";
    } else if (character == "\n") {
      out += "\\n";
    } else {
      if (character == "\\" || character == "\"") out += '\\';
      out += character;
    }
    text.remove_prefix(character.size());
  }
  return out;
}

double seconds(Time time) { return static_cast<double>(time.time_since_epoch().count()) / 1000; }
double seconds(const std::optional<Time>& time) { return time ? seconds(*time) : 0; }

// Writes families, each with its own samples.
class Exposition {
 public:
  explicit Exposition(const std::string& database)
      : database_(fmt::format("database=\"{}\"", label_value(database))) {}

  void gauge(std::string_view name, std::string_view help) { begin(name, help, "gauge"); }
  void counter(std::string_view name, std::string_view help) { begin(name, help, "counter"); }

  // A sample of the family that was begun last; numbers as short as they can be read back.
  template <typename Number>
  void sample(Number number, std::string_view label = {}, std::string_view value = {}) {
    const std::string more =
        label.empty() ? "" : fmt::format(",{}=\"{}\"", label, label_value(value));
    text_ += fmt::format("{}{{{}{}}} {}\n", name_, database_, more, number);
  }

  std::string take() { return std::move(text_); }

 private:
  void begin(std::string_view name, std::string_view help, std::string_view type) {
    name_ = fmt::format("pgstow_{}", name);
    text_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name_, help, name_, type);
  }

  const std::string database_;
  std::string name_;
  std::string text_;
};

void add_service(Exposition& out, const Standing& s) {
  out.gauge("build_info", "The version of pgstow; always 1.");
  out.sample(1, "version", s.version);
  out.gauge("service_start_time_seconds", "When the service began; 0: none runs.");
  out.sample(seconds(s.service_started));
  out.gauge("next_run_timestamp_seconds", "When the next backup is due; 0: no schedule runs.");
  out.sample(seconds(s.next_run));
  out.gauge("run_in_progress", "1 while a backup is being made.");
  out.sample(s.job_started ? 1 : 0);
  out.gauge("run_progress_ratio", "How much of the backup that is being made is done, 0 to 1.");
  out.sample(s.job_started && s.job_fraction > 0 ? s.job_fraction : 0.0);
}

void add_newest_backup(Exposition& out, const Standing& s) {
  out.gauge("up_to_date", "1: the newest good backup is younger than 1.5 intervals.");
  out.sample(s.last_good && !s.stale() ? 1 : 0);
  out.gauge("stale_timestamp_seconds",
            "When the newest good backup is too old, 1.5 intervals after it; 0: not known.");
  out.sample(seconds(s.stale_from));
  const GoodBackup backup = s.last_good.value_or(GoodBackup{});
  out.gauge("last_success_timestamp_seconds",
            "Of which moment the newest good backup is; 0: none.");
  out.sample(seconds(backup.time));
  out.gauge("last_backup_size_bytes", "Size of the newest good backup, as it is stored.");
  out.sample(backup.bytes);
  out.gauge("last_backup_archive_bytes", "Size of its archive before compression.");
  out.sample(backup.raw_bytes);
  out.gauge("last_backup_rows", "Rows in it.");
  out.sample(backup.rows);
  out.gauge("last_backup_duration_seconds", "How long it took.");
  out.sample(static_cast<double>(backup.duration.count()) / 1000);
}

// What became of a job, in the words of the label; empty for what is no end of one.
std::string_view outcome_of(Event::Kind kind) {
  switch (kind) {
    case Event::Kind::kGood:
    case Event::Kind::kRecovered:
      return "good";
    case Event::Kind::kIncomplete:
      return "incomplete";
    case Event::Kind::kFailed:
      return "failed";
    case Event::Kind::kStarted:
    case Event::Kind::kStale:
    case Event::Kind::kTest:
      break;
  }
  return {};
}

void add_runs(Exposition& out, const Standing& s) {
  out.gauge("last_run_outcome", "1 for what became of the last backup that was tried.");
  const std::string_view last = s.last_job ? outcome_of(s.last_job->kind) : std::string_view();
  for (const char* outcome : {"good", "incomplete", "failed"}) {
    out.sample(outcome == last ? 1 : 0, "outcome", outcome);
  }
  const LastJob job = s.last_job.value_or(LastJob{});
  out.gauge("last_run_start_timestamp_seconds", "When it began; 0: none yet.");
  out.sample(seconds(job.started));
  out.gauge("last_run_end_timestamp_seconds", "When it ended; 0: none yet.");
  out.sample(seconds(job.ended));
  out.gauge("failures_in_a_row", "Backups that failed since the last one that did not.");
  out.sample(s.failures_in_a_row);
  out.counter("runs_total", "Backups that were due, by what became of them.");
  out.sample(s.jobs.good, "outcome", "good");
  out.sample(s.jobs.incomplete, "outcome", "incomplete");
  out.sample(s.jobs.failed, "outcome", "failed");
  out.sample(s.jobs.elsewhere, "outcome", "elsewhere");
  out.counter("removed_backups_total", "Backups that rotation removed.");
  out.sample(s.removed);
  out.counter("notifications_failed_total", "Notifications that were given up.");
  out.sample(s.notifications_failed);
}

// One gauge with a sample for each store.
template <typename Value>
void add_of_stores(Exposition& out, const Standing& s, std::string_view name, std::string_view help,
                   Value value) {
  out.gauge(name, help);
  for (const StoreStanding& store : s.stores) out.sample(value(store), "store", store.name);
}

void add_stores(Exposition& out, const Standing& s) {
  using Store = const StoreStanding&;
  add_of_stores(out, s, "store_reachable", "1: the store answered when it was looked at last.",
                [](Store store) { return store.reachable ? 1 : 0; });
  add_of_stores(out, s, "store_backups", "Backups in the store.",
                [](Store store) { return store.backups; });
  add_of_stores(out, s, "store_size_bytes", "What they take there.",
                [](Store store) { return store.bytes; });
  add_of_stores(out, s, "store_last_success_timestamp_seconds",
                "Of which moment the newest good backup there is; 0: none.",
                [](Store store) { return seconds(store.newest); });
  add_of_stores(out, s, "store_looked_at_timestamp_seconds", "When the store was looked at last.",
                [](Store store) { return seconds(store.looked); });
}

// Of several databases, each one's own.
void add_databases(Exposition& out, const Standing& s) {
  out.gauge("database_last_success_timestamp_seconds",
            "Of which moment the newest good backup of one of the databases is; 0: none.");
  for (const DatabaseStanding& one : s.databases) {
    out.sample(one.last_good ? seconds(one.last_good->time) : 0.0, "of", one.name);
  }
  out.gauge("database_last_backup_size_bytes", "Size of that backup, as it is stored.");
  for (const DatabaseStanding& one : s.databases) {
    out.sample(one.last_good ? one.last_good->bytes : 0, "of", one.name);
  }
}

[[noreturn]] void fail(const std::filesystem::path& path, std::string_view what, int code) {
  // Not throw_errno(): its hints are about the folder of the backups.
  throw Error(fmt::format("metrics file {}: {}: {}", path.native(), what,
                          std::generic_category().message(code)),
              "BACKUP_METRICS_FILE: its folder has to be there, and pgstow's user may write in it");
}

void write_new(const std::filesystem::path& path, const std::string& text) {
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!fd) fail(path, "open", errno);
  std::string_view rest = text;
  while (!rest.empty()) {
    const ssize_t n = ::write(fd.get(), rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail(path, "write", errno);
    rest.remove_prefix(static_cast<std::size_t>(n));
  }
  // Whatever the umask: its reader is another user.
  if (::fchmod(fd.get(), 0644) != 0) fail(path, "fchmod", errno);
  // Without it a power cut may leave an empty file under the name.
  if (::fsync(fd.get()) != 0) fail(path, "fsync", errno);
}

}  // namespace

std::string metrics_text(const Standing& standing) {
  Exposition out(standing.database);
  add_service(out, standing);
  add_newest_backup(out, standing);
  add_runs(out, standing);
  add_stores(out, standing);
  add_databases(out, standing);
  return out.take();
}

void write_metrics_file(const std::filesystem::path& path, const std::string& text) {
  // Hidden, and without ".prom" at its end: the collector does not read it half-written.
  const std::filesystem::path part =
      path.parent_path() / fmt::format(".{}.part", path.filename().native());
  // One that a killed service left, or somebody planted.
  if (::unlink(part.c_str()) != 0 && errno != ENOENT) fail(part, "unlink", errno);
  try {
    write_new(part, text);
    if (std::rename(part.c_str(), path.c_str()) != 0) fail(path, "rename", errno);
  } catch (const Error&) {
    static_cast<void>(::unlink(part.c_str()));
    throw;
  }
}

}  // namespace pgstow
