#include "store/aws_xml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/error.h"
#include "store/testing_keys.h"

namespace pgstow::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::string_view kListing = R"(<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
  <IsTruncated>false</IsTruncated>
  <Contents><Key>a&amp;b&#13;&#x20AC;</Key><Size>1</Size></Contents>
  <!-- a comment -->
  <Contents><Key> </Key><Size>2</Size></Contents>
</ListBucketResult>
)";

std::string error_of(std::string_view text, std::size_t most = kMaxXml) {
  return thrown_text([&] { parse_xml(text, "s3", most); });
}

TEST(AwsXml, IsReadAsElementsAndTexts) {
  const XmlElement root = parse_xml(kListing, "s3");
  EXPECT_EQ(root.name, "ListBucketResult");
  EXPECT_EQ(root.text_of("IsTruncated"), "false");
  const auto contents = root.all("Contents");
  ASSERT_EQ(contents.size(), 2U);
  EXPECT_EQ(contents[0]->text_of("Key"), "a&b\r\u20ac");
  EXPECT_EQ(contents[0]->text_of("Size"), "1");
  EXPECT_EQ(contents[1]->text_of("Key"), " ");
  EXPECT_EQ(root.child("Contents"), contents[0]);
}

TEST(AwsXml, WhatIsMissingIsEmpty) {
  const XmlElement root = parse_xml("<a><b/></a>", "s3");
  EXPECT_EQ(root.child("c"), nullptr);
  EXPECT_EQ(root.text_of("c"), "");
  EXPECT_EQ(root.text_of("b"), "");
  EXPECT_TRUE(root.all("c").empty());
}

TEST(AwsXml, NamesAreLocal) {
  const XmlElement root = parse_xml("<s:a xmlns:s='x'><s:b>1</s:b><b>2</b></s:a>", "s3");
  EXPECT_EQ(root.name, "a");
  EXPECT_EQ(root.all("b").size(), 2U);
}

TEST(AwsXml, TextsMayComeInPieces) {
  EXPECT_EQ(parse_xml("<a>1<![CDATA[<2>]]><!-- x -->3</a>", "s3").text, "1<2>3");
  EXPECT_EQ(parse_xml("\xEF\xBB\xBF<a>x\r\ny</a>", "s3").text, "x\ny");
}

TEST(AwsXml, RefusesWhatIsNoWholeDocument) {
  for (const std::string text :
       {"", "canary", "<canary", "<a>canary", "<a>canary</b>", "<a/><canary/>", "<!-- canary -->",
        "{\"canary\":1}", "<a>canary</a"}) {
    SCOPED_TRACE(text);
    EXPECT_THAT(error_of(text), AllOf(StartsWith("s3: "), Not(HasSubstr("canary"))));
  }
  for (std::size_t cut = 0; cut < kListing.find("</ListBucketResult>") + 18; ++cut) {
    EXPECT_THROW(parse_xml(kListing.substr(0, cut), "s3"), Error) << cut;
  }
}

TEST(AwsXml, RefusesWhatIsMeantToHurt) {
  EXPECT_THAT(error_of("<!DOCTYPE a [<!ENTITY x \"canary\">]><a>&x;</a>"),
              AllOf(HasSubstr("DOCTYPE"), Not(HasSubstr("canary"))));
  EXPECT_THAT(error_of("<a><!DOCTYPE b><b/></a>"), StartsWith("s3: "));
  std::string deep;
  for (int i = 0; i < 200'000; ++i) deep += "<a>";
  for (int i = 0; i < 200'000; ++i) deep += "</a>";
  EXPECT_THAT(error_of(deep), HasSubstr("nested too deep"));
  EXPECT_THAT(error_of("<a>12345</a>", 11), HasSubstr("longer than 11 bytes"));
  EXPECT_EQ(error_of("<a>1234</a>", 11), "nothing was thrown");
  EXPECT_THAT(error_of(std::string("<a>\0</a>", 8)), HasSubstr("a NUL at byte 3"));
}

TEST(AwsXml, AnOddNameDoesNotHideTheOthers) {
  EXPECT_EQ(parse_xml("<a><b>\xC3</b><b>x</b></a>", "s3").all("b")[1]->text, "x");
}

}  // namespace
}  // namespace pgstow::test
