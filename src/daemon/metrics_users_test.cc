// Who relies on the names of metrics: alert rules, the dashboard, the documentation.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <filesystem>
#include <regex>
#include <set>
#include <string>

#include "base/json.h"
#include "daemon/metrics.h"
#include "daemon/testing_standing.h"
#include "harness/program.h"

namespace pgstow {
namespace {

using ::testing::IsEmpty;
using ::testing::Not;

const std::filesystem::path kSource = PGSTOW_SOURCE;

std::set<std::string> matches(const std::string& text, const std::regex& pattern) {
  std::set<std::string> found;
  for (auto at = std::sregex_iterator(text.begin(), text.end(), pattern);
       at != std::sregex_iterator(); ++at) {
    found.insert((*at)[1]);
  }
  return found;
}

std::set<std::string> exposed() {
  return matches(metrics_text(testing_standing()), std::regex("# TYPE (pgstow_[a-z_]+) "));
}

// Those that it names, but that there are not.
std::set<std::string> unknown_in(const std::string& text) {
  const std::set<std::string> there = exposed();
  std::set<std::string> named = matches(text, std::regex("(pgstow_[a-z_]+)"));
  EXPECT_THAT(named, Not(IsEmpty()));
  std::erase_if(named, [&](const std::string& name) { return there.contains(name); });
  return named;
}

TEST(AlertRules, AreSoundAndNameMetricsThatThereAre) {
  const std::filesystem::path rules = kSource / "packaging/prometheus/pgstow.rules.yml";
  test::run_ok({.argv = {"promtool", "check", "rules", rules}});
  EXPECT_THAT(unknown_in(test::read_file(rules)), IsEmpty());
}

TEST(AlertRules, FireWhenTheyShouldAndOnlyThen) {
  const test::Outcome outcome =
      test::run({.argv = {"promtool", "test", "rules", "pgstow.rules_test.yml"},
                 .folder = kSource / "packaging/prometheus"});
  EXPECT_TRUE(outcome.ok()) << outcome.describe();
}

TEST(AlertRules, EachHasATest) {
  const std::string rules = test::read_file(kSource / "packaging/prometheus/pgstow.rules.yml");
  const std::string tests = test::read_file(kSource / "packaging/prometheus/pgstow.rules_test.yml");
  // With what it says: without that line a test only holds that it stays silent.
  EXPECT_EQ(matches(tests, std::regex("alertname: (\\w+)\\n +exp_alerts:")),
            matches(rules, std::regex("alert: (\\w+)")));
}

TEST(Dashboard, IsJsonAndNamesMetricsThatThereAre) {
  const std::string text = test::read_file(kSource / "packaging/grafana/pgstow.json");
  const boost::json::object dashboard = parse_json_object(text, "pgstow.json");
  EXPECT_FALSE(get_array(dashboard, "panels", "pgstow.json").empty());
  EXPECT_THAT(unknown_in(text), IsEmpty());
}

TEST(Documentation, ListsEveryMetricAndNoOther) {
  const std::string text = test::read_file(kSource / "docs/MONITORING.md");
  EXPECT_EQ(matches(text, std::regex("\\n\\| `(pgstow_[a-z_]+)")), exposed());
}

}  // namespace
}  // namespace pgstow
