// Whatever the bytes, an answer is read or refused.
#include <string_view>

#include "base/error.h"
#include "store/aws_xml.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  try {
    static_cast<void>(
        pgstow::parse_xml({reinterpret_cast<const char*>(data), size}, "fuzz", 1 << 16));
  } catch (const pgstow::Error&) {
    return 0;  // the expected answer to most inputs
  }
  return 0;
}
