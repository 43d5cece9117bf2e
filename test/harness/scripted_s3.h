// A small S3 in the test process that plays faults by a script: for what no real server does when a
// test wants it.
//
//   ScriptedS3 s3;
//   s3.on({Operation::kUploadPart}, "503 SlowDown, Retry-After", first(2));
//   s3.on({Operation::kPutObject, "app/"}, "reset after doing it", nth(3));
//   s3.on({}, "500 InternalError", sometimes(0.2, seed));
//   ... a client at s3.url(), with s3.admin() as keys, in s3.bucket() ...
//   EXPECT_EQ(s3.count(Operation::kUploadPart), 5);
//
// By HTTP/1.1, path-style or with the bucket in the host (BUCKET.s3.test). The behaviours are those
// of harness/s3_behaviour.h; the server without a fault is that of harness/s3_memory.h, which
// checks every signature and digest.
#pragma once

#include <chrono>
#include <climits>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/s3_behaviour.h"
#include "harness/s3_memory.h"
#include "harness/s3_server.h"

namespace pgstow::test {

// Which requests a rule is about.
struct Match {
  std::optional<Operation> operation = {};  // none: every one that the behaviour fits
  std::string key_prefix = {};
  std::string header = {};      // only requests that have it; in lower case
  std::string not_header = {};  // only requests that do not have it; in lower case
};

// Which of those it strikes, counted from 1 since the rule was made.
struct Times {
  int first = 1;
  int last = INT_MAX;
  double chance = 1;  // of each of them
  unsigned seed = 0;
};
inline Times every() { return {}; }
inline Times nth(int n) { return {.first = n, .last = n}; }
inline Times first(int n) { return {.first = 1, .last = n}; }
inline Times after(int n) { return {.first = n + 1}; }
inline Times sometimes(double chance, unsigned seed) { return {.chance = chance, .seed = seed}; }

struct ScriptedOptions {
  std::string bucket = "backups";  // is there from the start
  std::string region = "us-east-1";
  S3Keys keys = {"scriptedaccess", "scriptedsecret0123456789", ""};
  S3Memory::Rules rules = {};
  std::chrono::milliseconds trickle_pause{1000};  // between the pieces of a slow reply
};

// A request, seen when its head had arrived.
struct SeenRequest {
  Operation operation;
  std::string bucket;
  std::string key;
  HttpCall head;  // without its body
  std::chrono::steady_clock::time_point time;
  bool at_other_url = false;
  std::string behaviour;  // that was played; empty: a good reply
};

// All methods may be called from several threads, while clients are at work.
class ScriptedS3 : public S3Server {
 public:
  explicit ScriptedS3(const ScriptedOptions& options = {});
  // Ends all connections at once, whatever they wait for.
  ~ScriptedS3() override;

  const std::string& bucket() const;
  std::string other_url() const;  // another port of the same server

  // Of several rules that strike, the one made first is played. Throws Error when the behaviour
  // does not fit the operation.
  void on(const Match& match, const Behaviour& behaviour, const Times& times = every());
  void on(const Match& match, std::string_view behaviour, const Times& times = every());
  // Forgets all rules, and what behaviours did to the clock and the region.
  void clear();

  // From now on only these keys, this region, this clock are the right ones.
  void set_keys(const S3Keys& keys);
  void set_region(const std::string& region);
  void set_clock_offset(std::chrono::seconds offset);

  std::vector<SeenRequest> requests() const;
  int count(Operation operation) const;          // of requests
  int played(std::string_view behaviour) const;  // of times
  int most_at_once() const;                      // requests that were under way together
  int connections() const;                       // accepted until now
  void await(Operation operation, int n) const;  // until n were seen; throws Error after a minute

  // What is stored in bucket(), without going through HTTP.
  std::map<std::string, StoredObject> objects() const;
  std::map<std::string, OpenUpload> open_uploads() const;  // by id
  S3Memory& memory();

 private:
  struct Own;
  explicit ScriptedS3(std::unique_ptr<Own> own);

  std::unique_ptr<Own> own_;
};

}  // namespace pgstow::test
