#include "store/http_message.h"

#include <chrono>

#include "base/error.h"
#include "base/text.h"

namespace pgstow {
namespace {

bool worth_another_try(const HttpReply& reply) {
  return reply.status == 429 || reply.status >= 500;
}

}  // namespace

std::optional<std::string> HttpReply::header(std::string_view name) const {
  for (const HttpHeader& header : headers) {
    if (lower(header.name) == lower(name)) return header.value;
  }
  return std::nullopt;
}

HttpReply send_patiently(const HttpSend& send, const HttpRequest& request, int attempts,
                         const Context& context) {
  std::chrono::milliseconds pause(500);
  for (int left = attempts - 1;; --left, pause *= 2) {
    try {
      HttpReply reply = send(request);
      if (left <= 0 || !worth_another_try(reply)) return reply;
    } catch (const Transient&) {
      if (left <= 0) throw;
    }
    context.clock.sleep(pause, context.stop);
  }
}

}  // namespace pgstow
