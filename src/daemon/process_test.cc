#include "daemon/process.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <thread>

#include "base/error.h"
#include "daemon/service_config.h"
#include "harness/forked.h"
#include "harness/program.h"
#include "store/lock.h"
#include "store/testing_context.h"

namespace pgstow::test {
namespace {

using namespace std::chrono_literals;

// A service that has let go of its name, but not yet of its lock, when it is asked to end.
class Ending {
 public:
  explicit Ending(const std::filesystem::path& folder) {
    sigset_t term;
    sigset_t before;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &term, &before);
    process_.emplace([&folder, &term, this] {
      const FileLock held = FileLock::acquire(folder, service_lock_name("shop"), "the service",
                                              lock_holder({}, "run"));
      ready_.announce();
      int signal = 0;
      ::sigwait(&term, &signal);
      write_file(folder / lock_file_name(service_lock_name("shop")), "");
      std::this_thread::sleep_for(300ms);
      return 0;
    });
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    ready_.wait();
  }
  int wait() { return process_->wait(); }

 private:
  Announcement ready_;
  std::optional<Forked> process_;
};

TEST(ServiceProcess, IsWaitedForToItsEnd) {
  const TempDir folder;
  TestContext test;
  Ending service(folder.path());
  EXPECT_TRUE(service_process(folder.path(), "shop"));
  EXPECT_TRUE(stop_service(folder.path(), "shop", 1min, test.context()));
  EXPECT_FALSE(service_process(folder.path(), "shop"));
  EXPECT_EQ(service.wait(), 0);
}

TEST(ServiceProcess, NoneIsNoError) {
  const TempDir folder;
  TestContext test;
  EXPECT_FALSE(stop_service(folder.path(), "shop", 1min, test.context()));
}

TEST(ServiceProcess, OfAnotherHostIsNotSignalled) {
  const TempDir folder;
  const FileLock held = FileLock::acquire(folder.path(), service_lock_name("shop"), "the service",
                                          "pid 12 on host elsewhere since noon, command run");
  EXPECT_THROW(service_process(folder.path(), "shop"), Error);
}

}  // namespace
}  // namespace pgstow::test
