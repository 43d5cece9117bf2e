// Any bytes through the parser, inflater, proof and writer: refused by an Error, or written again
// as an archive with the same contents.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "pg/archive_fixtures.h"
#include "pg/archive_proof.h"
#include "pg/archive_writer.h"
#include "pg/block_inflater.h"

namespace {

using namespace pgstow;
using namespace pgstow::pg;

struct Taken {
  ArchiveProof proof;
  std::string archive;
};

Taken take(std::string_view archive, std::size_t piece) {
  fixtures::StringSink sink;
  ArchiveWriter writer(sink);
  ProofTaker taker(&writer);
  BlockInflater inflater(taker);
  fixtures::parse(archive, inflater, piece);
  return {taker.finish(), sink.text};
}

std::optional<Taken> try_take(std::string_view archive, std::size_t piece) {
  try {
    return take(archive, piece);
  } catch (const Error&) {
    return std::nullopt;
  }
}

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

// The first byte says how the others are cut into pieces.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view archive(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::optional<Taken> whole = try_take(archive, SIZE_MAX);
  const std::optional<Taken> pieces = try_take(archive, std::size_t{data[0]} + 1);
  require(whole.has_value() == pieces.has_value());
  if (!whole) return 0;
  require(whole->archive == pieces->archive);
  const Taken again = take(whole->archive, SIZE_MAX);
  require(again.archive == whole->archive);
  for (const Taken& other : {*pieces, again}) {
    require(other.proof.tables == whole->proof.tables);
    require(other.proof.large_objects == whole->proof.large_objects);
    require(other.proof.complete == whole->proof.complete);
  }
  return 0;
}
