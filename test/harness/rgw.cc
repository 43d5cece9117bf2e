#include "harness/rgw.h"

#include <fmt/format.h>
#include <signal.h>

#include <chrono>
#include <optional>

#include "base/error.h"
#include "base/text.h"
#include "harness/ports.h"
#include "harness/server_start.h"
#include "harness/shared_server.h"

namespace pgstow::test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRole = "backup";
constexpr const char* kWhoMayTakeTheRole =
    R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow",)"
    R"("Principal":{"AWS":["arn:aws:iam:::user/admin"]},"Action":["sts:AssumeRole"]}]})";
constexpr const char* kWhatTheRoleMay = R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow",)"
                                        R"("Action":["s3:*"],"Resource":"arn:aws:s3:::*"}]})";

const S3Keys kAdmin{"testadminaccess", "testadminsecret0123456789", ""};
const S3Keys kLimited{"testlimitedaccess", "testlimitedsecret0123456789", ""};

// Ceph without keyrings, with one copy of everything on one OSD in memory. What its defaults make
// wait for seconds (changes of its maps, a request sent before the OSD was up, the watch of a
// killed gateway, the space of deleted objects) is made quick.
constexpr const char* kConfiguration = R"(
[global]
fsid = {fsid}
mon_host = v1:127.0.0.1:{monitor}
mon_initial_members = a
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
ms_bind_ipv6 = false
ms_bind_msgr2 = false
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
keyring = {folder}/keyring
run_dir = {folder}/run
crash_dir = {folder}/run
admin_socket =
log_file = {folder}/log/$name.log
log_to_stderr = false
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 1
osd_pool_default_pgp_num = 1
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_max_pg_per_osd = 1000
mon_data_avail_warn = 1
mon_data_avail_crit = 1
paxos_propose_interval = 0.02
paxos_min_wait = 0.01
objecter_tick_interval = 0.2

[mon]
mon_data = {folder}/mon
mon_cluster_log_file = {folder}/log/cluster.log

[osd]
osd_data = {folder}/osd
osd_objectstore = memstore
memstore_device_bytes = 4294967296
osd_op_num_shards = 2
osd_op_num_threads_per_shard = 1
osd_client_watch_timeout = 2

[client.rgw]
rgw_data = {folder}/rgw
rgw_dns_name = s3.test
rgw_thread_pool_size = 32
rgw_num_control_oids = 1
rgw_data_log_num_shards = 1
rgw_md_log_max_shards = 1
rgw_gc_max_objs = 1
rgw_lc_max_objs = 1
rgw_override_bucket_index_max_shards = 1
rgw_dynamic_resharding = false
rgw_enable_quota_threads = false
rgw_run_sync_thread = false
rgw_enable_usage_log = false
rgw_crypt_require_ssl = false
rgw_gc_obj_min_wait = 1
rgw_gc_processor_period = 5
rgw_multipart_min_part_size = 1024
rgw_sts_key = abcdefghijklmnop
rgw_s3_auth_use_sts = true
rgw_s3_auth_order = local, sts
)";

std::string uuid() { return std::string(trim(read_file("/proc/sys/kernel/random/uuid"))); }

std::vector<std::string> ceph_environment(const fs::path& folder) {
  return {"CEPH_CONF=" + (folder / "ceph.conf").string(), "CEPH_ARGS=--no-mon-config"};
}

std::string ceph(const fs::path& folder, std::vector<std::string> argv) {
  return run_ok({.argv = std::move(argv),
                 .env = ceph_environment(folder),
                 .timeout = std::chrono::seconds(60)});
}

std::unique_ptr<Running> daemon(const fs::path& folder, std::vector<std::string> argv) {
  return std::make_unique<Running>(
      Program{.argv = tied_to_us(std::move(argv)), .env = ceph_environment(folder)});
}

void write_configuration(const fs::path& folder, const RgwOptions& options) {
  std::string text = kConfiguration;
  const auto fill = [&](std::string_view name, const std::string& value) {
    for (std::size_t at = 0; (at = text.find(name, at)) != std::string::npos;) {
      text.replace(at, name.size(), value);
    }
  };
  fill("{fsid}", uuid());
  fill("{monitor}", std::to_string(free_port()));
  fill("{folder}", folder);
  for (const std::string& line : options.settings) text += line + "\n";
  write_file(folder / "ceph.conf", text);
}

std::string setting(const fs::path& folder, const std::string& name) {
  const std::string conf = read_file(folder / "ceph.conf");
  const std::size_t at = conf.find(name + " = ") + name.size() + 3;
  return conf.substr(at, conf.find('\n', at) - at);
}

std::unique_ptr<Running> start_monitor(const fs::path& folder) {
  const std::string map = folder / "monmap";
  ceph(folder, {"monmaptool", "--create", "--addv", "a", "[" + setting(folder, "mon_host") + "]",
                "--fsid", setting(folder, "fsid"), map});
  ceph(folder, {"ceph-mon", "-i", "a", "--mkfs", "--monmap", map});
  return daemon(folder, {"ceph-mon", "-i", "a", "-f"});
}

// The monitor silently ignores an OSD that was made with another uuid than it was told.
std::unique_ptr<Running> start_osd(const fs::path& folder) {
  const std::string id = uuid();
  ceph(folder, {"ceph", "osd", "new", id});  // waits for the monitor
  ceph(folder, {"ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", id});
  return daemon(folder, {"ceph-osd", "-i", "0", "-f"});
}

std::string rgw_admin(const fs::path& folder, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"radosgw-admin", "-n", "client.rgw"});
  return ceph(folder, std::move(arguments));
}

void make_user(const fs::path& folder, const std::string& name, const S3Keys& keys,
               const std::string& rights) {
  rgw_admin(folder, {"user", "create", "--uid=" + name, "--display-name=" + name,
                     "--access-key=" + keys.access_key, "--secret-key=" + keys.secret_key,
                     "--caps=" + rights});
}

void make_role(const fs::path& folder) {
  const std::string name = fmt::format("--role-name={}", kRole);
  rgw_admin(folder, {"role", "create", name, "--path=/",
                     fmt::format("--assume-role-policy-doc={}", kWhoMayTakeTheRole)});
  rgw_admin(folder, {"role-policy", "put", name, "--policy-name=all",
                     fmt::format("--policy-doc={}", kWhatTheRoleMay)});
}

void make_storage_class(const fs::path& folder) {
  rgw_admin(folder, {"zonegroup", "placement", "add", "--rgw-zonegroup", "default",
                     "--placement-id", "default-placement", "--storage-class", "STANDARD_IA"});
  rgw_admin(folder, {"zone", "placement", "add", "--rgw-zone", "default", "--placement-id",
                     "default-placement", "--storage-class", "STANDARD_IA", "--data-pool",
                     "default.rgw.buckets.data"});
}

void make_folders(const fs::path& folder) {
  for (const char* name : {"mon", "osd", "rgw", "run", "log"}) {
    fs::create_directory(folder / name);
  }
}

}  // namespace

Gateway::Gateway(const fs::path& cluster, const std::vector<std::string>& settings)
    : argv_{"radosgw", "-n", "client.rgw", "-f", "-c", cluster / "ceph.conf"} {
  const int port = free_port();
  url_ = fmt::format("http://127.0.0.1:{}", port);
  log_ = cluster / "log" / fmt::format("gateway-{}.log", port);
  std::string frontend = fmt::format("beast endpoint=127.0.0.1:{}", port);
  for (const std::string& line : settings) {
    const std::size_t equals = line.find('=');
    const std::string name(trim(line.substr(0, equals)));
    const std::string value(trim(line.substr(equals + 1)));
    if (name == "frontend") {
      frontend += " " + value;
    } else {
      argv_.push_back(fmt::format("--{}={}", name, value));
    }
  }
  argv_.insert(argv_.end(), {"--log-file=" + log_.string(), "--rgw-frontends=" + frontend});
  start();
}

void Gateway::start() {
  process_ = daemon(log_.parent_path().parent_path(), argv_);
  try {
    wait_for_answer(url_, *process_);
  } catch (Error& e) {
    throw Error(fmt::format("radosgw: {}\n{}", e.what(), read_file(log_)));
  }
}

void Gateway::pause() { process_->signal(SIGSTOP); }
void Gateway::resume() { process_->signal(SIGCONT); }
void Gateway::kill() { process_.reset(); }

void Gateway::restart() {
  kill();
  start();
}

std::vector<std::string> Gateway::requests() const {
  std::vector<std::string> out;
  const std::string log = read_file(log_);
  for (const std::string_view line : split(log, '\n')) {
    const std::size_t begin = line.find('"');
    if (line.find(" beast: ") == std::string_view::npos || begin == std::string_view::npos)
      continue;
    const std::size_t end = line.find('"', begin + 1);
    if (end != std::string_view::npos) out.emplace_back(line.substr(begin, end + 5 - begin));
  }
  return out;
}

// Members go in reverse order: the gateway first, the folder last.
struct Rgw::Own {
  explicit Own(const RgwOptions& options) : tls(make_test_ca(folder / "tls")) {
    make_folders(folder.path());
    write_configuration(folder.path(), options);
    try {
      start();
    } catch (Error& e) {
      throw Error(fmt::format("rgw: {}\n{}", e.what(), log_ends(folder.path())));
    }
  }

  void start() {
    monitor = start_monitor(folder.path());
    osd = start_osd(folder.path());
    make_user(folder.path(), "admin", kAdmin, "users=*;buckets=*;user-policy=*;roles=*");
    make_user(folder.path(), "limited", kLimited, "");
    make_role(folder.path());
    make_storage_class(folder.path());
    gateway.emplace(folder.path(), std::vector<std::string>{fmt::format(
                                       "frontend = ssl_endpoint=127.0.0.1:{} ssl_certificate={} "
                                       "ssl_private_key={}",
                                       https_port, tls.certificate.string(), tls.key.string())});
  }

  S3Address address() const {
    return {.url = gateway->url(),
            .https_url = fmt::format("https://127.0.0.1:{}", https_port),
            .ca = tls.ca,
            .folder = folder.path(),
            .admin = kAdmin,
            .limited = kLimited};
  }

  GuardedFolder folder{"pgstow-rgw-"};
  TestCa tls;
  int https_port = free_port();
  std::unique_ptr<Running> monitor;
  std::unique_ptr<Running> osd;
  std::optional<Gateway> gateway;
};

Rgw::Rgw(const RgwOptions& options) : Rgw(start_with_patience<Own>(options)) {}

Rgw::Rgw(std::unique_ptr<Own> own) : S3Server(own->address()), own_(std::move(own)) {}

Rgw::Rgw(const S3Address& address) : S3Server(address) {}

Rgw::~Rgw() = default;

Rgw::Own& Rgw::own() {
  if (!own_) throw Error("rgw: the shared one is not to be stopped");
  return *own_;
}

void Rgw::set_policy(const std::string& bucket, const std::string& policy) const {
  const S3Reply reply = request("PUT", "/" + bucket + "?policy=", policy);
  if (!reply.ok()) throw Error(fmt::format("policy: {}: {}", reply.status, reply.body));
}

S3Keys Rgw::temporary_keys() const {
  const S3Reply reply =
      request("POST", fmt::format("/?Action=AssumeRole&Version=2011-06-15&RoleArn={}&"
                                  "RoleSessionName=test&DurationSeconds=900",
                                  percent_encoded(fmt::format("arn:aws:iam:::role/{}", kRole))));
  if (!reply.ok()) throw Error(fmt::format("sts: {}: {}", reply.status, reply.body));
  return {.access_key = xml_values(reply.body, "AccessKeyId").at(0),
          .secret_key = xml_values(reply.body, "SecretAccessKey").at(0),
          .session_token = xml_values(reply.body, "SessionToken").at(0)};
}

int Rgw::requests(std::string_view method, std::string_view path_start) const {
  const std::string start = fmt::format("\"{} {}", method, path_start);
  const std::string port = url().substr(url().rfind(':') + 1);
  const std::string log = read_file(address().folder / "log" / fmt::format("gateway-{}.log", port));
  int count = 0;
  for (std::size_t at = 0; (at = log.find(start, at)) != std::string::npos; ++at) ++count;
  return count;
}

Gateway Rgw::gateway(const std::vector<std::string>& settings) const {
  return {address().folder, settings};
}

std::string Rgw::admin_command(std::vector<std::string> arguments) const {
  return rgw_admin(address().folder, std::move(arguments));
}

void Rgw::pause() { own().gateway->pause(); }
void Rgw::resume() { own().gateway->resume(); }
void Rgw::kill() { own().gateway->kill(); }
void Rgw::restart() { own().gateway->restart(); }

const Rgw& shared_rgw() {
  static const Rgw shared(S3Address::parse(shared_address("rgw")));
  return shared;
}

}  // namespace pgstow::test
