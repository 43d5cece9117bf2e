#include "pg/archive_proof.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <array>
#include <new>
#include <utility>

#include "base/error.h"
#include "pg/end_marker.h"

namespace pgstow::pg {

struct LargeObjectHasher::State {
  struct Free {
    void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
  };
  std::unique_ptr<XXH3_state_t, Free> hash{XXH3_createState()};
};

LargeObjectHasher::LargeObjectHasher() : state_(std::make_unique<State>()) {
  if (!state_->hash) throw std::bad_alloc();
}

LargeObjectHasher::~LargeObjectHasher() = default;

void LargeObjectHasher::begin(std::uint32_t oid) {
  end();
  std::array<char, 4> bytes{};
  for (char& byte : bytes) {
    byte = static_cast<char>(oid & 0xff);
    oid >>= 8;
  }
  XXH3_128bits_reset(state_->hash.get());
  XXH3_128bits_update(state_->hash.get(), bytes.data(), bytes.size());
  in_object_ = true;
}

void LargeObjectHasher::add(std::string_view contents) {
  XXH3_128bits_update(state_->hash.get(), contents.data(), contents.size());
  proof_.bytes += contents.size();
}

void LargeObjectHasher::end() {
  if (!std::exchange(in_object_, false)) return;
  const XXH128_hash_t hash = XXH3_128bits_digest(state_->hash.get());
  ++proof_.rows;
  proof_.digest += Digest{hash.high64, hash.low64};
}

Proof LargeObjectHasher::finish() {
  end();
  return std::exchange(proof_, {});
}

ProofTaker::ProofTaker(ArchiveVisitor* next) : next_(next) {}

void ProofTaker::on_header(const ArchiveHeader& header) {
  header_ = header;
  plain_ = header.compression == 0;
  proof_.complete = plain_;
  if (next_ != nullptr) next_->on_header(header);
}

void ProofTaker::on_block_begin(const TocEntry& entry) {
  current_ = &entry;
  block_bytes_ = 0;
  large_objects_here_ = plain_ && entry.holds_large_objects();
  if (plain_ && entry.has_copy_text()) rows_.emplace();
  if (!rows_ && !large_objects_here_) proof_.complete = false;
  if (next_ != nullptr) next_->on_block_begin(entry);
}

void ProofTaker::on_large_object(std::uint32_t oid) {
  if (large_objects_here_) large_objects_.begin(oid);
  if (next_ != nullptr) next_->on_large_object(oid);
}

void ProofTaker::on_bytes(std::string_view bytes) {
  block_bytes_ += bytes.size();
  if (rows_) {
    rows_->add(bytes);
  } else if (large_objects_here_) {
    large_objects_.add(bytes);
  }
  if (next_ != nullptr) next_->on_bytes(bytes);
}

void ProofTaker::on_framed(FramedRows rows) {
  block_bytes_ += rows.proof.bytes;
  framed_ += rows.proof;
  if (next_ != nullptr) next_->on_framed(std::move(rows));
}

void ProofTaker::on_block_end() {
  if (rows_) {
    Proof proof = rows_->finish();
    proof += std::exchange(framed_, {});
    if (proof.bytes + kEndMarker.size() != block_bytes_) {
      throw Corrupt(fmt::format("archive: entry {}: data after the end marker of the table",
                                current_->dump_id));
    }
    rows_done_ += proof.rows;
    proof_.tables[current_->dump_id] = proof;
    rows_.reset();
  }
  current_ = nullptr;
  if (next_ != nullptr) next_->on_block_end();
}

ArchiveProof ProofTaker::finish() {
  proof_.large_objects = large_objects_.finish();
  return std::exchange(proof_, {});
}

}  // namespace pgstow::pg
