#include "backup/removal.h"

#include <algorithm>
#include <vector>

#include "backup/catalogue.h"
#include "base/error.h"

namespace pgstow {
namespace {

constexpr std::string_view kMark = "{\"schema\": \"pgstow.removed/1\"}\n";
constexpr std::string_view kProbe = "backup_removal_probe";  // there never is one

bool shares_manifest(const std::vector<Object>& objects, const std::string& archive_key) {
  return std::ranges::any_of(objects, [&](const Object& other) {
    return other.key != archive_key && archive_stem(other.key) &&
           manifest_key(other.key) == manifest_key(archive_key);
  });
}

// What lies beside an archive, the mark last. Only what is there: in a versioned bucket, removing
// what is not there leaves something, too.
void remove_beside(Store& store, const std::vector<Object>& objects,
                   const std::string& archive_key) {
  for (const std::string& key : {globals_key(archive_key), verification_key(archive_key),
                                 missed_key(archive_key), pin_key(archive_key)}) {
    if (std::ranges::find(objects, key, &Object::key) != objects.end()) store.remove(key);
  }
  store.remove(manifest_key(archive_key));
}

bool is_marked(Store& store, const std::string& key) {
  try {
    return is_removal_mark(read_object(store, key));
  } catch (const NotFound&) {  // gone meanwhile
    return false;
  }
}

}  // namespace

bool is_removal_mark(std::string_view manifest_text) { return manifest_text == kMark; }

void check_removable(Store& store) { store.remove(kProbe); }

void remove_backup(Store& store, const std::string& archive_key) {
  const std::vector<Object> objects = store.list(*archive_stem(archive_key));
  // Two archives of one stem share what lies beside them: the other one keeps it.
  if (shares_manifest(objects, archive_key)) {
    store.remove(archive_key);
    return;
  }
  write_object(store, manifest_key(archive_key), kMark, Existing::kReplace);
  store.remove(archive_key);
  remove_beside(store, objects, archive_key);
}

int finish_removals(Store& store) {
  int finished = 0;
  const std::vector<Object> objects = store.list();
  for (const Object& object : objects) {
    const auto stem = manifest_stem(object.key);
    if (!stem || object.size_bytes != kMark.size() || !is_marked(store, object.key)) continue;
    if (finished == 0) check_removable(store);
    for (const Object& other : objects) {
      if (archive_stem(other.key) == stem) store.remove(other.key);
    }
    remove_beside(store, objects, *stem);
    ++finished;
  }
  return finished;
}

}  // namespace pgstow
