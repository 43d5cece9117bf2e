// The stores of a configuration, and what they hold together.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "backup/catalogue.h"
#include "backup/config_stores.h"
#include "base/context.h"
#include "base/error.h"
#include "store/local.h"
#include "store/s3_store.h"
#include "store/store.h"

namespace pgstow {

// One configured store.
struct Place {
  std::unique_ptr<Store> store;
  bool delivers = true;         // new backups go there, too; otherwise it is only read
  LocalStore* local = nullptr;  // the same store, if it is of this kind
  S3Store* s3 = nullptr;        // or of this
};

// What went wrong with one store while the others went on.
struct StoreFailure {
  std::string store;
  std::string problem;
  std::string hint;
  int exit_code = static_cast<int>(Exit::kFailed);  // of the error, had it been thrown
};

// In the order of the configuration, the nearest first. At least one. The stores are lent out as
// long as this lives.
class Stores {
 public:
  explicit Stores(std::vector<Place> places);

  const std::vector<Place>& places() const { return places_; }
  std::vector<Store*> all() const;
  std::vector<Store*> delivering() const;  // those that new backups go to
  // Throws ConfigError, naming those there are.
  Store& named(std::string_view name) const;

 private:
  std::vector<Place> places_;
};

// The stores that the configuration names. Nothing is opened or made yet. The context has to
// outlive them.
Stores make_stores(const std::vector<StoreSettings>& settings, const Context& context);

struct Listing {
  std::vector<Backup> backups;  // newest first, one for all its copies
  std::vector<StoreFailure> failures;
  std::vector<const Store*> read;  // those that were read, without folders that do not exist
};

// The backups of these stores. Copies of one backup are those with the same name whose manifests
// tell the same SHA-256 or, where one has none, with the same size. A store that can't be listed is
// a failure in the answer; when none can, the first one's error is thrown.
Listing list_backups(const std::vector<Store*>& stores, const Context& context);

// Throws, naming each, where nothing was found but stores could not be read: nobody knows what lies
// there. ConfigError where the first of these failed with one, otherwise Error.
void refuse_unread(const Listing& listing);

}  // namespace pgstow
