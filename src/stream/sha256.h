// SHA-256 of what passes by, as lower-case hex: what `sha256sum` prints.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "stream/stream.h"

struct evp_md_ctx_st;

namespace pgstow {

class Sha256 {
 public:
  Sha256();

  void update(std::string_view bytes);
  // The digest as 64 hex digits. Call it once; nothing may be added after it.
  std::string finish();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const noexcept;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

// Of these bytes alone.
std::string sha256_hex(std::string_view bytes);

// Passes everything on to another sink, and counts and hashes it.
class HashSink : public Sink {
 public:
  explicit HashSink(Sink& to) : to_(to) {}

  void write(std::string_view bytes) override;
  void finish() override;

  std::uint64_t bytes() const { return bytes_; }
  // Empty before finish() returned.
  const std::string& digest() const { return digest_; }

 private:
  Sink& to_;
  Sha256 hash_;
  std::uint64_t bytes_ = 0;
  std::string digest_;
};

// Passes everything on from another source, and counts and hashes it.
class HashSource : public Source {
 public:
  explicit HashSource(Source& from) : from_(from) {}

  std::size_t read(std::span<char> into) override;

  std::uint64_t bytes() const { return bytes_; }
  // Empty before read() returned 0.
  const std::string& digest() const { return digest_; }

 private:
  Source& from_;
  Sha256 hash_;
  std::uint64_t bytes_ = 0;
  std::string digest_;
};

}  // namespace pgstow
