#include "store/aws_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "base/text.h"
#include "store/key_source.h"

namespace pgstow {
namespace {

// A value, and who says so.
struct Setting {
  std::string where;
  std::string value;
};

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return out;
}

Setting from_variable(const Lookup& environment, const std::string& name) {
  return {.where = name, .value = variable(environment, name)};
}

std::optional<Setting> first_set(const std::vector<Setting>& candidates) {
  const auto set =
      std::ranges::find_if(candidates, [](const Setting& s) { return !s.value.empty(); });
  return set == candidates.end() ? std::nullopt : std::optional(*set);
}

const AwsSection& section_of(const AwsFiles& files, const std::string& profile) {
  static const AwsSection kNothing;
  const AwsSection* section = files.content.profile(profile);
  return section == nullptr ? kNothing : *section;
}

// The service's URL in the [services NAME] that the profile refers to.
std::string service_endpoint(std::string_view service, const AwsSection& section,
                             const AwsFiles& files) {
  const std::string name = setting(section, "services");
  if (name.empty()) return {};
  const auto found = files.content.services.find(name);
  if (found == files.content.services.end()) {
    throw ConfigError(fmt::format("{}: there is no [services {}], which a profile refers to",
                                  files.config.native(), printable(name)));
  }
  return setting(found->second, fmt::format("{}.endpoint_url", service));
}

std::string checked_url(const Setting& url) {
  std::string text = url.value;
  while (text.ends_with('/')) text.pop_back();
  const std::string start = lower(std::string_view(text).substr(0, 8));
  const bool is_http = start.starts_with("http://") || start.starts_with("https://");
  const auto odd = [](char c) { return c <= ' ' || c > '~' || c == '@' || c == '?' || c == '#'; };
  if (is_http && !std::ranges::any_of(text, odd)) return text;
  throw ConfigError(
      fmt::format("{}: no URL of the form https://host:port, or http://host:port", url.where));
}

bool ignored(const Lookup& environment, const AwsSection& section) {
  return lower(variable(environment, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")) == "true" ||
         lower(setting(section, "ignore_configured_endpoint_urls")) == "true";
}

}  // namespace

std::string profile_title(std::string_view name) {
  return fmt::format("profile '{}'", printable(name));
}

AwsProfile aws_profile(const AwsCredentialOptions& options, const Lookup& environment) {
  const auto named = first_set({{.where = "", .value = options.profile},
                                from_variable(environment, "AWS_PROFILE"),
                                from_variable(environment, "AWS_DEFAULT_PROFILE")});
  return named ? AwsProfile{.name = named->value, .named = true}
               : AwsProfile{.name = "default", .named = false};
}

std::optional<std::string> aws_region(const AwsCredentialOptions& options,
                                      const Lookup& environment, const AwsFiles& files) {
  const std::string profile = aws_profile(options, environment).name;
  const auto region = first_set({{.where = "the region", .value = options.region},
                                 from_variable(environment, "AWS_REGION"),
                                 from_variable(environment, "AWS_DEFAULT_REGION"),
                                 {.where = profile_title(profile) + ": region",
                                  .value = setting(section_of(files, profile), "region")}});
  if (!region) return std::nullopt;
  const auto odd = [](char c) {
    return !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             c == '-' || c == '_');
  };
  if (std::ranges::any_of(region->value, odd)) {
    throw ConfigError(
        fmt::format("{}: '{}' is no region's name", region->where, printable(region->value)));
  }
  return region->value;
}

std::optional<std::string> aws_endpoint(std::string_view service,
                                        const AwsCredentialOptions& options,
                                        const Lookup& environment, const AwsFiles& files) {
  const std::string profile = aws_profile(options, environment).name;
  const AwsSection& section = section_of(files, profile);
  if (ignored(environment, section)) return std::nullopt;
  const std::string where = profile_title(profile) + ": ";
  const auto url =
      first_set({from_variable(environment, fmt::format("AWS_ENDPOINT_URL_{}", upper(service))),
                 from_variable(environment, "AWS_ENDPOINT_URL"),
                 {.where = fmt::format("{}services: {}: endpoint_url", where, service),
                  .value = service_endpoint(service, section, files)},
                 {.where = where + "endpoint_url", .value = setting(section, "endpoint_url")}});
  return url ? std::optional(checked_url(*url)) : std::nullopt;
}

}  // namespace pgstow
