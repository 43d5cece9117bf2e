// Every behaviour does what its entry in the table says, and some in detail.
#include "harness/s3_behaviour.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "harness/scripted_s3.h"

namespace pgstow::test {
namespace {

using enum Operation;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::Ge;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

constexpr const char* kUpload = "upload.00001";
const ScriptedOptions kQuick{.rules = {.least_part_bytes = 1, .page_size = 10},
                             .trickle_pause = std::chrono::milliseconds(1)};

// Two objects and an upload of two parts, made without HTTP.
void furnish(ScriptedS3& s3) {
  const auto call = [&](Operation operation, const std::string& key, const std::string& number) {
    S3Call one{.http = {},
               .operation = operation,
               .bucket = s3.bucket(),
               .key = key,
               .query = {},
               .claimed_etag = {}};
    one.http.body = "0123456789" + number;
    one.query = {{"uploadId", kUpload}, {"partNumber", number}};
    return one;
  };
  s3.memory().carry_out(call(kPutObject, "a", ""));
  s3.memory().carry_out(call(kPutObject, "b", ""));
  s3.memory().carry_out(call(kCreateUpload, "up", ""));
  s3.memory().carry_out(call(kUploadPart, "up", "1"));
  s3.memory().carry_out(call(kUploadPart, "up", "2"));
}

std::string parts_xml(int parts) {
  std::string xml = "<CompleteMultipartUpload>";
  for (int i = 1; i <= parts; ++i) {
    const std::string number = std::to_string(i);
    xml += "<Part><PartNumber>" + number + "</PartNumber><ETag>" + md5_hex("0123456789" + number) +
           "</ETag></Part>";
  }
  return xml + "</CompleteMultipartUpload>";
}

const S3Headers kIfNew = {{"If-None-Match", "*"}};

// A request of that kind which a good server carries out.
S3Reply request(const S3Server& server, Operation operation) {
  const std::string bucket = "/backups";
  const std::string id = std::string("uploadId=") + kUpload;
  switch (operation) {
    case kPutObject:
      return server.request("PUT", bucket + "/new", "a new object", kIfNew);
    case kGetObject:
      return server.request("GET", bucket + "/a", "", {{"Range", "bytes=2-5"}});
    case kHeadObject:
      return server.request("HEAD", bucket + "/a");
    case kDeleteObject:
      return server.request("DELETE", bucket + "/a");
    case kCreateUpload:
      return server.request("POST", bucket + "/more?uploads=");
    case kUploadPart:
      return server.request("PUT", bucket + "/up?partNumber=3&" + id, "part three");
    case kCompleteUpload:
      return server.request("POST", bucket + "/up?" + id, parts_xml(2), kIfNew);
    case kAbortUpload:
      return server.request("DELETE", bucket + "/up?" + id);
    case kListParts:
      return server.request("GET", bucket + "/up?" + id);
    case kListUploads:
      return server.request("GET", bucket + "?uploads=");
    default:
      return server.request("GET", bucket + "?list-type=2&max-keys=10");
  }
}

constexpr std::array kAll = {kPutObject,    kGetObject,   kHeadObject,     kDeleteObject,
                             kCreateUpload, kUploadPart,  kCompleteUpload, kAbortUpload,
                             kListParts,    kListUploads, kListObjects};

// Everything that is stored, as a text.
std::string state(const ScriptedS3& s3) {
  std::string out;
  for (const auto& [key, object] : s3.objects()) out += key + "=" + object.bytes + "\n";
  for (const auto& [id, upload] : s3.open_uploads()) {
    out += id + ":";
    for (const auto& [number, part] : upload.parts) out += " " + part.bytes;
    out += "\n";
  }
  return out;
}

// The state after a good server carried it out.
std::string state_after(Operation operation) {
  ScriptedS3 s3(kQuick);
  furnish(s3);
  EXPECT_TRUE(request(s3, operation).ok()) << name_of(operation);
  return state(s3);
}

Operation first_that_fits(const Behaviour& behaviour) {
  return *std::ranges::find_if(kAll, [&](Operation one) { return behaviour.fits(one); });
}

bool changes(Operation operation) {
  return operation != kGetObject && operation != kHeadObject && operation != kListParts &&
         operation != kListUploads && operation != kListObjects;
}

// Whether a client gets an answer without going itself.
bool ends(const Behaviour& behaviour) {
  return !behaviour.name.starts_with("silence") && !behaviour.name.starts_with("endless") &&
         behaviour.name != "request not read to its end";
}

TEST(S3Behaviour, NamesAreUniqueAndMany) {
  std::set<std::string> names;
  for (const Behaviour& one : behaviours()) names.insert(one.name);
  EXPECT_EQ(names.size(), behaviours().size());
  EXPECT_THAT(names, SizeIs(Ge(80U)));
  for (const Operation operation : kAll) {
    EXPECT_GE(std::ranges::count_if(behaviours(), [&](auto& one) { return one.fits(operation); }),
              40)
        << name_of(operation);
  }
}

// Plays it once. The client gets away at the latest with the server.
void check(const Behaviour& behaviour, Operation operation, const std::string& done) {
  auto s3 = std::make_unique<ScriptedS3>(kQuick);
  furnish(*s3);
  const std::string before = state(*s3);
  s3->on({operation}, behaviour);
  const S3Server client(s3->address());
  bool answered_well = false;
  std::jthread sender([&] {
    try {
      answered_well = request(client, operation).ok();
    } catch (const Error&) {
      answered_well = false;  // no reply, or a cut one
    }
  });
  s3->await(operation, 1);
  if (ends(behaviour)) sender.join();
  if (changes(operation) && behaviour.carried == Behaviour::Carried::kYes) {
    while (state(*s3) != done) std::this_thread::yield();
  } else if (behaviour.carried == Behaviour::Carried::kNo) {
    EXPECT_EQ(state(*s3), before);
  }
  EXPECT_EQ(s3->played(behaviour.name), 1);
  s3.reset();
  if (sender.joinable()) sender.join();
  EXPECT_TRUE(answered_well || !behaviour.sound);
}

TEST(S3Behaviour, EachIsPlayedAndCarriesOutWhatItSays) {
  std::map<Operation, std::string> done;
  for (const Operation operation : kAll) done[operation] = state_after(operation);
  for (const Behaviour& behaviour : behaviours()) {
    SCOPED_TRACE(behaviour.name);
    const Operation operation = first_that_fits(behaviour);
    check(behaviour, operation, done[operation]);
  }
}

class S3BehaviourTest : public testing::Test {
 protected:
  S3BehaviourTest() { furnish(s3_); }
  S3Reply play(const std::string& name, Operation operation) {
    s3_.on({operation}, name);
    return request(s3_, operation);
  }

  ScriptedS3 s3_{kQuick};
};

TEST_F(S3BehaviourTest, StoresLessAndSaysSo) {
  const S3Reply reply = play("stores one byte less", kPutObject);
  EXPECT_EQ(s3_.objects().at("new").bytes, "a new objec");
  EXPECT_EQ(reply.headers.at("etag"), '"' + md5_hex("a new objec") + '"');
}

TEST_F(S3BehaviourTest, StoresOtherBytesUnderTheRightEtag) {
  const S3Reply reply = play("stores a flipped bit, with the right ETag", kPutObject);
  EXPECT_EQ(reply.headers.at("etag"), '"' + md5_hex("a new object") + '"');
  EXPECT_NE(s3_.objects().at("new").bytes, "a new object");
  EXPECT_EQ(s3_.objects().at("new").etag, md5_hex("a new object"));
}

TEST_F(S3BehaviourTest, LosesThePartThatIsLast) {
  EXPECT_EQ(play("loses the last part", kCompleteUpload).status, 200);
  EXPECT_EQ(s3_.objects().at("up").bytes, "01234567891");
}

TEST_F(S3BehaviourTest, JoinsInAnotherOrder) {
  EXPECT_EQ(play("joins the parts in another order", kCompleteUpload).status, 200);
  EXPECT_EQ(s3_.objects().at("up").bytes, "0123456789201234567891");
}

TEST_F(S3BehaviourTest, SendsAnErrorInASuccess) {
  for (const char* name : {"200 with an error in it", "200, blanks, and an error"}) {
    const S3Reply reply = play(name, kCompleteUpload);
    EXPECT_EQ(reply.status, 200);
    EXPECT_THAT(xml_values(reply.body, "Code"), ElementsAre("InternalError"));
    s3_.clear();
  }
  const S3Reply result = play("200, blanks, and the result", kCompleteUpload);
  EXPECT_THAT(result.body, HasSubstr("\n\n\n"));
  EXPECT_THAT(xml_values(result.body, "Key"), ElementsAre("up"));
}

TEST_F(S3BehaviourTest, SendsWhatWasNotAskedFor) {
  const auto get = [&](const std::string& name) {
    s3_.clear();
    const S3Reply reply = play(name, kGetObject);
    const auto range = reply.headers.find("content-range");
    return std::to_string(reply.status) + " " + reply.body +
           (range == reply.headers.end() ? "" : " " + range->second);
  };
  EXPECT_EQ(get("range not heard"), "200 0123456789");
  EXPECT_EQ(get("wrong Content-Range"), "206 2345 bytes 3-6/10");
  EXPECT_EQ(get("half of the range"), "206 23 bytes 2-3/10");
  EXPECT_EQ(get("a flipped bit in what is read"), "206 2355 bytes 2-5/10");
  EXPECT_NE(get("bytes of another version"), "206 2345 bytes 2-5/10");
}

TEST_F(S3BehaviourTest, ListsWhatIsNotTrue) {
  const auto listed = [&](const std::string& name) {
    s3_.clear();
    return play(name, kListObjects).body;
  };
  const std::string lost = listed("truncated without a token");
  EXPECT_THAT(lost, AllOf(HasSubstr("<IsTruncated>true"), Not(HasSubstr("Token"))));
  const std::string token =
      xml_values(listed("the same token for ever"), "NextContinuationToken").at(0);
  const S3Reply again = s3_.request("GET", "/backups?list-type=2&continuation-token=" + token);
  EXPECT_THAT(xml_values(again.body, "NextContinuationToken"), ElementsAre(token));
  EXPECT_THAT(xml_values(again.body, "Key"), ElementsAre("a", "b"));
  EXPECT_THAT(xml_values(listed("a key outside the prefix"), "Key"), Contains("~foreign/key"));
  EXPECT_THAT(xml_values(listed("entries in reverse order"), "Key"), ElementsAre("b", "a"));
  EXPECT_THAT(xml_values(listed("the last entry is missing"), "Key"), ElementsAre("a"));
  EXPECT_THAT(xml_values(listed("entries listed twice"), "Key"), ElementsAre("a", "b", "a", "b"));
}

TEST_F(S3BehaviourTest, TellsWhenToComeBack) {
  EXPECT_EQ(play("503 SlowDown, Retry-After", kPutObject).headers.at("retry-after"), "1");
  s3_.clear();
  EXPECT_FALSE(play("503 SlowDown", kPutObject).headers.contains("retry-after"));
}

TEST_F(S3BehaviourTest, RefusesEarlyWithAWholeReply) {
  s3_.on({kPutObject}, "503 before the body is read");
  const S3Reply reply = s3_.request("PUT", "/backups/new", std::string(1 << 20, 'x'));
  EXPECT_EQ(reply.status, 503);
}

TEST_F(S3BehaviourTest, SendsElsewhere) {
  const S3Reply other = play("307 to another port", kHeadObject);
  EXPECT_EQ(other.status, 307);
  EXPECT_EQ(other.headers.at("location"), s3_.other_url() + "/backups/a");
  s3_.clear();
  EXPECT_EQ(play("307 to itself", kHeadObject).headers.at("location"), s3_.url() + "/backups/a");
  s3_.clear();
  EXPECT_EQ(play("301 PermanentRedirect", kHeadObject).headers.at("x-amz-bucket-region"),
            "eu-central-1");
  S3Address there = s3_.address();
  there.url = s3_.other_url();
  there.region = "eu-central-1";
  s3_.clear();
  EXPECT_EQ(S3Server(there).request("HEAD", "/backups/a").status, 400);
  play("301 PermanentRedirect", kGetObject);
  EXPECT_EQ(S3Server(there).request("HEAD", "/backups/a").status, 200);
  EXPECT_TRUE(s3_.requests().back().at_other_url);
}

TEST_F(S3BehaviourTest, ClockStaysWrongUntilTheScriptIsCleared) {
  s3_.on({kPutObject}, "403 RequestTimeTooSkewed, the server is behind", first(1));
  const std::string date = request(s3_, kPutObject).headers.at("date");
  EXPECT_EQ(request(s3_, kPutObject).status, 403);
  EXPECT_NE(date, http_date(std::chrono::system_clock::now()));
  s3_.clear();
  EXPECT_EQ(request(s3_, kPutObject).status, 200);
}

}  // namespace
}  // namespace pgstow::test
