#include "backup/globals.h"

#include <fmt/format.h>

#include <array>
#include <exception>

#include "backup/nearest_copy.h"
#include "base/error.h"
#include "base/text.h"
#include "stream/pack.h"
#include "stream/sha256.h"
#include "stream/unpack.h"

namespace pgstow {
namespace {

constexpr Compression kGzip{.format = Compression::Format::kGzip, .level = 6};

class StringSink final : public Sink {
 public:
  void write(std::string_view bytes) override { text_ += bytes; }
  void finish() override {}
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

class StringSource final : public Source {
 public:
  explicit StringSource(std::string_view text) : left_(text) {}
  std::size_t read(std::span<char> into) override {
    const std::size_t n = left_.copy(into.data(), into.size());
    left_.remove_prefix(n);
    return n;
  }

 private:
  std::string_view left_;
};

std::string unpacked(std::string_view packed) {
  StringSource source(packed);
  const std::unique_ptr<Source> plain = open_unpacked(source, Decoder::kFast, 1);
  std::string text;
  std::array<char, 65536> buffer;
  while (const std::size_t n = plain->read(buffer)) text.append(buffer.data(), n);
  return text;
}

}  // namespace

PackedGlobals pack_globals(const pg::Globals& globals) {
  StringSink sink;
  HashSink hash(sink);
  Packer packer(hash, kGzip, 1);
  packer.write(globals.sql);
  packer.finish();
  return {.bytes = sink.take(),
          .facts = {.stored = {.bytes = hash.bytes(), .sha256 = hash.digest()},
                    .passwords = globals.passwords}};
}

std::optional<PackedGlobals> read_globals(const BackupJob& job, pg::Connection& leader,
                                          const pg::Tool& pg_dump, const std::string& encoding,
                                          std::vector<std::string>& warnings,
                                          const Context& context) {
  if (!job.globals) return std::nullopt;
  try {
    const pg::Globals globals =
        pg::read_globals(leader, pg::tool_beside(pg_dump, "pg_dumpall"), encoding,
                         {.stop = context.stop, .stall = job.stall_timeout});
    if (!globals.passwords) {
      context.log.info("roles are kept without their passwords, which this role may not read",
                       {{"role", leader.user()}});
    }
    return pack_globals(globals);
  } catch (const Cancelled&) {
    throw;
  } catch (const Error& e) {
    warnings.push_back(fmt::format(
        "the server's roles and tablespaces are not kept (BACKUP_GLOBALS=false does without): {}",
        e.what()));
    return std::nullopt;
  }
}

std::string read_packed_globals(Store& store, const Backup& backup) {
  const std::string key = globals_key(backup.key);
  const std::string bytes = read_object(store, key);
  Sha256 hash;
  hash.update(bytes);
  if (hash.finish() != backup.manifest->globals->stored.sha256) {
    throw Corrupt(store.location(key) + ": is not what the manifest says");
  }
  return bytes;
}

std::string globals_of(const Backup& backup, const Context& context) {
  if (!backup.manifest || !backup.manifest->globals) {
    throw NotFound(printable(backup.key) + ": the server's globals were not kept with it");
  }
  return of_nearest_copy(backup, "copy of the globals", context, [&](Store& store) {
    return unpacked(read_packed_globals(store, backup));
  });
}

}  // namespace pgstow
