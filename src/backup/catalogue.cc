#include "backup/catalogue.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cstddef>
#include <map>
#include <set>

#include "backup/removal.h"
#include "base/error.h"
#include "base/json.h"
#include "stream/ordered.h"

namespace pgstow {
namespace {

constexpr std::array<std::string_view, 3> kSuffixes{".dump.gz", ".dump.zst", ".dump"};
constexpr std::string_view kPrefix = "backup_";
constexpr std::string_view kManifestSuffix = ".json";
constexpr std::string_view kVerificationSuffix = ".verified.json";
constexpr std::string_view kGlobalsSuffix = ".globals.sql.gz";
constexpr std::string_view kMissedSuffix = ".missed.json";
constexpr std::string_view kPinSuffix = ".pin.json";
constexpr std::array kNoteSuffixes{kVerificationSuffix, kMissedSuffix, kPinSuffix};
constexpr unsigned kReaders = 8;
constexpr std::size_t kObjectLimit = 256u << 20;

std::optional<Time> time_in_name(std::string_view stem) {
  if (!stem.starts_with(kPrefix)) return std::nullopt;
  return parse_stamp(stem.substr(kPrefix.size()).substr(0, 15));
}

Verification parse_verification(std::string_view text, const std::string& name) {
  const boost::json::object o = parse_json_object(text, name);
  const auto time = parse_rfc3339(get_string(o, "time", name));
  if (!time) throw Corrupt(name + ": time: not RFC 3339");
  return {.time = *time,
          .good = get_bool(o, "good", name),
          .bytes = get_uint(o, "bytes", name),
          .sha256 = get_string(o, "sha256", name),
          .problem = get_string(o, "problem", name),
          .globals_problem = o.contains("globals_problem") ? get_string(o, "globals_problem", name)
                                                           : std::string()};
}

// The key of what lies beside an archive.
std::string beside(std::string_view archive_key, std::string_view with) {
  return archive_stem(archive_key).value_or(std::string(archive_key)) + std::string(with);
}

enum class Standing { kBackup, kRemoved };

Standing read_manifest(Store& store, Backup& backup) {
  const std::string key = manifest_key(backup.key);
  try {
    const std::string text = read_object(store, key);
    if (is_removal_mark(text)) return Standing::kRemoved;
    Manifest manifest = parse_manifest(text, key);
    if (manifest.archive != backup.key) {
      // Another archive of the same stem, .dump.zst beside .dump.gz, has it and we have none.
      if (archive_stem(manifest.archive) == archive_stem(backup.key)) return Standing::kBackup;
      backup.manifest_problem = fmt::format("{} belongs to {}", key, manifest.archive);
      return Standing::kBackup;
    }
    backup.time = manifest.snapshot_time;
    backup.manifest = std::move(manifest);
  } catch (const Transient&) {  // says nothing of the backup
    throw;
  } catch (const Cancelled&) {
    throw;
  } catch (const Error& e) {  // an unusable manifest must not hide the other backups
    backup.manifest_problem = e.what();
    backup.unreadable = dynamic_cast<const Corrupt*>(&e) == nullptr;
  }
  return Standing::kBackup;
}

void read_verification(Store& store, Backup& backup) {
  const std::string key = verification_key(backup.key);
  try {
    Verification verification = parse_verification(read_object(store, key), key);
    // A record of other bytes than those that lie there now says nothing.
    if (verification.bytes == backup.bytes) backup.verification = std::move(verification);
  } catch (const Cancelled&) {
    throw;
  } catch (const NotFound&) {  // gone meanwhile
    return;
  } catch (const Corrupt&) {  // only a note of ours: as if never verified
    return;
  } catch (const Error&) {  // it may well say that the backup is damaged
    backup.verification_unknown = true;
  }
}

using Sizes = std::map<std::string, std::uint64_t>;  // of the store's objects, by key

bool lacks_globals(const Backup& backup, const Sizes& objects) {
  if (!backup.manifest || !backup.manifest->globals) return false;
  const auto found = objects.find(globals_key(backup.key));
  return found == objects.end() || found->second != backup.manifest->globals->stored.bytes ||
         (backup.verification && !backup.verification->globals_problem.empty());
}

// Nothing when its removal has begun.
std::optional<Backup> make_backup(Store& store, const Object& object, const Sizes& keys) {
  Backup backup;
  backup.key = object.key;
  backup.bytes = object.size_bytes;
  backup.time = time_in_name(*archive_stem(object.key)).value_or(object.modified);
  if (keys.contains(manifest_key(object.key)) &&
      read_manifest(store, backup) == Standing::kRemoved) {
    return std::nullopt;
  }
  if (keys.contains(verification_key(object.key))) read_verification(store, backup);
  const std::string pin = pin_key(object.key);
  backup.pinned = keys.contains(pin) && is_pinned(store, pin);
  backup.missed = keys.contains(missed_key(object.key));
  backup.copies.push_back(
      {.store = &store, .state = backup.state(), .lacks_globals = lacks_globals(backup, keys)});
  return backup;
}

}  // namespace

bool Backup::is_ours() const {
  if (manifest) return true;
  const std::optional<std::string> stem = archive_stem(key);
  return stem && stem->starts_with(kPrefix) && parse_stamp(stem->substr(kPrefix.size()));
}

std::string Backup::state() const {
  if (!manifest_problem.empty()) return unreadable ? "unreadable" : "damaged";
  if (manifest && manifest->stored.bytes != bytes) return "damaged";
  if (verification && !verification->good) return "damaged";
  if (bytes == 0) return "damaged";
  if (!manifest) return "no proof";
  return verification && verification->sha256 == manifest->stored.sha256 ? "verified"
                                                                         : "unverified";
}

std::optional<std::string> archive_stem(std::string_view key) {
  for (const std::string_view suffix : kSuffixes) {
    if (key.ends_with(suffix) && key.size() > suffix.size()) {
      return std::string(key.substr(0, key.size() - suffix.size()));
    }
  }
  return std::nullopt;
}

std::optional<std::string> manifest_stem(std::string_view key) {
  const bool note = std::ranges::any_of(
      kNoteSuffixes, [&](std::string_view suffix) { return key.ends_with(suffix); });
  if (note || !key.ends_with(kManifestSuffix)) return std::nullopt;
  return std::string(key.substr(0, key.size() - kManifestSuffix.size()));
}

std::string manifest_key(std::string_view archive_key) {
  return beside(archive_key, kManifestSuffix);
}

std::string verification_key(std::string_view archive_key) {
  return beside(archive_key, kVerificationSuffix);
}

std::string globals_key(std::string_view archive_key) {
  return beside(archive_key, kGlobalsSuffix);
}

std::string missed_key(std::string_view archive_key) { return beside(archive_key, kMissedSuffix); }

std::string pin_key(std::string_view archive_key) { return beside(archive_key, kPinSuffix); }

bool is_pinned(Store& store, const std::string& key) {
  try {
    const boost::json::object pin = parse_json_object(read_object(store, key), key);
    return !pin.contains("pinned") || get_bool(pin, "pinned", key);
  } catch (const Cancelled&) {
    throw;
  } catch (const NotFound&) {  // taken away meanwhile
    return false;
  } catch (const Error&) {
    return true;
  }
}

std::vector<std::string> missed_notes(Store& store) {
  std::vector<std::string> notes;
  for (const Object& object : store.list(kPrefix)) {
    if (object.key.ends_with(kMissedSuffix)) notes.push_back(object.key);
  }
  return notes;
}

std::vector<Backup> list_backups(Store& store) {
  const std::vector<Object> objects = store.list();
  Sizes keys;
  for (const Object& object : objects) keys[object.key] = object.size_bytes;
  std::vector<Backup> backups;
  Ordered<std::optional<Backup>> readers(kReaders);  // each may be a round trip or two
  const auto take = [&] {
    if (std::optional<Backup> backup = readers.next()) backups.push_back(std::move(*backup));
  };
  for (const Object& object : objects) {
    if (!archive_stem(object.key)) continue;
    if (readers.pending() == std::size_t{2} * kReaders) take();
    readers.submit([&store, &object, &keys] { return make_backup(store, object, keys); });
  }
  while (readers.pending() > 0) take();
  std::ranges::sort(backups, [](const Backup& a, const Backup& b) {
    return std::tie(a.time, a.key) > std::tie(b.time, b.key);
  });
  return backups;
}

std::vector<std::string> orphaned_manifests(Store& store) {
  std::set<std::string> stems;
  std::vector<std::string> orphans;
  const std::vector<Object> objects = store.list();
  for (const Object& object : objects) {
    if (const auto stem = archive_stem(object.key)) stems.insert(*stem);
  }
  for (const Object& object : objects) {
    const auto stem = manifest_stem(object.key);
    if (!stem || !stem->starts_with(kPrefix) || stems.contains(*stem)) continue;
    if (!is_removal_mark(read_object(store, object.key))) orphans.push_back(object.key);
  }
  return orphans;
}

void record_verification(Store& store, const std::string& archive_key,
                         const Verification& verification) {
  const boost::json::object o{{"schema", "pgstow.verification/1"},
                              {"time", rfc3339(verification.time)},
                              {"good", verification.good},
                              {"bytes", verification.bytes},
                              {"sha256", verification.sha256},
                              {"problem", verification.problem},
                              {"globals_problem", verification.globals_problem}};
  write_object(store, verification_key(archive_key), pretty(o) + "\n", Existing::kReplace);
}

std::string read_object(Store& store, const std::string& key) {
  const std::unique_ptr<Source> source = store.open(key);
  std::string content;
  std::array<char, 65536> buffer;
  while (const std::size_t n = source->read(buffer)) {
    content.append(buffer.data(), n);
    if (content.size() > kObjectLimit) throw Corrupt(key + ": too large");
  }
  return content;
}

void write_object(Store& store, const std::string& key, std::string_view content,
                  Existing existing) {
  const std::unique_ptr<Sink> sink = store.create(key, existing);
  sink->write(content);
  sink->finish();
}

}  // namespace pgstow
