// What one S3 store is told: where it is, and how objects are to be kept there.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace pgstow {

enum class S3Addressing {
  kAuto,     // virtual hosts at AWS, unless the bucket's name has a dot; paths elsewhere
  kPath,     // https://endpoint/bucket/key
  kVirtual,  // https://bucket.endpoint/key
};

struct S3Settings {
  std::string name = "s3";  // the store's, in messages
  std::string bucket;
  std::string prefix;    // of every key: empty, or with '/' at its end
  std::string region;    // of signatures, and of the endpoint at AWS
  std::string endpoint;  // "https://host:port"; empty: AWS
  S3Addressing addressing = S3Addressing::kAuto;
  std::filesystem::path ca;  // PEM with CA certificates; empty: the system's

  int attempts = 10;                        // at each request
  std::chrono::seconds stall{60};           // one that hardly moves for so long has failed
  unsigned transfers = 8;                   // parts, or ranges of an object, in flight
  std::uint64_t part_bytes = 8u << 20;      // of the first parts; later ones grow, see part_size()
  std::uint32_t most_parts = 10'000;        // some providers take 1,000
  std::uint64_t most_bytes_per_second = 0;  // 0: no limit

  std::string storage_class;  // empty: the bucket's
  std::string encryption;     // "AES256" or "aws:kms"; empty: the bucket's
  std::string kms_key;        // with aws:kms
  std::vector<std::pair<std::string, std::string>> tags;
  std::string lock_mode;  // "GOVERNANCE" or "COMPLIANCE"; empty: no object lock
  int lock_days = 0;

  std::filesystem::path notes;  // folder on this host for notes on uploads; empty: none are kept
};

}  // namespace pgstow
