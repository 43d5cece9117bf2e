// Whatever a request's lines say, there is an answer, and no metrics without the token.
#include <cstdlib>
#include <string>
#include <vector>

#include "base/text.h"
#include "daemon/http_reply.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace pgstow;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<std::string_view> lines = split(text, '\n');
  lines.resize(4);
  const HttpSettings settings{.listen = HttpAddress{.host = "127.0.0.1", .port = 9719},
                              .token = "a token that nothing here has"};
  const HttpReply reply = reply_to({.method = std::string(lines[0]),
                                    .target = std::string(lines[1]),
                                    .host = std::string(lines[2]),
                                    .authorization = std::string(lines[3])},
                                   settings, [] { return Standing{}; });
  if (reply.body.find("pgstow_") != std::string::npos) std::abort();
  return 0;
}
