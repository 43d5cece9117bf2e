#include "pg/libpq.h"

#include <vector>

namespace pgstow::pg {

LibpqConnection begin_connecting(const Parameters& parameters) {
  std::vector<const char*> names;
  std::vector<const char*> values;
  for (const auto& [name, value] : parameters) {
    names.push_back(name.c_str());
    values.push_back(value.c_str());
  }
  names.push_back(nullptr);
  values.push_back(nullptr);
  return LibpqConnection(PQconnectStartParams(names.data(), values.data(), 0));
}

}  // namespace pgstow::pg
