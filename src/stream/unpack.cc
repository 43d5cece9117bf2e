#include "stream/unpack.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "stream/gzip.h"
#include "stream/inflate.h"
#include "stream/ordered.h"
#include "stream/packed_reader.h"
#include "stream/zstd.h"

namespace pgstow {
namespace {

constexpr std::string_view kGzipMagic("\x1f\x8b", 2);
constexpr std::string_view kArchiveMagic("PGDMP");
constexpr std::size_t kStartBytes = std::max(kMemberHeaderBytes, kFrameHeaderBytes);

// A piece of the file that says how long it is, and how to decode it (on any thread).
struct Announced {
  std::size_t packed_bytes;
  std::size_t raw_bytes;
  std::function<std::string(std::string_view piece)> decode;
};

// What differs between gzip and zstd. Every start is what a PackedReader shows of the bytes to
// come.
class Format {
 public:
  virtual ~Format() = default;
  virtual std::string_view unit() const = 0;
  virtual std::optional<Announced> announced(std::string_view start) const = 0;
  // A decoder for the unit that starts here; nothing if none does.
  virtual std::unique_ptr<StreamDecoder> open(std::string_view start) const = 0;
};

class Gzip : public Format {
 public:
  explicit Gzip(Decoder decoder) : decoder_(decoder) {}

  std::string_view unit() const override { return "member"; }

  std::optional<Announced> announced(std::string_view start) const override {
    const std::optional<MemberInfo> info = member_info(start);
    if (!info) return std::nullopt;
    return Announced{info->compressed_bytes, info->raw_bytes,
                     [raw_bytes = info->raw_bytes, by = inflater(*info)](std::string_view piece) {
                       return inflate_member(piece, raw_bytes, by);
                     }};
  }

  std::unique_ptr<StreamDecoder> open(std::string_view start) const override {
    if (!start.starts_with(kGzipMagic)) return nullptr;
    return open_inflate(decoder_ == Decoder::kFast ? fast_inflater() : Inflater::kZlib);
  }

 private:
  Inflater inflater(const MemberInfo& info) const {
    if (decoder_ == Decoder::kFast) return fast_inflater();
    return info.encoder == MemberInfo::Encoder::kIsal ? Inflater::kLibdeflate : Inflater::kZlib;
  }

  Decoder decoder_;
};

// There is no second implementation of zstd to verify with: both decoders are the same here.
class Zstd : public Format {
 public:
  std::string_view unit() const override { return "frame"; }

  std::optional<Announced> announced(std::string_view start) const override {
    const std::optional<FrameInfo> info = frame_info(start);
    if (!info) return std::nullopt;
    return Announced{info->compressed_bytes, info->raw_bytes,
                     [raw_bytes = info->raw_bytes](std::string_view piece) {
                       return decompress_frame(piece, raw_bytes);
                     }};
  }

  std::unique_ptr<StreamDecoder> open(std::string_view start) const override {
    if (!starts_zstd(start)) return nullptr;
    return open_zstd(announces_frame(start));
  }
};

// A sequence of members or frames. Runs of announced ones are decoded on the stage; one that is not
// announced is decoded as a stream, when nothing before it is left on the stage.
class Unpacked : public Source {
 public:
  Unpacked(PackedReader reader, std::unique_ptr<Format> format, unsigned workers)
      : reader_(std::move(reader)),
        format_(std::move(format)),
        most_pending_(workers == 0 ? 1 : 2 * std::size_t{workers} + 2),
        stage_(workers) {}

  std::size_t read(std::span<char> into) override {
    while (true) {
      if (taken_ < block_.size()) return take_from_block(into);
      if (!decoder_ && stage_.pending() < most_pending_) submit_announced();
      if (stage_.pending() > 0) {
        next_block();
      } else if (decoder_) {
        if (const std::size_t n = decode_stream(into)) return n;
      } else if (reader_.peek(1).empty()) {
        require_end_mark();
        return 0;
      } else {
        open_stream();
      }
    }
  }

 private:
  static constexpr std::size_t kMostRawBytes = kMaxAnnouncedBytes;

  std::size_t take_from_block(std::span<char> into) {
    const std::size_t n = block_.copy(into.data(), into.size(), taken_);
    taken_ += n;
    return n;
  }

  void submit_announced() {
    while (stage_.pending() < most_pending_) {
      std::optional<Announced> next = format_->announced(reader_.peek(kStartBytes));
      if (!next) return;
      if (stage_.pending() > 0 && raw_bytes_pending_ + next->raw_bytes > kMostRawBytes) return;
      raw_bytes_pending_ += next->raw_bytes;
      end_mark_due_ = next->raw_bytes > 0;
      const std::string where = here();
      stage_.submit([piece = reader_.take(next->packed_bytes), next = std::move(*next), where] {
        try {
          if (piece.size() < next.packed_bytes) throw Corrupt("cut short");
          return next.decode(piece);
        } catch (Corrupt& e) {
          e.within(where);
          throw;
        }
      });
    }
  }

  void next_block() {
    block_ = stage_.next();
    taken_ = 0;
    raw_bytes_pending_ -= block_.size();
  }

  void open_stream() {
    where_ = here();
    decoder_ = format_->open(reader_.peek(kStartBytes));
    if (!decoder_)
      throw Corrupt(fmt::format("{}: neither another {} nor the end of the file stands here",
                                where_, format_->unit()));
  }

  // Decodes at least one byte of the open stream; 0 when it has ended.
  std::size_t decode_stream(std::span<char> into) {
    try {
      while (true) {
        const std::string_view packed = reader_.peek(1);
        const StreamDecoder::Step step = decoder_->step(packed, into);
        reader_.consume(step.consumed);
        if (step.finished) decoder_.reset();
        if (step.finished || step.produced > 0) return step.produced;
        if (packed.empty()) throw Corrupt("cut short");
        if (step.consumed == 0) throw Corrupt("damaged data");
      }
    } catch (Corrupt& e) {
      e.within(where_);
      throw;
    }
  }

  // A file may hold foreign members behind ours; whatever was announced must have been closed.
  void require_end_mark() const {
    if (end_mark_due_)
      throw Corrupt(fmt::format("cut short at byte {}: the end mark is missing", reader_.offset()));
  }

  std::string here() const {
    return fmt::format("{} at byte {}", format_->unit(), reader_.offset());
  }

  PackedReader reader_;
  std::unique_ptr<Format> format_;
  std::unique_ptr<StreamDecoder> decoder_;  // of the unit that is read as a stream
  std::string where_;                       // that unit began
  std::string block_;                       // decoded, of which taken_ bytes were given out
  std::size_t taken_ = 0;
  std::size_t raw_bytes_pending_ = 0;
  bool end_mark_due_ = false;
  std::size_t most_pending_;
  Ordered<std::string> stage_;
};

// A bare archive. What it holds is for the reader of archives to judge.
class Bare : public Source {
 public:
  explicit Bare(PackedReader reader) : reader_(std::move(reader)) {}

  std::size_t read(std::span<char> into) override {
    const std::size_t n = reader_.peek(1).copy(into.data(), into.size());
    reader_.consume(n);
    return n;
  }

 private:
  PackedReader reader_;
};

}  // namespace

std::unique_ptr<Source> open_unpacked(Source& packed, Decoder decoder, unsigned workers) {
  PackedReader reader(packed);
  const std::string_view start = reader.peek(kStartBytes);
  if (start.empty()) throw Corrupt("not a backup: the file is empty");
  if (start.starts_with(kArchiveMagic)) return std::make_unique<Bare>(std::move(reader));
  if (start.starts_with(kGzipMagic))
    return std::make_unique<Unpacked>(std::move(reader), std::make_unique<Gzip>(decoder), workers);
  if (starts_zstd(start))
    return std::make_unique<Unpacked>(std::move(reader), std::make_unique<Zstd>(), workers);
  throw Corrupt(
      fmt::format("not a backup: it begins with \"{}\", which is neither gzip, zstd nor a "
                  "custom-format archive",
                  printable(start.substr(0, 20))));
}

}  // namespace pgstow
