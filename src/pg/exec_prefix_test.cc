#include "pg/exec_prefix.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/words.h"

namespace pgstow::pg {
namespace {

using testing::HasSubstr;

// What is said against it; empty: nothing.
std::string refused(const std::string& text) {
  try {
    check_prefix(split_words(text));
    return "";
  } catch (const ConfigError& e) {
    return e.what() + std::string("; ") + e.hint();
  }
}

TEST(ExecPrefix, ThoseThatWorkAreTaken) {
  for (const char* text : {"docker exec -i db",
                           "docker exec -i -u postgres db",
                           "docker exec -u postgres -i db",
                           "docker exec --user postgres --interactive db",
                           "docker exec -ie TIMEZONE=utc db",
                           "docker exec -upostgres -i db",
                           "docker exec -eA=-t -i db",
                           "docker exec -i db env -t",
                           "docker exec --interactive=true --tty=false db",
                           "docker container exec -i db",
                           "sudo docker --host unix:///x exec --interactive db",
                           "docker -H tcp://x exec -i db",
                           "ssh host docker exec -i db",
                           "podman --remote --url unix:///x exec -i db",
                           "nerdctl -n k8s.io exec -i db",
                           "kubectl -n shop exec --stdin pod -c db --",
                           "kubectl exec pod -i -- env A=-t",
                           "kubectl exec -qi -nexec pod --",
                           "kubectl exec --insecure-skip-tls-verify -i pod --",
                           "oc exec -i pod --",
                           "kubectl --context prod exec -i deploy/db --",
                           "docker compose -p shop exec -T db",
                           "docker exec -i vm docker exec -i db",
                           "ssh -t host",
                           "sudo -u postgres",
                           "env PATH=/bin",
                           "docker",
                           ""}) {
    EXPECT_EQ(refused(text), "") << text;
  }
}

TEST(ExecPrefix, WithoutInputTheyAreRefused) {
  for (const char* text :
       {"docker exec db", "sudo docker exec db", "docker --host unix:///x exec db",
        "docker -H tcp://x exec db", "docker container exec db", "docker exec db -i",
        "docker exec -u -i db", "docker exec --user -i db", "docker exec --interactive=false db",
        "ssh host docker --context far exec db", "docker exec -i vm docker exec db"}) {
    EXPECT_THAT(refused(text), HasSubstr("docker exec without -i has no input; write docker exec"))
        << text;
  }
  EXPECT_THAT(refused("kubectl -n shop exec pod --"), HasSubstr("kubectl exec without -i"));
  EXPECT_THAT(refused("kubectl exec pod -- env -i"), HasSubstr("kubectl exec without -i"));
  EXPECT_THAT(refused("podman --url unix:///x exec db"), HasSubstr("podman exec without -i"));
}

TEST(ExecPrefix, WithATerminalTheyAreRefused) {
  for (const char* text :
       {"/usr/bin/podman exec -it db", "docker -H tcp://x exec -ti db", "docker exec -i --tty db",
        "kubectl -n shop exec -i pod -t --", "kubectl --namespace=shop exec -it pod --",
        "sudo -n docker --tlsverify exec -i -t db"}) {
    EXPECT_THAT(refused(text), HasSubstr("with a terminal (-t) would change the bytes")) << text;
  }
}

// `sh -c SCRIPT` comes behind the words: kubectl would take -c for the container's name.
TEST(ExecPrefix, KubectlNeedsItsDashes) {
  EXPECT_THAT(refused("kubectl -n shop exec -i pod"), HasSubstr("kubectl exec -i POD --"));
  EXPECT_THAT(refused("oc exec -i pod"), HasSubstr("without --"));
}

}  // namespace
}  // namespace pgstow::pg
