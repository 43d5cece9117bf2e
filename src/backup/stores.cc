#include "backup/stores.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <map>
#include <tuple>
#include <utility>

#include "base/error.h"
#include "base/fd.h"
#include "base/text.h"
#include "pg/conninfo.h"

namespace pgstow {
namespace {

// An archive that is shorter than the manifest of another copy says, and has none of its own, was
// cut short.
bool is_cut_copy(const Backup& copy, const Backup& whole) {
  const bool in_bucket = copy.store().name().starts_with("s3");  // S3 shows whole objects only
  return !in_bucket && !copy.manifest && whole.manifest &&
         copy.bytes < whole.manifest->stored.bytes;
}

bool same_bytes(const Backup& a, const Backup& b) {
  if (a.manifest && b.manifest) return a.manifest->stored.sha256 == b.manifest->stored.sha256;
  return a.bytes == b.bytes || is_cut_copy(a, b) || is_cut_copy(b, a);
}

bool damaged(const Backup& backup) {
  const std::string& state = backup.copies.front().state;
  return state == "damaged" || state == "unreadable";
}

// Makes one of two copies of a backup; the nearer one is described unless only the other is whole.
void merge(Backup& known, Backup copy) {
  if (is_cut_copy(copy, known)) copy.copies.front().state = "damaged";
  if (is_cut_copy(known, copy)) known.copies.front().state = "damaged";
  if (damaged(known) && !damaged(copy)) {
    std::swap(known, copy);
    known.copies.insert(known.copies.end(), copy.copies.begin(), copy.copies.end());
    return;
  }
  known.copies.insert(known.copies.end(), copy.copies.begin(), copy.copies.end());
}

}  // namespace

Stores::Stores(std::vector<Place> places) : places_(std::move(places)) {}

std::vector<Store*> Stores::all() const {
  std::vector<Store*> stores;
  stores.reserve(places_.size());
  for (const Place& place : places_) stores.push_back(place.store.get());
  return stores;
}

std::vector<Store*> Stores::delivering() const {
  std::vector<Store*> stores;
  for (const Place& place : places_) {
    if (place.delivers) stores.push_back(place.store.get());
  }
  return stores;
}

Store& Stores::named(std::string_view name) const {
  std::vector<std::string> names;
  for (const Place& place : places_) {
    if (place.store->name() == name) return *place.store;
    names.push_back(place.store->name());
  }
  throw ConfigError(fmt::format("no store is called \"{}\"", printable(pg::mask_word(name))),
                    "configured are " + join(names, ", "));
}

namespace {

Place make_place(const StoreSettings& settings, const Context& context) {
  Place place{.store = {}, .delivers = settings.delivers};
  if (settings.s3) {
    auto store = connect_s3(*settings.s3, context);
    place.s3 = store.get();
    place.store = std::move(store);
    return place;
  }
  using Missing = LocalStore::Missing;
  auto store = std::make_unique<LocalStore>(settings.folder, settings.name,
                                            settings.name == "local" ? Missing::kMake
                                            : settings.below         ? Missing::kMakeBelow
                                                                     : Missing::kRefuse);
  place.local = store.get();
  place.store = std::move(store);
  return place;
}

}  // namespace

Stores make_stores(const std::vector<StoreSettings>& settings, const Context& context) {
  std::vector<Place> places;
  places.reserve(settings.size());
  for (const StoreSettings& one : settings) places.push_back(make_place(one, context));
  return Stores(std::move(places));
}

Listing list_backups(const std::vector<Store*>& stores, const Context& context) {
  Listing listing;
  std::exception_ptr first_failure;
  for (Store* store : stores) {
    check_stop(context.stop);
    try {
      for (Backup& backup : list_backups(*store)) {
        const auto known = std::ranges::find_if(listing.backups, [&](const Backup& other) {
          return other.key == backup.key && same_bytes(other, backup);
        });
        if (known == listing.backups.end()) {
          listing.backups.push_back(std::move(backup));
        } else {
          merge(*known, std::move(backup));
        }
      }
      if (store->exists()) listing.read.push_back(store);
    } catch (const Cancelled&) {
      throw;
    } catch (const Error& e) {
      if (!first_failure) first_failure = std::current_exception();
      listing.failures.push_back({store->name(), e.what(), e.hint(), e.exit_code()});
    }
  }
  if (!stores.empty() && listing.failures.size() == stores.size()) {
    std::rethrow_exception(first_failure);
  }
  std::ranges::stable_sort(listing.backups, [](const Backup& a, const Backup& b) {
    return std::tie(a.time, a.key) > std::tie(b.time, b.key);
  });
  return listing;
}

void refuse_unread(const Listing& listing) {
  if (!listing.backups.empty() || listing.failures.empty()) return;
  std::vector<std::string> lines;
  lines.reserve(listing.read.size() + listing.failures.size());
  for (const Store* store : listing.read) {
    lines.push_back("no backups found in " + printable(store->location("")));
  }
  for (const StoreFailure& failure : listing.failures) {
    lines.push_back(fmt::format("{} could not be read: {}", failure.store, failure.problem));
  }
  const StoreFailure& first = listing.failures.front();
  const std::string text = join(lines, "; ");
  if (first.exit_code == static_cast<int>(Exit::kUsage)) throw ConfigError(text, first.hint);
  throw Error(text, first.hint);
}

}  // namespace pgstow
