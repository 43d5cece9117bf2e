// Whatever the bytes, such a file is read or refused; and what was read survives being written.
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "store/aws_config.h"

namespace {

// None is the expected answer to most inputs.
std::optional<pgstow::AwsConfig> read(std::string_view text, pgstow::AwsFileKind kind) {
  try {
    return parse_aws_config(text, "fuzz", kind);
  } catch (const pgstow::ConfigError&) {
    return std::nullopt;
  }
}

// Values as they can be written again: nested settings and values of several lines left out.
std::string written(const pgstow::AwsConfig& config) {
  std::string text;
  for (const auto& [profile, section] : config.profiles) {
    if (profile.find_first_of("]\"'") != std::string::npos) continue;
    text += "[profile \"" + profile + "\"]\n";
    for (const auto& [name, value] : section) {
      if (value.find('\n') == std::string::npos && name.front() != '[') {
        text += name + "=" + value + "\n";
      }
    }
  }
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace pgstow;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static_cast<void>(read(text, AwsFileKind::kCredentials));
  const std::optional<AwsConfig> first = read(text, AwsFileKind::kConfig);
  if (!first) return 0;
  const std::string once = written(*first);
  if (written(parse_aws_config(once, "again", AwsFileKind::kConfig)) != once) std::abort();
  return 0;
}
