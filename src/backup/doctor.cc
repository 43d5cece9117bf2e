#include "backup/doctor.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "backup/globals.h"
#include "base/error.h"
#include "base/text.h"
#include "pg/database.h"
#include "pg/server.h"
#include "pg/tools.h"
#include "store/s3_rights.h"

namespace pgstow {
namespace {

constexpr std::chrono::seconds kClockTolerance{60};
constexpr const char* kProbe = "backup_doctor_probe";  // no archive's name: never listed
constexpr double kPackedShare = 0.6;  // a cautious guess of an archive's size over the database's

class Doctor {
 public:
  Doctor(const BackupJob& backup, const RestoreJob& restore, const Stores& stores,
         const Context& context)
      : backup_(backup), restore_(restore), stores_(stores), context_(context) {}

  std::vector<Finding> examine() {
    look("database", [&] { check_database(); });
    look("pg_dump", [&] { check_tool("pg_dump"); });
    look("pg_restore", [&] { check_tool("pg_restore"); });
    if (backup_.globals) look("globals", [&] { check_globals(); });
    for (const Place& place : stores_.places()) {
      const std::string name = place.store->name();
      if (place.s3 != nullptr) look(name, [&] { check_s3(*place.s3); });
      if (place.local != nullptr) {
        look(name == "local" ? "folder" : name, [&] { check_folder(*place.local); });
        look(name == "local" ? "space" : name, [&] { check_space(*place.local); });
      }
    }
    look("backups", [&] { check_backups(); });
    return std::move(findings_);
  }

 private:
  // One examination: what it throws is a finding, too.
  void look(std::string subject, const std::function<void()>& check) {
    subject_ = std::move(subject);
    try {
      check();
    } catch (const Cancelled&) {
      throw;
    } catch (const Error& e) {
      add(Health::kBad, e.what(), e.hint());
    }
  }

  void add(Health health, std::string text, std::string hint = {}) {
    findings_.push_back({health, subject_, std::move(text), std::move(hint)});
  }

  void check_database() {
    access_.emplace(pg::Access::open(backup_.place, context_));
    if (!access_->description().empty()) check_place();
    pg::Connection session = pg::Connection::open(access_->server(), context_.stop);
    facts_ = pg::server_facts(session);
    add(Health::kGood,
        fmt::format("{} on PostgreSQL {}, {}, {} as {}{}", printable(facts_->database),
                    facts_->version, facts_->encoding, human_bytes(facts_->database_bytes),
                    printable(facts_->user), facts_->standby ? ", a standby" : ""));
    if (facts_->major() < 13) {
      add(Health::kWarning, "PostgreSQL before 13 is not supported", "upgrade the server");
    }
    check_clock();
    check_rights(session);
    check_restore_rights();
  }

  void check_place() {
    subject_ = backup_.place.container.empty() ? "exec" : "container";
    if (access_->doubt().empty()) {
      add(Health::kGood, access_->description());
    } else {
      add(Health::kWarning, access_->doubt(), "its server answers; is its health check right?");
    }
    subject_ = "database";
  }

  void check_clock() {
    subject_ = "clock";
    const auto skew = std::chrono::abs(context_.clock.now() - facts_->now);
    const std::string text = fmt::format("{} apart from the server's", human_duration(skew));
    if (skew > kClockTolerance) {
      add(Health::kWarning, text, "backups are named and aged by this host's clock: set it (NTP)");
    } else {
      add(Health::kGood, text);
    }
  }

  void check_rights(pg::Connection& session) {
    subject_ = "rights";
    const std::vector<std::string> missing = pg::missing_rights(session);
    for (const std::string& line : missing) {
      add(Health::kBad, line,
          "grant pg_read_all_data (and BYPASSRLS), or back up as the owner or a superuser");
    }
    if (missing.empty()) add(Health::kGood, "everything in the database can be read");
    if (!facts_->superuser) {
      add(Health::kWarning,
          "not a superuser: subscriptions, and passwords in user mappings, are "
          "left out of dumps by PostgreSQL");
    }
  }

  void check_restore_rights() {
    subject_ = "restore";
    static_cast<void>(plan_restore(restore_, context_));
    if (facts_->standby) {
      add(Health::kWarning, "a standby: nothing can be restored there");
    } else if (!facts_->can_create_databases) {
      add(Health::kWarning, "this role may not create databases, so it can't restore",
          "ALTER ROLE ... CREATEDB, or restore as a superuser");
    } else {
      add(Health::kGood, "this role may create databases");
    }
  }

  void check_tool(const std::string& name) {
    const int major = facts_ ? facts_->major() : 0;
    if (!access_ && !backup_.place.is_here()) return;  // said already: there is no way in
    const pg::Runner runner = access_ ? access_->runner() : pg::Runner{};
    const pg::Tool tool = pg::find_tool(name, major, backup_.pg_bin, context_.stop, runner);
    if (facts_) pg::check_restores_into(tool, major);
    add(Health::kGood, fmt::format("{} {}{}", tool.path.string(), tool.version,
                                   runner.is_here() ? "" : ", there"));
  }

  void check_globals() {
    if (!access_ || !facts_) return;
    pg::Connection session = pg::Connection::open(access_->server(), context_.stop);
    const pg::Tool pg_dump =
        pg::find_tool("pg_dump", facts_->major(), backup_.pg_bin, context_.stop, access_->runner());
    std::vector<std::string> warnings;
    const auto globals =
        read_globals(backup_, session, pg_dump, facts_->encoding, warnings, context_);
    for (const std::string& warning : warnings) {
      add(Health::kWarning, warning,
          "pg_dumpall of the same installation has to be beside pg_dump");
    }
    if (globals) {
      add(Health::kGood, globals->facts.passwords
                             ? "the server's roles are kept with each backup, passwords included"
                             : "the server's roles are kept with each backup, without passwords");
    }
  }

  void check_folder(LocalStore& store) {
    store.clear_leftovers();
    write_object(store, kProbe, "probe", Existing::kReplace);
    store.remove(kProbe);
    if (const auto warning = store.permission_warning()) {
      add(Health::kWarning, *warning, "chmod go-w the folder: backups hold all your data");
    } else {
      add(Health::kGood, store.location("") + " is writable");
    }
  }

  void check_s3(S3Store& store) {
    const auto [rights, remains] = try_rights(store, kProbe);
    std::vector<S3Right> missing;
    std::vector<std::string> optional;
    for (const S3Right& right : rights) {
      if (right.granted) continue;
      if (right.needed) {
        missing.push_back(right);
        add(Health::kBad,
            fmt::format("may not {} ({}): {}", right.purpose, right.action, right.problem));
      } else {
        optional.push_back(fmt::format("{} ({})", right.action, right.purpose));
      }
    }
    const std::string where = store.location("");
    if (!missing.empty()) {
      findings_.back().hint =
          "this policy allows what is missing:\n" + policy_of(store.client().settings(), missing);
    } else if (optional.empty()) {
      add(Health::kGood, where + ": all rights are there");
    } else {
      add(Health::kGood, where + ": all rights that are needed are there");
      add(Health::kGood, fmt::format("without {}: the bucket's lifecycle rules may do that",
                                     join(optional, ", ")));
    }
    if (!remains.empty()) add(Health::kGood, remains);
  }

  void check_space(const LocalStore& store) {
    const SpaceInfo space = store.space();
    const std::string text =
        fmt::format("{} free of {}", human_bytes(space.free_bytes), human_bytes(space.total_bytes));
    const double need = facts_ ? static_cast<double>(facts_->database_bytes) * kPackedShare : 0;
    if (static_cast<double>(space.free_bytes) < need) {
      add(Health::kWarning, text + ", perhaps too little for one more backup",
          "free space there, or point BACKUP_LOCAL_PATH to another disk");
    } else {
      add(Health::kGood, text);
    }
  }

  void check_backups() {
    const Listing listing = list_backups(stores_.all(), context_);
    for (const StoreFailure& failure : listing.failures) {
      add(Health::kBad, failure.store + ": " + failure.problem, failure.hint);
    }
    const std::vector<Backup>& backups = listing.backups;
    if (backups.empty()) {
      add(Health::kWarning, "No backups found", "make one with `pgstow backup`");
      return;
    }
    const auto age = context_.clock.now() - backups.front().time;
    add(Health::kGood, fmt::format("{} there, the newest {} old", backups.size(),
                                   human_duration(std::max(age, {}))));
    for (const Backup& backup : backups) check_copies(backup);
    for (Store* store : stores_.all()) check_orphans(*store, listing);
  }

  void check_copies(const Backup& backup) {
    for (const Copy& copy : backup.copies) {
      if (copy.state == "unreadable") {
        add(Health::kWarning, copy.store->location(backup.key) + ": its manifest can't be read now",
            "`pgstow verify " + backup.key + "` says why");
      }
      if (copy.state != "damaged") continue;
      add(Health::kBad, copy.store->location(backup.key) + " is damaged",
          backup.state() == "damaged" ? "`pgstow verify " + backup.key + "` says how"
                                      : "`pgstow sync` replaces it by a whole copy");
    }
  }

  void check_orphans(Store& store, const Listing& listing) {
    const auto failed = std::ranges::find(listing.failures, store.name(), &StoreFailure::store);
    if (failed != listing.failures.end()) return;
    for (const std::string& key : orphaned_manifests(store)) {
      add(Health::kWarning, store.location(key) + " has lost its archive");
    }
  }

  const BackupJob& backup_;
  const RestoreJob& restore_;
  const Stores& stores_;
  const Context& context_;
  std::optional<pg::Access> access_;  // outlives the sessions
  std::optional<pg::ServerFacts> facts_;
  std::string subject_;
  std::vector<Finding> findings_;
};

}  // namespace

std::vector<Finding> run_doctor(const BackupJob& backup, const RestoreJob& restore,
                                const Stores& stores, const Context& context) {
  return Doctor(backup, restore, stores, context).examine();
}

}  // namespace pgstow
