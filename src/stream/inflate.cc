#include "stream/inflate.h"

#include <isa-l/igzip_lib.h>
#include <libdeflate.h>
#include <zlib.h>

#include <algorithm>
#include <cassert>
#include <cstdint>

#include "base/error.h"

namespace pgstow {
namespace {

// ISA-L 2.30 overruns a buffer when it is offered nearly 4 GiB; and both count in 32 bits.
constexpr std::size_t kMostAtOnce = std::size_t{16} << 20;

// The libraries take pointers to non-const, and write nothing there.
std::uint8_t* lent(std::string_view bytes) {
  return reinterpret_cast<std::uint8_t*>(const_cast<char*>(bytes.data()));
}
std::uint8_t* lent(std::span<char> bytes) { return reinterpret_cast<std::uint8_t*>(bytes.data()); }

std::uint32_t at_once(std::size_t bytes) {
  return static_cast<std::uint32_t>(std::min(bytes, kMostAtOnce));
}

class IsalInflate : public StreamDecoder {
 public:
  IsalInflate() : state_(std::make_unique<inflate_state>()) {
    isal_inflate_init(state_.get());
    isal_gzip_header_init(&header_);
    state_->crc_flag = ISAL_GZIP;
  }

  Step step(std::string_view in, std::span<char> out) override {
    state_->next_in = lent(in);
    state_->avail_in = at_once(in.size());
    state_->next_out = lent(out);
    state_->avail_out = at_once(out.size());
    bool finished = false;
    if (!header_read_) header_read_ = checked(isal_read_gzip_header(state_.get(), &header_));
    if (header_read_) finished = inflate_data();
    return {at_once(in.size()) - state_->avail_in, at_once(out.size()) - state_->avail_out,
            finished};
  }

 private:
  // A status of 0 does not mean success: ISA-L returns it for input that is cut short, too. Only
  // its state tells that the end was reached.
  bool inflate_data() {
    checked(isal_inflate(state_.get()));
    return state_->block_state == ISAL_BLOCK_FINISH;
  }

  // False when more input is needed.
  static bool checked(int status) {
    if (status == ISAL_INCORRECT_CHECKSUM) throw Corrupt("checksum mismatch");
    if (status != ISAL_DECOMP_OK && status != ISAL_END_INPUT) throw Corrupt("damaged data");
    return status == ISAL_DECOMP_OK;
  }

  std::unique_ptr<inflate_state> state_;
  // isal_inflate() would read the header, too, but forgets its flags when the input ends within it.
  isal_gzip_header header_{};
  bool header_read_ = false;
};

class ZlibInflate : public StreamDecoder {
 public:
  ZlibInflate() {
    if (inflateInit2(&stream_, MAX_WBITS + kGzipOnly) != Z_OK) throw Error("zlib: out of memory");
  }
  ZlibInflate(const ZlibInflate&) = delete;
  ZlibInflate& operator=(const ZlibInflate&) = delete;
  ~ZlibInflate() override { inflateEnd(&stream_); }

  Step step(std::string_view in, std::span<char> out) override {
    stream_.next_in = lent(in);
    stream_.avail_in = at_once(in.size());
    stream_.next_out = lent(out);
    stream_.avail_out = at_once(out.size());
    const int status = inflate(&stream_, Z_NO_FLUSH);
    if (status == Z_MEM_ERROR) throw Error("zlib: out of memory");
    if (status == Z_DATA_ERROR || status == Z_NEED_DICT) throw Corrupt(cause());
    return {at_once(in.size()) - stream_.avail_in, at_once(out.size()) - stream_.avail_out,
            status == Z_STREAM_END};
  }

 private:
  static constexpr int kGzipOnly = 16;

  std::string cause() const {
    const std::string_view message = stream_.msg != nullptr ? stream_.msg : "";
    if (message == "incorrect data check" || message == "incorrect length check")
      return "checksum mismatch";
    return "damaged data";
  }

  z_stream stream_{};
};

struct FreeDecompressor {
  void operator()(libdeflate_decompressor* d) const noexcept { libdeflate_free_decompressor(d); }
};

std::string inflate_by_libdeflate(std::string_view member, std::size_t raw_bytes) {
  const std::unique_ptr<libdeflate_decompressor, FreeDecompressor> decompressor(
      libdeflate_alloc_decompressor());
  if (!decompressor) throw Error("libdeflate: out of memory");
  std::string raw(raw_bytes, '\0');
  std::size_t consumed = 0;
  std::size_t produced = 0;
  const libdeflate_result result =
      libdeflate_gzip_decompress_ex(decompressor.get(), member.data(), member.size(), raw.data(),
                                    raw.size(), &consumed, &produced);
  // libdeflate does not tell a wrong checksum from damaged data.
  if (result == LIBDEFLATE_BAD_DATA) throw Corrupt("damaged data or checksum mismatch");
  if (result != LIBDEFLATE_SUCCESS || produced != raw_bytes || consumed != member.size())
    throw Corrupt("its size is not what it announces");
  return raw;
}

std::string inflate_by_stream(StreamDecoder& decoder, std::string_view member,
                              std::size_t raw_bytes) {
  // One byte more than announced: a longer member shows, and a full buffer never hides the end.
  std::string raw(raw_bytes + 1, '\0');
  std::size_t consumed = 0;
  std::size_t produced = 0;
  while (true) {
    const StreamDecoder::Step step =
        decoder.step(member.substr(consumed), std::span(raw).subspan(produced));
    consumed += step.consumed;
    produced += step.produced;
    if (step.finished) break;
    if (produced > raw_bytes || step.consumed + step.produced == 0)
      throw Corrupt("its size is not what it announces");
  }
  if (produced != raw_bytes || consumed != member.size())
    throw Corrupt("its size is not what it announces");
  raw.resize(raw_bytes);
  return raw;
}

}  // namespace

// ISA-L before 2.32 finds wrong checksums in good data on aarch64.
Inflater fast_inflater() {
#ifdef __x86_64__
  return Inflater::kIsal;
#else
  return Inflater::kZlib;
#endif
}

std::string inflate_member(std::string_view member, std::size_t raw_bytes, Inflater inflater) {
  if (inflater == Inflater::kLibdeflate) return inflate_by_libdeflate(member, raw_bytes);
  return inflate_by_stream(*open_inflate(inflater), member, raw_bytes);
}

std::unique_ptr<StreamDecoder> open_inflate(Inflater inflater) {
  assert(inflater != Inflater::kLibdeflate);
  if (inflater == Inflater::kIsal) return std::make_unique<IsalInflate>();
  return std::make_unique<ZlibInflate>();
}

}  // namespace pgstow
