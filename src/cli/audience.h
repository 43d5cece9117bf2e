// Who is told of jobs: the notifiers that are configured, and node_exporter's file.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "cli/commands.h"
#include "daemon/announcer.h"
#include "daemon/job_report.h"
#include "daemon/look.h"
#include "daemon/state.h"

namespace pgstow::cli {

// Made once a run. Wrong settings of notifiers are warnings. The session and the state are lent.
class Audience {
 public:
  Audience(const Session& session, StateFile& state);
  // Waits a little for what is still to be told, and remembers how much could not be.
  ~Audience();
  Audience(const Audience&) = delete;
  Audience& operator=(const Audience&) = delete;

  // Whether there is anybody.
  bool anybody() const { return notifiers_ > 0 || has_metrics_file(); }
  bool has_metrics_file() const { return !metrics_file_.empty(); }
  void tell(const Event& event) { announcer_->tell(event); }
  // With what could not be told by this run.
  Standing counted(Standing standing) const;
  // Writes the file of metrics, if one is wanted. That it can't be written is a warning.
  void show(const Standing& standing) const;

 private:
  const Session& session_;
  StateFile& state_;
  std::filesystem::path metrics_file_;
  std::size_t notifiers_ = 0;
  std::unique_ptr<Announcer> announcer_;
};

// A single run: how its job is made, and how the stores are looked into after it.
struct ToldJob {
  std::function<JobDone(const Context&)> make;
  std::function<Look(const std::string& server)> look;
};

// Makes it, and tells the audience, if there is one, and the state, if there is one already or an
// audience that needs it. Throws what `make` throws.
JobDone run_told_job(const Session& session, const ToldJob& told);

}  // namespace pgstow::cli
