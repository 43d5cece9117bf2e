#include "harness/s3_server.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <thread>
#include <utility>

#include "base/error.h"
#include "base/text.h"

namespace pgstow::test {
namespace {

std::string authority_of(const std::string& url) { return url.substr(url.find("://") + 3); }

Program curl(const std::string& method, const std::string& url, const std::string& body,
             const S3Headers& headers) {
  Program program{.argv = {"curl", "-sS", "-i", "--http1.1", "--path-as-is", "--max-time", "60",
                           "-H", "Expect:", "-H", "Content-Type: application/octet-stream"}};
  for (const auto& [name, value] : headers) {
    program.argv.insert(program.argv.end(), {"-H", fmt::format("{}: {}", name, value)});
  }
  if (method == "HEAD") {
    program.argv.emplace_back("--head");
  } else {
    program.argv.insert(program.argv.end(), {"-X", method});
  }
  if (method == "PUT" || method == "POST") {
    program.argv.insert(program.argv.end(), {"--data-binary", "@-"});
    program.input = body;
  }
  program.argv.push_back(url);
  return program;
}

S3Reply parse_reply(const std::string& text) {
  const std::size_t end = text.find("\r\n\r\n");
  if (end == std::string::npos) throw Error("s3 server: no reply: " + text);
  S3Reply reply{.status = 0, .headers = {}, .body = text.substr(end + 4)};
  bool first = true;
  for (const std::string_view line : split(std::string_view(text).substr(0, end), '\n')) {
    if (std::exchange(first, false)) {
      reply.status = static_cast<int>(parse_int(line.substr(9, 3)).value_or(0));
      continue;
    }
    const std::size_t colon = std::min(line.find(':'), line.size() - 1);
    reply.headers[lower(line.substr(0, colon))] = trim(line.substr(colon + 1));
  }
  return reply;
}

S3Reply expect_ok(S3Reply reply, const std::string& what) {
  if (!reply.ok()) throw Error(fmt::format("{}: status {}: {}", what, reply.status, reply.body));
  return reply;
}

std::string target(const std::string& bucket, const std::string& key) {
  return "/" + bucket + "/" + percent_encoded(key, false);
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
}

std::string unescaped(std::string text) {
  constexpr std::array<std::pair<const char*, const char*>, 5> kEntities = {
      {{"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&apos;", "'"}, {"&amp;", "&"}}};
  for (const auto& [from, to] : kEntities) replace_all(text, from, to);
  return text;
}

}  // namespace

std::string S3Address::text() const {
  return fmt::format("{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n", url, https_url, ca.string(),
                     folder.string(), region, admin.access_key, admin.secret_key,
                     limited.access_key, limited.secret_key);
}

S3Address S3Address::parse(const std::string& text) {
  std::vector<std::string> lines;
  for (const std::string_view line : split(text, '\n')) lines.emplace_back(line);
  return {.url = lines.at(0),
          .https_url = lines.at(1),
          .ca = lines.at(2),
          .folder = lines.at(3),
          .region = lines.at(4),
          .admin = {lines.at(5), lines.at(6), ""},
          .limited = {lines.at(7), lines.at(8), ""}};
}

S3Reply S3Server::request(const std::string& method, const std::string& target,
                          const std::string& body, S3Headers headers) const {
  return request_as(admin(), method, target, body, std::move(headers));
}

S3Reply S3Server::request_as(const S3Keys& keys, const std::string& method,
                             const std::string& target, const std::string& body,
                             S3Headers headers) const {
  const std::size_t question = std::min(target.find('?'), target.size());
  Signable request{.method = method,
                   .path = target.substr(0, question),
                   .query = question < target.size() ? target.substr(question + 1) : "",
                   .headers = {},
                   .payload_hash = {},
                   .time = {},
                   .region = region()};
  headers.emplace_back("Host", authority_of(url()));
  sign(headers, std::move(request), body, keys);
  return parse_reply(run_ok(curl(method, url() + target, body, headers)));
}

std::string S3Server::make_bucket(const S3Headers& headers) const {
  static std::atomic<int> made{0};
  const std::string bucket = fmt::format("b{}-{}-{}", ::getpid(), ++made,
                                         sha256_hex(std::to_string(::time(nullptr))).substr(0, 6));
  // As every client does: a server that has just begun may be busy.
  S3Reply reply = request("PUT", "/" + bucket, {}, headers);
  for (int tries = 1; reply.status == 503 && tries < 10; ++tries) {
    std::this_thread::sleep_for(std::chrono::seconds(1));
    reply = request("PUT", "/" + bucket, {}, headers);
  }
  expect_ok(reply, "making bucket " + bucket);
  return bucket;
}

void S3Server::put(const std::string& bucket, const std::string& key,
                   const std::string& body) const {
  expect_ok(request("PUT", target(bucket, key), body), "putting " + key);
}

std::string S3Server::get(const std::string& bucket, const std::string& key) const {
  return expect_ok(request("GET", target(bucket, key)), "getting " + key).body;
}

std::vector<std::string> S3Server::keys(const std::string& bucket) const {
  const std::string listed = "/" + bucket + "?list-type=2";
  return xml_values(expect_ok(request("GET", listed), "listing " + bucket).body, "Key");
}

std::vector<std::string> S3Server::uploads(const std::string& bucket) const {
  const S3Reply reply = expect_ok(request("GET", "/" + bucket + "?uploads="), "listing uploads");
  const std::vector<std::string> uploads = xml_values(reply.body, "Upload");
  std::vector<std::string> out;
  out.reserve(uploads.size());
  for (const std::string& upload : uploads) {
    out.push_back(xml_values(upload, "Key").at(0) + " " + xml_values(upload, "UploadId").at(0));
  }
  return out;
}

std::size_t S3Server::parts(const std::string& bucket, const std::string& upload) const {
  const std::size_t space = upload.rfind(' ');
  const std::string target =
      fmt::format("/{}/{}?uploadId={}", bucket, upload.substr(0, space), upload.substr(space + 1));
  return xml_values(expect_ok(request("GET", target), "listing parts").body, "PartNumber").size();
}

Outcome S3Server::aws(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), {"aws", "--endpoint-url", url(), "--region", region()});
  return run({.argv = std::move(arguments),
              .env = {"AWS_ACCESS_KEY_ID=" + admin().access_key,
                      "AWS_SECRET_ACCESS_KEY=" + admin().secret_key, "AWS_CONFIG_FILE=/dev/null",
                      "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_EC2_METADATA_DISABLED=true",
                      "AWS_PAGER="}});
}

std::vector<std::string> xml_values(std::string_view xml, const std::string& tag) {
  const std::string open = "<" + tag + ">";
  const std::string close = "</" + tag + ">";
  std::vector<std::string> out;
  for (std::size_t at = 0; (at = xml.find(open, at)) != std::string_view::npos;) {
    at += open.size();
    const std::size_t end = xml.find(close, at);
    if (end == std::string_view::npos) throw Error("xml without " + close);
    out.push_back(unescaped(std::string(xml.substr(at, end - at))));
  }
  return out;
}

std::string allow_policy(const std::string& bucket, const std::vector<std::string>& actions) {
  return fmt::format(R"({{"Version":"2012-10-17","Statement":[{{"Effect":"Allow",)"
                     R"("Principal":{{"AWS":["arn:aws:iam:::user/limited"]}},"Action":["{}"],)"
                     R"("Resource":["arn:aws:s3:::{}","arn:aws:s3:::{}/*"]}}]}})",
                     join(actions, "\",\""), bucket, bucket);
}

}  // namespace pgstow::test
