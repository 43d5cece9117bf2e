// A real Docker engine, and PostgreSQL in containers of it.
//
// The containers need no registry and no bootstrap: their image is a folder of links and a script
// (test/container/entrypoint), and /usr, with the PostgreSQL of this host in it, is mounted from
// the host, read-only; or that of another Debian, for another version (test/roots). They have a
// network of their own with a loopback device alone, as an engine without bridges gives it, or that
// of the host.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "harness/guarded_folder.h"
#include "harness/program.h"

namespace pgstow::test {

// An engine of our own: needs root. It goes with the object, with all its containers. Throws Error
// with the end of its log when it does not start.
class DockerEngine {
 public:
  DockerEngine();
  DockerEngine(const DockerEngine&) = delete;
  ~DockerEngine();

  // For DOCKER_HOST: "unix:///tmp/.../docker.sock".
  std::string host() const;

 private:
  std::string log_end() const;

  GuardedFolder folder_{"pgstow-docker-"};
  std::unique_ptr<Running> engine_;
};

// The host of the engine that all tests of a run share.
std::string shared_docker();

// Runs `docker ARGUMENTS` with the shared engine; throws Error when it fails.
std::string docker(std::vector<std::string> arguments);

struct ContainerOptions {
  std::string name = {};                 // empty: one of its own
  std::vector<std::string> flags = {};   // of `docker run`, before the image: {"-e", "X=y"}
  std::vector<std::string> server = {};  // arguments of the server
  std::string network = "none";
  std::filesystem::path usr = "/usr";  // what is mounted as its /usr; see usr_with_postgres()
  bool wait = true;                    // until the server answers
  // Another system identifier than the containers without this, which begin with a copy of what the
  // first of them made.
  bool own_identity = false;
};

// The /usr of the Debian that has this major version of PostgreSQL, which test/roots has unpacked.
// Throws Error, naming the command, when it is not there.
std::filesystem::path usr_with_postgres(const std::string& major);

// A database finance_bot of finance_user, with the password "p@ss w'rd", in a container.
class DatabaseContainer {
 public:
  explicit DatabaseContainer(const ContainerOptions& options = {});
  DatabaseContainer(const DatabaseContainer&) = delete;
  ~DatabaseContainer();

  const std::string& name() const { return name_; }
  void await_server() const;
  // What psql -At prints.
  std::string sql(const std::string& statements, const std::string& database = "finance_bot") const;
  void script(const std::filesystem::path& file) const;
  // A plain pg_dump of the database, as comparable() has it.
  std::string dump(const std::string& database = "finance_bot") const;
  // The command lines of the processes in it that are not the server's.
  std::vector<std::string> strangers() const;

 private:
  std::string name_;
};

}  // namespace pgstow::test
