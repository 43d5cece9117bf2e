// For tests: streams in memory, and input worth compressing.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "stream/stream.h"

namespace pgstow::testing {

// Gives out a string, at most `step` bytes a read.
class StringSource : public Source {
 public:
  explicit StringSource(std::string bytes, std::size_t step = 1 << 16)
      : bytes_(std::move(bytes)), step_(step) {}

  std::size_t read(std::span<char> into) override {
    const std::size_t n = bytes_.copy(into.data(), std::min(into.size(), step_), at_);
    at_ += n;
    return n;
  }

 private:
  std::string bytes_;
  std::size_t step_;
  std::size_t at_ = 0;
};

// Keeps what was written.
class StringSink : public Sink {
 public:
  void write(std::string_view bytes) override { bytes_ += bytes; }
  void finish() override { finished_ = true; }

  const std::string& bytes() const { return bytes_; }
  bool finished() const { return finished_; }

 private:
  std::string bytes_;
  bool finished_ = false;
};

inline std::string read_all(Source& source, std::size_t step = 1 << 16) {
  std::string all;
  std::string buffer(step, '\0');
  while (const std::size_t n = source.read(buffer)) all.append(buffer, 0, n);
  return all;
}

// Numbers that are the same in every run.
class Numbers {
 public:
  explicit Numbers(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return state_ >> 33;
  }

 private:
  std::uint64_t state_;
};

// Rows as COPY writes them: repetitive, but not too much.
inline std::string copy_text(std::size_t bytes, std::uint64_t seed = 1) {
  Numbers numbers(seed);
  std::string text;
  while (text.size() < bytes) {
    text += std::to_string(numbers.next() % 100000) + "\tcustomer " +
            std::to_string(numbers.next() % 500) + "\t2026-11-" +
            std::to_string(numbers.next() % 28 + 1) + "\t\\N\n";
  }
  text.resize(bytes);
  return text;
}

// What no compressor makes smaller.
inline std::string noise(std::size_t bytes, std::uint64_t seed = 1) {
  Numbers numbers(seed);
  std::string text(bytes, '\0');
  for (char& c : text) c = static_cast<char>(numbers.next() >> 12 & 0xff);
  return text;
}

}  // namespace pgstow::testing
