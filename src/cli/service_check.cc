#include "cli/service_check.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "backup/config_state.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/text.h"
#include "store/folder.h"

namespace pgstow::cli {
namespace {

// A lock, the state and the log hang on it.
void check_state_folder(const Session& session) {
  const std::filesystem::path folder = need_state_folder(session.config);
  const Fd opened = make_folder(folder);
  const Fd file(::openat(opened.get(), ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, S_IRUSR | S_IWUSR));
  // Not every file system has files without a name.
  if (file || errno == EOPNOTSUPP || errno == EISDIR) return;
  throw_errno(folder.native());
}

void check_local_store(const StoreSettings& store) {
  // A further one may lie on a disk that is not mounted just now; backups say so.
  const Fd folder = store.name == "local" ? make_folder(store.folder) : open_folder(store.folder);
  if (folder && ::faccessat(folder.get(), ".", W_OK | X_OK, AT_EACCESS) != 0) {
    throw_errno(store.folder.native());
  }
}

void check_ca(const StoreSettings& store) {
  const std::filesystem::path& file = store.s3->settings.ca;
  if (file.empty()) return;
  if (const Fd opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC)); !opened)
    throw_errno(file.native());
}

void check_database(const Session& session) {
  const std::string& before = session.arguments.database_is;
  const std::string now = database_of(session);
  if (before.empty() || now == before) return;
  throw ConfigError(fmt::format("the database is {} now, the service is that of {}", printable(now),
                                printable(before)),
                    "for another database end the service and start it anew");
}

}  // namespace

void check_service(const Session& session) {
  check_database(session);
  check_state_folder(session);
  for (const StoreSettings& store : session.config.stores) {
    if (store.s3) {
      check_ca(store);
    } else {
      check_local_store(store);
    }
  }
  static_cast<void>(make_stores(session.config.stores, session.context));
}

}  // namespace pgstow::cli
