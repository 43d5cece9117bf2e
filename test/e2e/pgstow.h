// pgstow itself, as a user runs it: the binary, a server, a folder for backups.
#pragma once

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "harness/postgres.h"
#include "harness/program.h"
#include "harness/s3_server.h"

namespace pgstow::test {

// Runs the binary with an empty working folder, backups in folder()/backups, and the server's
// connection variables. PGDATABASE is `database`.
class Pgstow {
 public:
  Pgstow(const TestServer& server, std::string database)
      : server_(&server), database_(std::move(database)) {}

  // More variables, "NAME=value", for every run; one of a name that was given before replaces it.
  Pgstow& with(std::string variable) {
    const std::string start = variable.substr(0, variable.find('=') + 1);
    std::erase_if(extra_, [&](const std::string& one) { return one.starts_with(start); });
    extra_.push_back(std::move(variable));
    return *this;
  }

  // How a bucket is reached; BACKUP_STORES says whether it is.
  Pgstow& with_bucket(const std::string& endpoint, const std::string& bucket, const S3Keys& keys) {
    return with("BACKUP_S3_BUCKET=" + bucket)
        .with("BACKUP_S3_ENDPOINT=" + endpoint)
        .with("AWS_ACCESS_KEY_ID=" + keys.access_key)
        .with("AWS_SECRET_ACCESS_KEY=" + keys.secret_key)
        .with("AWS_EC2_METADATA_DISABLED=true");
  }

  Program program(std::vector<std::string> arguments, const std::string& input = {}) const {
    Program p;
    p.argv = {PGSTOW_BINARY};
    p.argv.insert(p.argv.end(), arguments.begin(), arguments.end());
    p.env = server_->environment();
    p.env.push_back("PGDATABASE=" + database_);
    p.env.push_back("BACKUP_LOCAL_PATH=" + backups().string());
    p.env.insert(p.env.end(), extra_.begin(), extra_.end());
    p.input = input;
    p.folder = folder_.path();
    return p;
  }

  Outcome run(std::vector<std::string> arguments, const std::string& input = {}) const {
    return test::run(program(std::move(arguments), input));
  }

  std::filesystem::path backups() const { return folder_ / "backups"; }
  const std::filesystem::path& folder() const { return folder_.path(); }

  // Names of the visible files that end with `suffix`, sorted.
  std::vector<std::string> files(const std::string& suffix) const {
    std::vector<std::string> names;
    if (!std::filesystem::exists(backups())) return names;
    for (const auto& entry : std::filesystem::directory_iterator(backups())) {
      const std::string name = entry.path().filename();
      if (!name.starts_with('.') && name.ends_with(suffix)) names.push_back(name);
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  std::vector<std::string> archives() const { return files(".dump.gz"); }

 private:
  const TestServer* server_;
  std::string database_;
  TempDir folder_{"pgstow-e2e-"};
  std::vector<std::string> extra_;
};

}  // namespace pgstow::test
