// For tests: gzip members of another make.
#pragma once

#include <gtest/gtest.h>
#include <zlib.h>

#include <string>
#include <string_view>

namespace pgstow::testing {

// A gzip member that has everything in its header that there is: extra field, name, comment, CRC.
inline std::string gzip_by_zlib(std::string_view bytes, int level = 6) {
  const auto lent = [](std::string_view text) {
    return reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  };
  gz_header header{};
  header.extra = lent("AB\4\0more");
  header.extra_len = 8;
  header.name = lent("a_name_that_is_longer_than_what_anybody_looks_at_to_know_a_member_by");
  header.comment = lent("a comment");
  header.hcrc = 1;
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, level, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  EXPECT_EQ(deflateSetHeader(&stream, &header), Z_OK);
  std::string member(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = lent(bytes);
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = lent(member);
  stream.avail_out = static_cast<uInt>(member.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  member.resize(stream.total_out);
  deflateEnd(&stream);
  return member;
}

}  // namespace pgstow::testing
