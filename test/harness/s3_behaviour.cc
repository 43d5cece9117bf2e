#include "harness/s3_behaviour.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace pgstow::test {

bool Behaviour::fits(Operation operation) const {
  return operation != Operation::kOther && (only.empty() || only.contains(operation));
}

Behaviour replying(std::string name, S3Reply reply, std::set<Operation> only) {
  return {.name = std::move(name),
          .carried = Behaviour::Carried::kNo,
          .sound = false,
          .only = std::move(only),
          .act = [reply = std::move(reply)](S3Exchange& exchange) {
            exchange.read_body();
            exchange.reply(reply);
          }};
}

const std::vector<Behaviour>& behaviours() {
  static const std::vector<Behaviour> kAll = [] {
    std::vector<Behaviour> all;
    for (const auto& part : {status_behaviours, connection_behaviours, body_behaviours,
                             storage_behaviours, listing_behaviours}) {
      std::ranges::move(part(), std::back_inserter(all));
    }
    return all;
  }();
  return kAll;
}

const Behaviour& behaviour(std::string_view name) {
  const auto at = std::ranges::find(behaviours(), name, &Behaviour::name);
  if (at == behaviours().end()) throw Error("no such behaviour: " + std::string(name));
  return *at;
}

}  // namespace pgstow::test
