#include "stream/unpack.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <vector>

#include "base/error.h"
#include "stream/compression.h"
#include "stream/gzip.h"
#include "stream/little_endian.h"
#include "stream/pack.h"
#include "stream/testing.h"
#include "stream/testing_gzip.h"
#include "stream/zstd.h"

namespace pgstow {
namespace {

using testing::copy_text;
using ::testing::HasSubstr;
using testing::noise;
using testing::StringSink;
using testing::StringSource;

constexpr Decoder kDecoders[] = {Decoder::kFast, Decoder::kIndependent};

std::string packed(std::string_view bytes, std::string_view compression,
                   std::size_t block_bytes = 100'000) {
  StringSink sink;
  Packer packer(sink, parse_compression(compression), 2, block_bytes);
  packer.write(bytes);
  packer.finish();
  return sink.bytes();
}

std::string unpacked(const std::string& packed, Decoder decoder, unsigned workers = 2,
                     std::size_t step = 1 << 16) {
  StringSource source(packed, step);
  const std::unique_ptr<Source> result = open_unpacked(source, decoder, workers);
  const std::string bytes = testing::read_all(*result, step);
  EXPECT_EQ(testing::read_all(*result), "");  // the end stays the end
  return bytes;
}

std::string plain_zstd(std::string_view bytes) { return zstd_frame(bytes, 3).substr(12); }

std::string error_of(const std::string& packed, Decoder decoder) {
  try {
    unpacked(packed, decoder);
  } catch (const Corrupt& e) {
    return e.what();
  }
  return "no error";
}

TEST(Unpack, ReadsWhatThePackerWrote) {
  for (const std::size_t size : {0, 1, 99'999, 100'000, 100'001, 432'100}) {
    const std::string bytes = copy_text(size);
    for (const char* compression :
         {"gzip:1", "gzip:2", "gzip:3", "gzip:4", "gzip:9", "zstd:1", "zstd:3"}) {
      for (const Decoder decoder : kDecoders)
        EXPECT_EQ(unpacked(packed(bytes, compression), decoder), bytes) << compression;
    }
  }
}

TEST(Unpack, ReadsForeignFilesAndMixtures) {
  const std::string a = copy_text(300'000, 1);
  const std::string b = copy_text(250'000, 2) + noise(50'000);
  const std::string ours = packed(a, "gzip:2");
  for (const Decoder decoder : kDecoders) {
    EXPECT_EQ(unpacked(testing::gzip_by_zlib(a), decoder), a);
    EXPECT_EQ(unpacked(testing::gzip_by_zlib(""), decoder), "");
    EXPECT_EQ(
        unpacked(testing::gzip_by_zlib(a) + testing::gzip_by_zlib("") + testing::gzip_by_zlib(b),
                 decoder),
        a + b);
    EXPECT_EQ(unpacked(ours + testing::gzip_by_zlib(b), decoder), a + b);
    EXPECT_EQ(
        unpacked(testing::gzip_by_zlib(b, 1) + ours + testing::gzip_by_zlib(b) + ours, decoder),
        b + a + b + a);
    EXPECT_EQ(unpacked(plain_zstd(a) + packed(b, "zstd:3") + plain_zstd(a), decoder), a + b + a);
  }
}

TEST(Unpack, ReadsNothingAheadWithoutWorkers) {
  const std::string bytes = noise(1'000'000);
  const std::string file = packed(bytes, "gzip:2");
  EXPECT_EQ(unpacked(file, Decoder::kFast, 0), bytes);

  StringSource source(file, 1000);
  const std::unique_ptr<Source> result = open_unpacked(source, Decoder::kFast, 0);
  std::string start(1000, '\0');
  ASSERT_EQ(result->read(start), 1000U);
  EXPECT_EQ(start, bytes.substr(0, 1000));
  EXPECT_GT(testing::read_all(source).size(), file.size() * 8 / 10);  // of ten members
}

TEST(Unpack, PassesABareArchiveOn) {
  const std::string archive = "PGDMP" + noise(300'000);
  for (const Decoder decoder : kDecoders) EXPECT_EQ(unpacked(archive, decoder), archive);
}

TEST(Unpack, RefusesWhatIsNoBackup) {
  EXPECT_EQ(error_of("", Decoder::kFast), "not a backup: the file is empty");
  EXPECT_THAT(error_of("-- PostgreSQL database dump", Decoder::kFast),
              HasSubstr("not a backup: it begins with \"-- PostgreSQL databa\""));
  for (const std::string start : {"\x1f", "PGDM", "\x28\xb5\x2f", "BZh9", "\x50\x2a\x4d\x18"})
    EXPECT_THAT(error_of(start, Decoder::kFast), HasSubstr("not a backup"));
}

TEST(Unpack, NamesTheMemberThatIsBad) {
  const std::string first = gzip_member(copy_text(1000), 2);
  std::string second = gzip_member(copy_text(2000), 2);
  const std::size_t crc = second.size() - 8;
  second[crc] = static_cast<char>(second[crc] ^ 1);
  const std::string where = fmt::format("member at byte {}: ", first.size());
  EXPECT_EQ(error_of(first + second, Decoder::kFast), where + "checksum mismatch");
  EXPECT_THAT(error_of(first + second, Decoder::kIndependent), HasSubstr(where));
}

TEST(Unpack, GivesWhatStandsBeforeTheBadMember) {
  const std::string good = copy_text(1000);
  StringSource source(gzip_member(good, 2) + gzip_member(copy_text(2000), 2).substr(0, 100));
  const std::unique_ptr<Source> result = open_unpacked(source, Decoder::kFast, 2);
  std::string buffer(5000, '\0');
  ASSERT_EQ(result->read(buffer), good.size());
  EXPECT_EQ(buffer.substr(0, good.size()), good);
  EXPECT_THROW(result->read(buffer), Corrupt);
}

TEST(Unpack, RefusesWhatFollowsTheLastMember) {
  for (const std::string& file : {packed("abc", "gzip:2"), testing::gzip_by_zlib("abc"),
                                  packed("abc", "zstd:3"), plain_zstd("abc")}) {
    for (const std::string& tail :
         {std::string(1, '\0'), std::string(512, '\0'), std::string("x"), std::string("PGDMP"),
          std::string("\x1f"), std::string("\x1f\x8b"),
          std::string("\x50\x2a\x4d\x18\0\0\0\0", 8)}) {
      for (const Decoder decoder : kDecoders)
        EXPECT_THROW(unpacked(file + tail, decoder), Corrupt) << file.size() << ' ' << tail;
    }
  }
  EXPECT_THROW(unpacked(packed("abc", "gzip:2") + packed("abc", "zstd:3"), Decoder::kFast),
               Corrupt);
}

struct Sample {
  std::string name;
  std::string file;
  std::size_t seam = 0;  // where a file of two parts may be cut: before that, the first is whole
};

std::vector<Sample> samples(const std::string& bytes) {
  const std::string a = bytes.substr(0, 60);
  const std::string b = bytes.substr(60);
  const std::string ours = packed(a, "gzip:2", 70);
  return {{"gzip by isa-l", packed(bytes, "gzip:2", 70)},
          {"gzip by libdeflate", packed(bytes, "gzip:6", 70)},
          {"plain gzip", testing::gzip_by_zlib(bytes)},
          {"mixed gzip", ours + testing::gzip_by_zlib(b), ours.size()},
          {"zstd", packed(bytes, "zstd:3", 70)},
          {"plain zstd", plain_zstd(bytes)},
          {"mixed zstd", plain_zstd(a) + packed(b, "zstd:3"), plain_zstd(a).size()}};
}

TEST(Unpack, AFileCutAnywhereIsCorrupt) {
  const std::string bytes = copy_text(120);
  for (const Sample& sample : samples(bytes)) {
    for (std::size_t n = 0; n < sample.file.size(); ++n) {
      if (n > 0 && n == sample.seam) continue;
      for (const Decoder decoder : kDecoders)
        EXPECT_THROW(unpacked(sample.file.substr(0, n), decoder, 1, 512), Corrupt)
            << sample.name << " cut at " << n;
    }
  }
}

// A flipped bit may be one that says nothing (time, operating system, a file name); then the
// content must be right.
TEST(Unpack, AFlippedBitIsCorruptOrHarmless) {
  const std::string bytes = copy_text(120);
  for (const auto& [name, file, seam] : samples(bytes)) {
    if (seam > 0) continue;  // made of the same members as the others
    std::size_t corrupt = 0;
    for (std::size_t bit = 0; bit < file.size() * 8; ++bit) {
      std::string flipped = file;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
      for (const Decoder decoder : kDecoders) {
        try {
          EXPECT_EQ(unpacked(flipped, decoder, 1, 512), bytes) << name << " bit " << bit;
        } catch (const Corrupt&) {
          ++corrupt;
        }
      }
    }
    EXPECT_GT(corrupt, file.size() * 8) << name;  // that is: more than half of them
  }
}

TEST(Unpack, BelievesNoBomb) {
  const std::string bytes = copy_text(1000);
  const std::string end_mark = gzip_member("", 2);
  std::string bomb = gzip_member(bytes, 2);
  for (const Decoder decoder : kDecoders) {
    put_u32(bomb, 20, 0xfffffff0);  // not believed, so read as a stream, which is sound
    EXPECT_EQ(unpacked(bomb + end_mark, decoder), bytes);
    put_u32(bomb, 20, 900);
    EXPECT_THAT(error_of(bomb + end_mark, decoder), HasSubstr("member at byte 0: "));
    put_u32(bomb, 20, 100'000);
    EXPECT_THAT(error_of(bomb + end_mark, decoder), HasSubstr("member at byte 0: "));
  }

  // More than is believed, but true.
  const std::string zeros(kMaxAnnouncedBytes + 1, '\0');
  const std::string large = testing::gzip_by_zlib(zeros, 1);
  for (const Decoder decoder : kDecoders) EXPECT_TRUE(unpacked(large, decoder) == zeros);
}

// Random content, cuts of the writes, block sizes, readers and mixtures with members of zlib's.
RC_GTEST_PROP(Unpack, RandomFilesComeBack, ()) {
  std::string raw;
  std::string file;
  const int parts = *rc::gen::inRange(1, 4);
  for (int i = 0; i < parts; ++i) {
    const auto seed = *rc::gen::arbitrary<std::uint64_t>();
    const auto length = *rc::gen::inRange<std::size_t>(0, 60'000);
    const std::string bytes = *rc::gen::element(copy_text(length, seed), noise(length / 4, seed),
                                                *rc::gen::arbitrary<std::string>());
    if (*rc::gen::arbitrary<bool>()) {
      StringSink sink;
      const int level = *rc::gen::inRange(1, 10);
      Packer packer(sink, {Compression::Format::kGzip, level}, *rc::gen::inRange(1U, 4U),
                    *rc::gen::inRange<std::size_t>(500, 20'000));
      const auto cut = *rc::gen::inRange<std::size_t>(1, 10'000);
      for (std::size_t at = 0; at < bytes.size(); at += cut) packer.write(bytes.substr(at, cut));
      packer.finish();
      file += sink.bytes();
    } else {
      file += testing::gzip_by_zlib(bytes, *rc::gen::inRange(0, 10));
    }
    raw += bytes;
  }
  const auto step = *rc::gen::inRange<std::size_t>(1, 5'000);
  for (const Decoder decoder : kDecoders)
    RC_ASSERT(unpacked(file, decoder, *rc::gen::inRange(1U, 4U), step) == raw);
}

}  // namespace
}  // namespace pgstow
