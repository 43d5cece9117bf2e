#include "harness/smtp_server.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "base/json.h"
#include "base/text.h"
#include "harness/guarded_folder.h"
#include "harness/python_server.h"

namespace pgstow::test {
namespace {

// Arguments: folder for mails, certificate, key, rules as JSON.
constexpr const char* kServer = R"(
import asyncio, json, os, ssl, sys
from aiosmtpd.smtp import SMTP, AuthResult

folder, certificate, key, rules = sys.argv[1], sys.argv[2], sys.argv[3], json.loads(sys.argv[4])
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
count = 0

class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in rules["refused"]:
            return "550 5.1.1 there is nobody called " + address
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        global count
        count += 1
        name = os.path.join(folder, "%04d" % count)
        with open(name + ".eml", "wb") as out:
            out.write(envelope.original_content)
        with open(name + ".json.part", "w") as out:
            json.dump({"sender": envelope.mail_from, "recipients": envelope.rcpt_tos,
                       "tls": session.ssl is not None or rules["tls_at_once"],
                       "user": session.auth_data.decode() if session.authenticated else ""}, out)
        os.rename(name + ".json.part", name + ".json")
        return "250 OK"

def login(server, session, envelope, mechanism, data):
    good = data.login.decode() == rules["user"] and data.password.decode() == rules["password"]
    return AuthResult(success=good, auth_data=data.login, handled=good)

def session():
    return SMTP(Handler(), hostname="smtp.test",
                tls_context=context if rules["tls"] and not rules["tls_at_once"] else None,
                require_starttls=rules["tls"] and not rules["tls_at_once"],
                authenticator=login, auth_required=bool(rules["user"]),
                auth_require_tls=not rules["tls_at_once"] and rules["tls"], loop=loop)

loop = asyncio.new_event_loop()
server = loop.run_until_complete(loop.create_server(
    session, "127.0.0.1", 0, ssl=context if rules["tls_at_once"] else None))
print(server.sockets[0].getsockname()[1], flush=True)
loop.run_forever()
)";

// Argument: a mail. Prints its headers and text as JSON.
constexpr const char* kReader = R"(
import email, email.policy, json, sys

with open(sys.argv[1], "rb") as file:
    mail = email.message_from_binary_file(file, policy=email.policy.default)
defects = [str(d) for d in mail.defects] + [str(d) for v in mail.values() for d in v.defects]
if defects:
    sys.exit("defects: " + "; ".join(defects))
json.dump({"headers": {name.lower(): str(value) for name, value in mail.items()},
           "text": mail.get_content().replace("\r\n", "\n")}, sys.stdout)
)";

std::string rules_text(const SmtpRules& rules) {
  boost::json::array refused(rules.refused.begin(), rules.refused.end());
  return pretty(boost::json::object{{"tls", rules.tls},
                                    {"tls_at_once", rules.tls_at_once},
                                    {"user", rules.user},
                                    {"password", rules.password},
                                    {"refused", refused}});
}

ReceivedMail read_mail(const std::filesystem::path& envelope_file) {
  std::filesystem::path mail_file = envelope_file;
  mail_file.replace_extension(".eml");
  const boost::json::object envelope = parse_json_object(read_file(envelope_file), "envelope");
  const boost::json::object mail =
      parse_json_object(run_ok({.argv = {kPython, "-c", kReader, mail_file.native()}}), "mail");
  ReceivedMail made{.sender = get_string(envelope, "sender", "envelope"),
                    .recipients = {},
                    .tls = get_bool(envelope, "tls", "envelope"),
                    .user = get_string(envelope, "user", "envelope"),
                    .raw = read_file(mail_file),
                    .headers = {},
                    .text = get_string(mail, "text", "mail")};
  for (const auto& to : get_array(envelope, "recipients", "envelope")) {
    made.recipients.emplace_back(to.as_string());
  }
  for (const auto& [name, value] : get_object(mail, "headers", "mail")) {
    made.headers[name] = value.as_string();
  }
  return made;
}

std::string usual_reply(std::string_view line) {
  if (line.starts_with("EHLO")) return "250-smtp.test\r\n250 8BITMIME\r\n";
  if (line.starts_with("DATA")) return "354 go on\r\n";
  if (line.starts_with("QUIT")) return "221 bye\r\n";
  return "250 OK\r\n";
}

// The next line of the peer's, without its end.
std::string line_of(TcpPeer& peer, std::string& ahead) {
  std::size_t end = 0;
  while ((end = ahead.find("\r\n")) == std::string::npos) {
    std::array<char, 4096> buffer;  // NOLINT: receive() fills what is used
    const std::size_t n = peer.receive(buffer);
    if (n == 0) throw PeerGone();
    ahead.append(buffer.data(), n);
  }
  std::string line = ahead.substr(0, end);
  ahead.erase(0, end + 2);
  return line;
}

}  // namespace

SmtpPeer::SmtpPeer(const SmtpRules& rules)
    : tls_at_once_(rules.tls_at_once),
      certificates_(make_test_ca(folder_ / "ca")),
      server_(
          {.argv = tied_to_us({kPython, "-W", "ignore", "-c", kServer, folder_.path(),
                               certificates_.certificate, certificates_.key, rules_text(rules)})}),
      port_(port_printed_by(server_)) {}

std::string SmtpPeer::url() const {
  return fmt::format("{}://127.0.0.1:{}", tls_at_once_ ? "smtps" : "smtp", port_);
}

std::vector<ReceivedMail> SmtpPeer::mails() const {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  std::vector<ReceivedMail> mails;
  mails.reserve(files.size());
  for (const std::filesystem::path& file : files) mails.push_back(read_mail(file));
  return mails;
}

void ScriptedSmtp::on(const std::string& command, std::string reply) {
  const std::lock_guard lock(mutex_);
  script_.emplace_back(command, std::move(reply));
}

std::string ScriptedSmtp::url() const { return fmt::format("smtp://127.0.0.1:{}", server_.port()); }

std::vector<std::string> ScriptedSmtp::heard() const {
  const std::lock_guard lock(mutex_);
  return heard_;
}

std::optional<std::string> ScriptedSmtp::scripted(const std::string& line) {
  const std::lock_guard lock(mutex_);
  heard_.push_back(line);
  const auto found =
      std::ranges::find_if(script_, [&](const auto& one) { return line.starts_with(one.first); });
  if (found == script_.end()) return std::nullopt;
  std::string reply = std::move(found->second);
  script_.erase(found);
  return reply;
}

void ScriptedSmtp::serve(TcpPeer& peer) {
  std::string ahead;
  bool in_mail = false;
  peer.send("220 smtp.test\r\n");
  for (;;) {
    const std::string line = line_of(peer, ahead);
    const std::optional<std::string> reply = scripted(line);
    if (reply && reply->empty()) peer.stall();
    if (in_mail && line != ".") continue;
    const std::string said = reply.value_or(usual_reply(line));
    in_mail = said.starts_with("354");
    peer.send(said);
    if (line == "QUIT") return;
  }
}

}  // namespace pgstow::test
