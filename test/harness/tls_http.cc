#include "harness/tls_http.h"

#include "harness/guarded_folder.h"
#include "harness/python_server.h"

namespace pgstow::test {
namespace {

// Arguments: certificate, key, file for the bodies.
constexpr const char* kScript = R"(
import http.server, ssl, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with open(sys.argv[3], "ab") as out:
            out.write(body)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
server.serve_forever()
)";

}  // namespace

TlsHttp::TlsHttp()
    : certificates_(make_test_ca(folder_.path())),
      server_({.argv = tied_to_us({kPython, "-c", kScript, certificates_.certificate.native(),
                                   certificates_.key.native(), (folder_ / "bodies").native()})}),
      port_(port_printed_by(server_)) {}

std::string TlsHttp::url() const { return "https://127.0.0.1:" + port_; }

std::string TlsHttp::received() const { return read_file(folder_ / "bodies"); }

}  // namespace pgstow::test
