#include "store/s3_connect.h"

#include <chrono>

#include "store/aws_credentials.h"
#include "store/http_client.h"

namespace pgstow {
namespace {

HttpSend sender(HttpOptions options, const Context& context) {
  return [client = std::make_shared<HttpClient>(std::move(options)),
          stop = context.stop](const HttpRequest& request) { return client->send(request, stop); };
}

// Agents and metadata services are one step away: where nothing answers at once, there is none.
HttpOptions next_door() {
  return {.proxy = false,
          .connect_timeout = std::chrono::seconds(1),
          .least_bytes_per_second = 1,
          .stall = std::chrono::seconds(3)};
}

}  // namespace

std::unique_ptr<S3Store> connect_s3(const S3Connection& connection, const Context& context) {
  const KeyTools tools{.environment = connection.environment,
                       .send = sender({.ca = connection.settings.ca}, context),
                       .send_direct = sender(next_door(), context),
                       .context = context};
  return std::make_unique<S3Store>(connection.settings,
                                   aws_credentials(connection.credentials, tools), context);
}

}  // namespace pgstow
