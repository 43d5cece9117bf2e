#include "harness/swift.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/text.h"
#include "harness/guarded_folder.h"
#include "harness/ports.h"
#include "harness/program.h"
#include "harness/server_start.h"
#include "harness/shared_server.h"
#include "harness/test_ca.h"

namespace pgstow::test {
namespace {

namespace fs = std::filesystem;

// An access key is ACCOUNT:USER here.
const S3Keys kAdmin{"test:admin", "testadminsecret0123456789", ""};
const S3Keys kLimited{"test:limited", "testlimitedsecret0123456789", ""};

constexpr const char* kPython = "/usr/bin/python3";  // the one that Debian's Swift is installed for

constexpr const char* kSwiftConf = R"([swift-hash]
swift_hash_path_prefix = test
swift_hash_path_suffix = test

[swift-constraints]
max_header_size = 32768
)";

// Swift 2.30 has no option for where swift.conf lies, and its command for rings takes half a second
// a call: so its modules are called directly. The object server wants a preparation of its own.
constexpr const char* kLauncher = R"py(
import sys
from swift.common import utils
folder, kind, argument = sys.argv[1:4]
utils.set_swift_dir(folder)
if kind == "rings":
    from swift.common.ring import RingBuilder
    for ring in argument.split(","):
        name, port = ring.split("=")
        builder = RingBuilder(4, 1, 0)
        builder.add_dev({"id": 0, "region": 1, "zone": 1, "ip": "127.0.0.1", "port": int(port),
                         "device": "disk", "weight": 1.0})
        builder.rebalance()
        builder.get_ring().save("%s/%s.ring.gz" % (folder, name))
else:
    from swift.common.wsgi import run_wsgi
    more = {}
    if kind == "object-server":
        from swift.obj import server
        more["global_conf_callback"] = server.global_conf_callback
    sys.exit(run_wsgi(argument, kind, **more))
)py";

// {tls} is empty or names a certificate.
constexpr const char* kCommon = R"([DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
bind_timeout = 1
user = {user}
workers = 0
swift_dir = {folder}
log_level = WARNING
log_address = {folder}/no-syslog
backlog = 512
{tls}
)";

constexpr const char* kStorage = R"(devices = {folder}/disks
mount_check = false
disable_fallocate = true
eventlet_debug = false

[pipeline:main]
pipeline = {kind}-server

[app:{kind}-server]
use = egg:swift#{kind}
replication_server = true
allow_versions = true
recon_cache_path = {folder}/recon
)";

constexpr const char* kProxy = R"(
[pipeline:main]
pipeline = catch_errors gatekeeper healthcheck cache listing_formats bulk s3api tempauth copy slo dlo versioned_writes symlink proxy-server

[app:proxy-server]
use = egg:swift#proxy
allow_account_management = true
account_autocreate = true
conn_timeout = 3
node_timeout = 30

[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:healthcheck]
use = egg:swift#healthcheck
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:bulk]
use = egg:swift#bulk
[filter:copy]
use = egg:swift#copy
[filter:dlo]
use = egg:swift#dlo
[filter:symlink]
use = egg:swift#symlink

[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:{cache}

[filter:s3api]
use = egg:swift#s3api
location = us-east-1
storage_domain = s3.test
max_upload_part_num = 10000
allow_multipart_uploads = true
dns_compliant_bucket_names = true

[filter:tempauth]
use = egg:swift#tempauth
user_test_admin = {admin} .admin
user_test_limited = {limited}

[filter:slo]
use = egg:swift#slo
max_manifest_segments = 10000

[filter:versioned_writes]
use = egg:swift#versioned_writes
allow_versioned_writes = true
allow_object_versioning = true
)";

using Values = std::map<std::string, std::string>;

// Puts the values in the places of their names in braces.
std::string filled(std::string text, const Values& values) {
  for (const auto& [name, value] : values) {
    const std::string place = "{" + name + "}";
    for (std::size_t at = 0; (at = text.find(place, at)) != std::string::npos;) {
      text.replace(at, place.size(), value);
      at += value.size();
    }
  }
  return text;
}

std::string user_name() { return std::string(trim(run_ok({.argv = {"id", "-un"}}))); }

}  // namespace

// Members go in reverse order: the doors first, the folder last.
struct Swift::Own {
  Own() : tls(make_test_ca(folder / "tls")) {
    for (const char* name : {"log", "disks", "disks/disk", "recon"}) {
      fs::create_directories(folder / name);
    }
    try {
      start();
    } catch (Error& e) {
      throw Error(fmt::format("swift: {}\n{}", e.what(), log_ends(folder.path())));
    }
  }

  void start() {
    write_file(folder / "swift.conf", kSwiftConf);
    write_file(folder / "run.py", kLauncher);
    start_storage();
    start_cache();
    serve("proxy", "http", http_port, kProxy, {});
    serve("proxy", "https", https_port, kProxy,
          {{"tls", fmt::format("cert_file = {}\nkey_file = {}", tls.certificate.string(),
                               tls.key.string())}});
    wait_for_answer(fmt::format("http://127.0.0.1:{}/healthcheck", http_port),
                    *processes.end()[-2]);
    wait_for_answer(fmt::format("https://127.0.0.1:{}/healthcheck", https_port),
                    *processes.end()[-1]);
  }

  void start_storage() {
    std::map<std::string, int> ports;
    std::vector<std::string> rings;
    for (const char* kind : {"account", "container", "object"}) {
      ports[kind] = free_port();
      rings.push_back(fmt::format("{}={}", kind, ports[kind]));
    }
    run_ok({.argv = {kPython, folder / "run.py", folder.path(), "rings", join(rings, ",")}});
    for (const auto& [kind, port] : ports) serve(kind, kind, port, kStorage, {});
  }

  // Who has proven to be who is kept there; the proxies won't work without.
  void start_cache() {
    std::vector<std::string> argv = {
        "memcached", "-l", "127.0.0.1", "-U", "0", "-m", "32", "-p", std::to_string(cache_port)};
    if (::geteuid() == 0) argv.insert(argv.end(), {"-u", "root"});
    begin(std::move(argv));
  }

  void begin(std::vector<std::string> argv) {
    processes.push_back(std::make_unique<Running>(Program{.argv = tied_to_us(std::move(argv))}));
  }

  void serve(const std::string& kind, const std::string& name, int port, const char* conf,
             Values values) {
    values.insert({{"port", std::to_string(port)},
                   {"folder", folder.path()},
                   {"kind", kind},
                   {"user", user},
                   {"cache", std::to_string(cache_port)},
                   {"admin", kAdmin.secret_key},
                   {"limited", kLimited.secret_key},
                   {"tls", ""}});
    const std::string file = folder / (name + ".conf");
    write_file(file, filled(std::string(kCommon) + conf, values));
    begin({kPython, folder / "run.py", folder.path(), kind + "-server", file});
  }

  S3Address address() const {
    return {.url = fmt::format("http://127.0.0.1:{}", http_port),
            .https_url = fmt::format("https://127.0.0.1:{}", https_port),
            .ca = tls.ca,
            .folder = folder.path(),
            .admin = kAdmin,
            .limited = kLimited};
  }

  GuardedFolder folder{"pgstow-swift-"};
  TestCa tls;
  const std::string user = user_name();
  const int cache_port = free_port();
  const int http_port = free_port();
  const int https_port = free_port();
  std::vector<std::unique_ptr<Running>> processes;
};

Swift::Swift() : Swift(start_with_patience<Own>()) {}

Swift::Swift(std::unique_ptr<Own> own) : S3Server(own->address()), own_(std::move(own)) {}

Swift::Swift(const S3Address& address) : S3Server(address) {}

Swift::~Swift() = default;

const Swift& shared_swift() {
  static const Swift shared(S3Address::parse(shared_address("swift")));
  return shared;
}

}  // namespace pgstow::test
