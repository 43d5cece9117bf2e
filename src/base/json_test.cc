#include "base/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <boost/json.hpp>
#include <cstdint>
#include <functional>
#include <limits>

#include "base/error.h"

namespace pgstow {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string corrupt_text(const std::function<void()>& act) {
  try {
    act();
  } catch (const Corrupt& e) {
    return e.what();
  }
  return "no error";
}

std::string parse_error(std::string_view text) {
  return corrupt_text([&] { static_cast<void>(parse_json_object(text, "m.json")); });
}

TEST(Pretty, IndentsInInsertionOrder) {
  const boost::json::object o{{"b", 1},
                              {"a", {1, "x", nullptr, true}},
                              {"empty", boost::json::object{}},
                              {"none", boost::json::array{}},
                              {"q\"", {{"deep", -2}}}};
  EXPECT_EQ(pretty(o), R"({
  "b": 1,
  "a": [
    1,
    "x",
    null,
    true
  ],
  "empty": {},
  "none": [],
  "q\"": {
    "deep": -2
  }
})");
}

TEST(Pretty, IsReadBackAsItWas) {
  EXPECT_TRUE(
      rc::check("round trip", [](const std::vector<std::int64_t>& numbers, std::uint64_t large) {
        const boost::json::object o{{"numbers", boost::json::array(numbers.begin(), numbers.end())},
                                    {"large", large},
                                    {"text", "\xE2\x82\xAC\n\"\\"}};
        RC_ASSERT(parse_json_object(pretty(o), "x") == o);
      }));
}

TEST(ParseJsonObject, SaysWhereItIsWrong) {
  EXPECT_THAT(parse_error(R"({"a": 1,})"), StartsWith("m.json: byte 8: "));
  EXPECT_THAT(parse_error(""), StartsWith("m.json: byte 0: "));
  EXPECT_THAT(parse_error(R"({"a": 1} x)"), HasSubstr("extra data"));
  EXPECT_EQ(parse_error("[1]"), "m.json: no JSON object");
  EXPECT_EQ(parse_error("{}\n \r\t"), "no error");
  EXPECT_THAT(parse_error("{\"a\": \"\xFF\"}"), StartsWith("m.json: byte "));
}

TEST(ParseJsonObject, EveryCutTextIsRefused) {
  const std::string whole = R"({"a": [1, "b", true], "c": {"d": null}})";
  EXPECT_EQ(parse_error(whole), "no error");
  for (std::size_t n = 0; n < whole.size(); ++n) {
    EXPECT_NE(parse_error(whole.substr(0, n)), "no error") << n;
  }
}

TEST(ParseJsonObject, DepthIsBounded) {
  const auto nested = [](std::size_t depth) {
    std::string text = "1";
    for (std::size_t i = 0; i < depth; ++i) text = "{\"a\":" + text + "}";
    return text;
  };
  EXPECT_EQ(parse_error(nested(32)), "no error");
  EXPECT_THAT(parse_error(nested(33)), HasSubstr("m.json: byte"));
  EXPECT_THAT(parse_error(std::string(1 << 20, '{')), HasSubstr("m.json: byte"));
}

TEST(Getters, ReturnWhatIsThere) {
  const auto o = parse_json_object(
      R"({"s": "t\u0000x", "u": 18446744073709551615, "b": false, "o": {"k": 1}, "a": [{}]})", "m");
  EXPECT_EQ(get_string(o, "s", "m"), std::string("t\0x", 3));
  EXPECT_EQ(get_uint(o, "u", "m"), std::numeric_limits<std::uint64_t>::max());
  EXPECT_FALSE(get_bool(o, "b", "m"));
  EXPECT_EQ(get_uint(get_object(o, "o", "m"), "k", "m"), 1U);
  EXPECT_TRUE(as_object(get_array(o, "a", "m")[0], "m").empty());
}

TEST(Getters, NameWhatIsMissingOrOfAnotherType) {
  const auto o =
      parse_json_object(R"({"s": 1, "u": -1, "f": 1.5, "b": "true", "o": [], "a": {}})", "m");
  EXPECT_EQ(corrupt_text([&] { get_string(o, "x", "m"); }), "m: x is missing");
  EXPECT_EQ(corrupt_text([&] { get_string(o, "s", "m"); }), "m: s is no text");
  EXPECT_EQ(corrupt_text([&] { get_uint(o, "u", "m"); }), "m: u is no whole number");
  EXPECT_EQ(corrupt_text([&] { get_uint(o, "f", "m"); }), "m: f is no whole number");
  EXPECT_EQ(corrupt_text([&] { get_uint(o, "b", "m"); }), "m: b is no whole number");
  EXPECT_EQ(corrupt_text([&] { get_bool(o, "b", "m"); }), "m: b is no true or false");
  EXPECT_EQ(corrupt_text([&] { get_object(o, "o", "m"); }), "m: o is no object");
  EXPECT_EQ(corrupt_text([&] { get_array(o, "a", "m"); }), "m: a is no list");
  EXPECT_EQ(corrupt_text([&] { as_object(boost::json::value(1), "m"); }),
            "m: an element is no object");
}

}  // namespace
}  // namespace pgstow
