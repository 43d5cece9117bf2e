// A database in a container, on a host that has no PostgreSQL: the guide's setting and its three
// scenarios, and what goes wrong with containers. Container and engine are real.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <thread>

#include "base/text.h"
#include "e2e/container_host.h"
#include "e2e/faults.h"
#include "harness/docker.h"
#include "harness/dump_text.h"
#include "harness/ports.h"
#include "harness/postgres.h"

namespace pgstow::test {
namespace {

namespace fs = std::filesystem;

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

// PostgreSQL restarts all sessions when a process that it did not start ends by a signal under it,
// as its orphans do where it is the container's first process.
void expect_server_undisturbed(const DatabaseContainer& container) {
  EXPECT_THAT(run_ok({.argv = {"sh", "-c", "docker logs \"$0\" 2>&1", container.name()},
                      .env = {"DOCKER_HOST=" + shared_docker()}}),
              AllOf(Not(HasSubstr("was terminated by")), Not(HasSubstr("reinitializing"))));
}

void await_nothing_left(const DatabaseContainer& container) {
  await("the end of our processes in the container", [&] { return container.strangers().empty(); });
  expect_server_undisturbed(container);
}

TEST(Container, TheGuidesScenariosOnAHostWithoutPostgres) {
  auto container = std::make_unique<DatabaseContainer>();
  const std::string name = container->name();
  container->script(test_sql("finance.sql"));
  const std::string before = container->dump();
  const Host host = host_of(*container);
  const Outcome backup = host.run({"backup"});
  ASSERT_TRUE(backup.ok()) << backup.describe();
  EXPECT_THAT(backup.err, AllOf(HasSubstr("Backup completed successfully"),
                                Not(HasSubstr("warning")), Not(HasSubstr("p@ss"))));
  const Outcome list = host.run({"list"});
  EXPECT_THAT(list.out, HasSubstr("23,560  finance_bot")) << list.describe();
  EXPECT_TRUE(host.run({"verify"}).ok());
  await_nothing_left(*container);

  // Scenario 2: the database is corrupted, and made anew by hand.
  container->sql("drop database finance_bot", "postgres");
  container->sql("create database finance_bot", "postgres");
  const Outcome corrupted = host.run({"restore", "--yes"});
  ASSERT_TRUE(corrupted.ok()) << corrupted.describe();
  EXPECT_THAT(corrupted.out, HasSubstr("every row equal to the backup's proof"));
  EXPECT_EQ(first_difference(before, container->dump()), "");
  EXPECT_TRUE(host.run({"undo", "--yes"}).ok());
  EXPECT_EQ(container->sql("select count(*) from pg_class where relname = 'users'"), "0");
  await_nothing_left(*container);

  // Scenario 1: the volume is gone. The new container is not waited for.
  container.reset();
  container = std::make_unique<DatabaseContainer>(
      ContainerOptions{.name = name, .wait = false, .own_identity = true});
  const Outcome lost = host.run({"restore", "--yes"});
  ASSERT_TRUE(lost.ok()) << lost.describe();
  EXPECT_EQ(first_difference(before, container->dump()), "");

  // Scenario 3: another server, here one that shares the network of its host.
  const std::string port = std::to_string(free_port());
  const DatabaseContainer other(
      {.flags = {"-e", "PGPORT=" + port}, .network = "host", .own_identity = true});
  Host new_host = host_of(other);
  fs::create_directory(new_host.backups());
  fs::copy(host.backups(), new_host.backups(), fs::copy_options::recursive);
  const Outcome moved = new_host.run({"-v", "restore", "--yes"});
  ASSERT_TRUE(moved.ok()) << moved.describe();
  EXPECT_THAT(moved.err, HasSubstr("by 127.0.0.1:" + port));
  EXPECT_EQ(first_difference(before, other.dump()), "");
  await_nothing_left(other);
}

// A network of its own, in which a port of the loopback device leads to the server.
std::unique_ptr<Running> network_with(const TestServer& server, const std::string& port) {
  const std::string socket =
      fmt::format("{}/.s.PGSQL.{}", server.socket_dir().native(), server.port());
  auto network = std::make_unique<Running>(
      Program{.argv = {"unshare", "--net", "sh", "-c",
                       "ip link set lo up && exec socat "
                       "TCP-LISTEN:$0,bind=127.0.0.1,fork UNIX-CONNECT:\"$1\"",
                       port, socket}});
  await("the network", [&] {
    return run({.argv = {"nsenter", fmt::format("--net=/proc/{}/ns/net", network->pid()),
                         "pg_isready", "-q", "-h", "127.0.0.1", "-p", port}})
        .ok();
  });
  return network;
}

// As with an engine that has a network of its own (one without root's rights), or one on another
// host, behind a forwarded socket: its address, as seen from here, is that of another server. Both
// know the user and the database.
TEST(Container, AnotherServerAtTheContainersAddressIsLeftAlone) {
  const std::string port = std::to_string(free_port());
  const DatabaseContainer container({.flags = {"-e", "PGPORT=" + port}, .network = "host"});
  container.sql("create table inside(i int); insert into inside values (1)");
  const TestServer other;
  other.sql("postgres", "create role finance_user login superuser");
  other.create_database("finance_bot");
  other.sql("finance_bot", "create table outside(i int); insert into outside values (1)");
  const auto network = network_with(other, port);
  Host host = host_of(container);
  host.network_of(network->pid());
  const Outcome backup = host.run({"backup"});
  ASSERT_TRUE(backup.ok()) << backup.describe();
  EXPECT_THAT(backup.err, AllOf(HasSubstr("another server is reached by 127.0.0.1:" + port),
                                HasSubstr("there="), HasSubstr("inside=")));
  container.sql("insert into inside values (2)");
  const Outcome restore = host.run({"restore", "--in-place", "--yes"});
  ASSERT_TRUE(restore.ok()) << restore.describe();
  EXPECT_EQ(container.sql("select count(*) from inside"), "1");
  EXPECT_EQ(other.value("finance_bot", "select count(*) from outside"), "1");
  await_nothing_left(container);
}

class ContainerFault : public testing::Test {
 protected:
  ContainerFault() { container.sql("create table note(i int); insert into note values (1)"); }

  void expect_refused(const Outcome& outcome, int exit_code, const std::string& what,
                      const std::string& hint) const {
    EXPECT_EQ(outcome.exit_code, exit_code) << outcome.describe();
    EXPECT_THAT(outcome.err, AllOf(HasSubstr(what), HasSubstr("hint: "), HasSubstr(hint)));
    EXPECT_THAT(host.archives(), IsEmpty());
  }

  // Whether the process is the run's, or was started by it. Other tests run beside this one.
  static bool is_of(const Running& run, pid_t pid) {
    while (pid > 1 && pid != run.pid()) {
      std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
      const std::string stat{std::istreambuf_iterator<char>(file), {}};
      const std::size_t name_end = stat.rfind(')');
      if (name_end == std::string::npos) return false;  // it has ended
      pid = std::atoi(stat.c_str() + name_end + 4);     // behind ") S "
    }
    return pid == run.pid();
  }
  // A backup whose pg_dump waits for the lock of another session.
  Running backup_in_its_midst() {
    lock = std::make_unique<Running>(
        Program{.argv = {"docker", "exec", container.name(), "psql", "-Xq", "-U", "finance_user",
                         "-d", "finance_bot", "-c", "begin; lock table note; select pg_sleep(600)"},
                .env = {"DOCKER_HOST=" + shared_docker()}});
    await("the lock", [&] { return locks("AccessExclusiveLock", true) == "1"; });
    Running run(host.program({"backup"}));
    await("pg_dump", [&] { return locks("AccessShareLock", false) == "1" || run.ended(); });
    EXPECT_FALSE(run.ended()) << run.err();
    return run;
  }
  std::string locks(const std::string& mode, bool granted) const {
    return container.sql(
        "select count(*) from pg_locks where relation = 'note'::regclass and "
        "mode = '" +
        mode + "' and granted = " + (granted ? "true" : "false"));
  }
  void end_lock(const std::string& name) {
    docker({"exec", name, "psql", "-Xq", "-U", "finance_user", "-d", "finance_bot", "-c",
            "select pg_terminate_backend(pid) from pg_stat_activity where query like "
            "'begin; lock%'"});
    lock->wait();
    lock.reset();
  }
  // Nothing of ours is left in the container, nothing is listed, and the next run works.
  void expect_recovered() {
    // While the lock is held: pg_dump would end by itself without it.
    await("the end of our processes, but for the lock's", [&] {
      return std::ranges::all_of(container.strangers(), [](const std::string& line) {
        return line.find("lock table note") != std::string::npos;
      });
    });
    end_lock(container.name());
    await_nothing_left(container);
    EXPECT_THAT(host.archives(), IsEmpty());
    const Outcome next = host.run({"backup"});
    EXPECT_TRUE(next.ok()) << next.describe();
    EXPECT_THAT(host.archives(), SizeIs(1));
  }

  DatabaseContainer container;
  Host host = host_of(container);
  std::unique_ptr<Running> lock;
};

TEST_F(ContainerFault, NotRunningPausedUnknownAmbiguous) {
  docker({"pause", container.name()});
  expect_refused(host.run({"backup"}), 1, "Database container not running: " + container.name(),
                 "docker unpause " + container.name());
  docker({"unpause", container.name()});
  docker({"stop", "-t", "0", container.name()});
  expect_refused(host.run({"backup"}), 1, "Database container not running: " + container.name(),
                 "docker start " + container.name());
  const Outcome doctor = host.run({"doctor"});
  EXPECT_EQ(doctor.exit_code, 1) << doctor.describe();
  EXPECT_THAT(doctor.out, HasSubstr("Database container not running"));

  Host unknown("BACKUP_CONTAINER=" + container.name() + "x");
  expect_refused(unknown.run({"backup"}), 10, "no container " + container.name() + "x",
                 "did you mean " + container.name());
  const DatabaseContainer twin({.flags = {"--label", "twin=yes"}, .wait = false});
  const DatabaseContainer other({.flags = {"--label", "twin=yes"}, .wait = false});
  expect_refused(Host("BACKUP_CONTAINER=label=twin=yes").run({"backup"}), 2,
                 "may mean several containers", "name one of them");
}

TEST_F(ContainerFault, NoEngineNoRightNoCommand) {
  const std::string engine = shared_docker();
  host.engine("unix:///nowhere/docker.sock");
  expect_refused(host.run({"backup"}), 1, "/nowhere/docker.sock", "systemctl start docker");

  host.engine(engine);
  Program program = host.program({"doctor"});
  program.argv = {"setpriv", "--reuid=nobody", "--clear-groups", PGSTOW_BINARY, "doctor"};
  program.folder = "/";
  EXPECT_THAT(run(program).out, AllOf(HasSubstr(engine.substr(7) + ": this user may not open it"),
                                      HasSubstr("group docker")));

  program = host.program({"backup"});
  program.env.emplace_back("PATH=/nowhere");
  program.argv = {PGSTOW_BINARY, "backup"};
  expect_refused(run(program), 10, "no docker (or podman) command in PATH", "docker-cli");
}

TEST_F(ContainerFault, WhileNoServerAnswersItWaits) {
  const DatabaseContainer silent({.flags = {"-e", "WAIT_FOR=/go"}, .wait = false});
  const Host other = host_of(silent);
  Running run(other.program({"backup"}));
  await("patience", [&] { return run.err().find("does not answer yet") != std::string::npos; });
  docker({"exec", silent.name(), "touch", "/go"});
  const Outcome outcome = run.wait();
  EXPECT_TRUE(outcome.ok()) << outcome.describe();
  await_nothing_left(silent);
}

TEST_F(ContainerFault, AStopLeavesNothingInTheContainer) {
  Running run = backup_in_its_midst();
  run.signal(SIGTERM);
  EXPECT_EQ(run.wait().exit_code, 128 + SIGTERM);
  expect_recovered();
}

TEST_F(ContainerFault, SigkillLeavesNothingInTheContainer) {
  Running run = backup_in_its_midst();
  for (const pid_t pid : processes_naming(PGSTOW_BINARY)) {
    if (is_of(run, pid)) ::kill(pid, SIGKILL);
  }
  run.signal(SIGKILL);
  static_cast<void>(run.wait());
  expect_recovered();
}

TEST_F(ContainerFault, ADockerCommandThatIsKilledFailsTheBackup) {
  Running run = backup_in_its_midst();
  for (const pid_t pid : processes_naming("--lock-wait-timeout")) {
    if (is_of(run, pid) &&
        fs::read_symlink("/proc/" + std::to_string(pid) + "/exe").filename() == "docker") {
      ::kill(pid, SIGKILL);
    }
  }
  const Outcome outcome = run.wait();
  EXPECT_EQ(outcome.exit_code, 1) << outcome.describe();
  EXPECT_THAT(outcome.err, HasSubstr("ended by signal 9"));
  expect_recovered();
}

TEST_F(ContainerFault, AContainerKilledInTheMidst) {
  Running run = backup_in_its_midst();
  docker({"kill", container.name()});
  const Outcome outcome = run.wait();
  EXPECT_EQ(outcome.exit_code, 1) << outcome.describe();
  EXPECT_THAT(outcome.err, HasSubstr("is not running any more (exited, status 137"));
  EXPECT_THAT(host.archives(), IsEmpty());
  docker({"start", container.name()});
  const Outcome next = host.run({"backup"});
  EXPECT_TRUE(next.ok()) << next.describe();
}

TEST_F(ContainerFault, AContainerRenamedInTheMidst) {
  Running run = backup_in_its_midst();
  const std::string renamed = container.name() + "_new";
  docker({"rename", container.name(), renamed});
  end_lock(renamed);
  const Outcome outcome = run.wait();
  docker({"rename", renamed, container.name()});
  EXPECT_TRUE(outcome.ok()) << outcome.describe();
}

// pg_restore has read all of its archive by then, and builds an index that takes for ever.
TEST_F(ContainerFault, ARestoreThatIsStoppedLeavesNothingInTheContainer) {
  container.sql(
      "create function slow(i int) returns int language plpgsql immutable as 'begin if "
      "current_database() like ''%restoring%'' then perform pg_sleep(600); end if; return i; end';"
      "create index on note(slow(i))");
  ASSERT_TRUE(host.run({"backup"}).ok());
  Running run(host.program({"restore", "--yes"}));
  await("the index", [&] {
    return run.ended() || container.sql(
                              "select count(*) from pg_stat_activity where query like "
                              "'CREATE INDEX%' and state = 'active'") == "1";
  });
  ASSERT_FALSE(run.ended()) << run.err();
  run.signal(SIGTERM);
  const Outcome outcome = run.wait();
  EXPECT_EQ(outcome.exit_code, 128 + SIGTERM) << outcome.describe();
  await_nothing_left(container);
  EXPECT_EQ(
      container.sql("select string_agg(datname, ' ' order by datname) from pg_database where not "
                    "datistemplate"),
      "finance_bot postgres");
}

// What the settings say, and what the container says: users, passwords, secret files, another way.
TEST(Container, SettingsOverWhatTheContainerSays) {
  const DatabaseContainer container({.flags = {"--label", "com.docker.compose.project=bot",
                                               "--label", "com.docker.compose.service=db"}});
  container.sql("create database shop", "postgres");
  container.sql("create table t(i int)", "shop");
  Host url("BACKUP_CONTAINER=bot/db");
  url.with("DATABASE_URL=postgresql://finance_user:p%40ss%20w%27rd@db:5432/shop?sslmode=prefer");
  const Outcome by_url = url.run({"backup", "--json"});
  ASSERT_TRUE(by_url.ok()) << by_url.describe();
  EXPECT_THAT(by_url.out, HasSubstr("\"database\": \"shop\""));
  Host wrong("BACKUP_CONTAINER=db");
  wrong.with("POSTGRES_USER=nobody_here").with("POSTGRES_PASSWORD=x");
  const Outcome refused = wrong.run({"backup"});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("nobody_here"), HasSubstr("hint: ")));
  const std::string id = docker({"inspect", "-f", "{{.Id}}", container.name()});
  Host exec("BACKUP_EXEC=docker exec -i " + id.substr(0, 12));
  exec.with("DATABASE_URL=postgresql://finance_user@/finance_bot?host=/run/postgresql");
  const Outcome by_command = exec.run({"backup"});
  EXPECT_TRUE(by_command.ok()) << by_command.describe();
  await_nothing_left(container);
}

// Its health check may be wrong; its password is in a file that is there only.
TEST(Container, AnUnhealthyOneIsTriedWithAPasswordFromItsSecretFile) {
  const TempDir secrets("pgstow-secret-");
  write_file(secrets / "password", "of the file\n");
  const DatabaseContainer container(
      {.flags = {"-e", "POSTGRES_PASSWORD=", "-e", "POSTGRES_PASSWORD_FILE=/secrets/password", "-v",
                 secrets.path().string() + ":/secrets:ro", "--health-cmd", "echo no pulse; false",
                 "--health-interval", "1s", "--health-retries", "1"}});
  await("bad health", [&] {
    return trim(docker({"inspect", "-f", "{{.State.Health.Status}}", container.name()})) ==
           "unhealthy";
  });
  const Host host = host_of(container);
  const Outcome backup = host.run({"backup"});
  EXPECT_TRUE(backup.ok()) << backup.describe();
  EXPECT_THAT(backup.err, HasSubstr("is unhealthy: no pulse"));
  EXPECT_THAT(host.run({"doctor"}).out,
              AllOf(HasSubstr("warn  container"), HasSubstr("is unhealthy: no pulse")));
}

}  // namespace
}  // namespace pgstow::test
