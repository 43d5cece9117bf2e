// A certificate authority of the tests' own, and the server certificate that it signed.
#pragma once

#include <filesystem>

namespace pgstow::test {

struct TestCa {
  std::filesystem::path ca;           // PEM, what a client trusts
  std::filesystem::path certificate;  // PEM, for 127.0.0.1, localhost, s3.test and *.s3.test
  std::filesystem::path key;          // PEM
};

// Makes them in the folder with openssl (about 50 ms); they are good for two days.
TestCa make_test_ca(const std::filesystem::path& folder);

}  // namespace pgstow::test
