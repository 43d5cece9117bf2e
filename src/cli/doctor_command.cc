// pgstow doctor
#include "backup/doctor.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/several.h"

namespace pgstow::cli {
namespace {

std::string_view word(Health health) {
  return health == Health::kGood ? "ok" : health == Health::kWarning ? "warn" : "BAD";
}

std::string lines(const std::vector<Finding>& findings) {
  std::string out;
  for (const Finding& f : findings) {
    out += fmt::format("{:<5} {:<11} {}\n", word(f.health), f.subject, printable_lines(f.text));
    if (!f.hint.empty()) out += fmt::format("{:<17} hint: {}\n", "", printable_lines(f.hint));
  }
  return out;
}

boost::json::object json_of(const std::vector<Finding>& findings) {
  boost::json::array array;
  for (const Finding& f : findings) {
    array.push_back({{"health", lower(word(f.health))},
                     {"subject", f.subject},
                     {"text", f.text},
                     {"hint", f.hint}});
  }
  return {{"schema", "pgstow.doctor/1"}, {"findings", array}};
}

Answer doctor_answer(const Session& session) {
  const Stores stores = make_stores(session.config.stores, session.context);
  const std::vector<Finding> findings =
      run_doctor(backup_job(session.config), restore_job(session.config, session.arguments), stores,
                 session.context);
  Health worst = Health::kGood;
  for (const Finding& f : findings) worst = std::max(worst, f.health);
  const Exit code = worst == Health::kBad       ? Exit::kFailed
                    : worst == Health::kWarning ? Exit::kWarnings
                                                : Exit::kOk;
  return {.text = lines(findings), .json = json_of(findings), .exit_code = static_cast<int>(code)};
}

}  // namespace

int doctor_command(const Session& session) { return answer(session, doctor_answer, on_server); }

}  // namespace pgstow::cli
