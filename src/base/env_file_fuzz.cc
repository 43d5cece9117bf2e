// Whatever the bytes, a .env file is read or refused; and what was read survives being written.
#include <cstdlib>

#include "base/env_file.h"
#include "base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace pgstow;
  const Lookup nothing = [](const std::string&) { return std::nullopt; };
  try {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const EnvFile first = parse_env(text, "fuzz", nothing);
    std::string again;
    for (const EnvEntry& e : first.entries) again += e.name + "=" + quote_env_value(e.value) + "\n";
    const EnvFile second = parse_env(again, "again", nothing);
    if (second.entries.size() != first.entries.size()) std::abort();
    for (std::size_t i = 0; i < first.entries.size(); ++i) {
      if (second.entries[i].value != first.entries[i].value) std::abort();
    }
  } catch (const ConfigError&) {
    return 0;  // the expected answer to most inputs
  }
  return 0;
}
