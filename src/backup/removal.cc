#include "backup/removal.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "backup/catalogue.h"
#include "base/error.h"

namespace pgstow {
namespace {

constexpr std::string_view kMark = "{\"schema\": \"pgstow.removed/1\"}\n";
constexpr std::string_view kProbe = "backup_removal_probe";  // there never is one

bool has(const std::vector<Object>& objects, const std::string& key) {
  return std::ranges::find(objects, key, &Object::key) != objects.end();
}

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
    if (has(objects, key)) store.remove(key);
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

using Text = std::optional<std::string>;

// Takes the mark away again, unless the archive has gone all the same.
void put_back(Store& store, const std::string& archive_key, const Text& manifest) {
  if (!has(store.list(archive_key), archive_key)) return;
  const std::string key = manifest_key(archive_key);
  if (manifest) {
    write_object(store, key, *manifest, Existing::kRenew);
  } else {
    store.remove(key);
  }
}

// An archive that stays for good must not lose its proof.
void remove_marked(Store& store, const std::string& archive_key, const Text& manifest) {
  try {
    store.remove(archive_key);
  } catch (const Cancelled&) {
    throw;
  } catch (const Transient&) {  // may have been carried out, or still be: the next run ends it
    throw;
  } catch (Error& e) {
    try {
      put_back(store, archive_key, manifest);
    } catch (const Error& again) {
      e.within(fmt::format("its manifest could not be put back ({})", again.what()));
    }
    throw;
  }
}

bool is_begun(Store& store, const Object& object) {
  return manifest_stem(object.key) && object.size_bytes == kMark.size() &&
         is_marked(store, object.key);
}

void finish_one(Store& store, const std::vector<Object>& objects, const std::string& stem) {
  for (const Object& other : objects) {
    if (archive_stem(other.key) == stem) store.remove(other.key);
  }
  remove_beside(store, objects, stem);
}

}  // namespace

bool is_removal_mark(std::string_view manifest_text) { return manifest_text == kMark; }

void check_removable(Store& store) { store.remove(kProbe); }

Removal remove_backup(Store& store, const std::string& archive_key) {
  const std::vector<Object> objects = store.list(*archive_stem(archive_key));
  const std::string pin = pin_key(archive_key);
  if (has(objects, pin) && is_pinned(store, pin)) return Removal::kPinned;
  // Two archives of one stem share what lies beside them: the other one keeps it.
  if (shares_manifest(objects, archive_key)) {
    store.remove(archive_key);
    return Removal::kDone;
  }
  const std::string key = manifest_key(archive_key);
  const Text manifest = has(objects, key) ? Text(read_object(store, key)) : std::nullopt;
  write_object(store, key, kMark, Existing::kReplace);
  remove_marked(store, archive_key, manifest);
  remove_beside(store, objects, archive_key);
  return Removal::kDone;
}

Finished finish_removals(Store& store) {
  Finished finished;
  bool asked = false;
  const std::vector<Object> objects = store.list();
  for (const Object& object : objects) {
    if (!is_begun(store, object)) continue;
    if (!std::exchange(asked, true)) check_removable(store);
    try {
      finish_one(store, objects, *manifest_stem(object.key));
      ++finished.removals;
    } catch (const Cancelled&) {
      throw;
    } catch (const Transient&) {
      throw;
    } catch (const Error& e) {
      finished.failures.push_back({object.key, e.what(), e.hint()});
    }
  }
  return finished;
}

}  // namespace pgstow
