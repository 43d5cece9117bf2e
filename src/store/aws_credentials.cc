#include "store/aws_credentials.h"

#include <fmt/format.h>

#include <functional>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/text.h"
#include "store/container_keys.h"
#include "store/instance_keys.h"
#include "store/profile_keys.h"
#include "store/refreshing_keys.h"
#include "store/static_keys.h"
#include "store/web_identity_keys.h"

namespace pgstow {
namespace {

// A place is looked at when those before it had no keys: what is wrong there must not matter
// before.
using OpenSource = std::function<KeySource()>;

OpenSource passed_over(const std::string& name) {
  return [name] {
    return KeySource{.name = name, .why_not = "passed over for the named profile", .fetch = {}};
  };
}

std::vector<OpenSource> sources_of(const AwsCredentialOptions& options, const KeyTools& tools) {
  std::vector<OpenSource> sources;
  sources.emplace_back([keys = options.keys] { return explicit_keys(keys); });
  if (options.profile.empty()) {
    sources.emplace_back([tools] { return environment_keys(tools); });
    sources.emplace_back([options, tools] { return web_identity_keys(options, tools); });
  } else {
    sources.emplace_back(passed_over("environment"));
    sources.emplace_back(passed_over("web identity"));
  }
  sources.emplace_back([options, tools] { return profile_keys(options, tools); });
  sources.emplace_back([tools] { return container_keys(tools); });
  sources.emplace_back([tools] { return instance_keys(tools); });
  return sources;
}

AwsKeys checked_keys(const KeySource& source) {
  AwsKeys keys = source.fetch();
  check_keys(keys, source.name);
  return keys;
}

// An error's text without the source's name before it.
std::string cause_of(const Error& error, const KeySource& source) {
  const std::string_view text = error.what();
  const std::string start = source.name + ": ";
  return std::string(text.starts_with(start) ? text.substr(start.size()) : text);
}

class Chain {
 public:
  Chain(std::vector<OpenSource> sources, Context context)
      : sources_(std::move(sources)), context_(std::move(context)) {}

  AwsKeys fetch() {
    if (!found_) return find();
    try {
      return checked_keys(*found_);
    } catch (const NotFound& e) {  // it had keys before
      throw Transient(e.what(), e.hint());
    }
  }

 private:
  AwsKeys find() {
    std::vector<std::string> looked_at;
    for (const OpenSource& open : sources_) {
      KeySource source = open();
      try {
        if (source.fetch) return keep(source, checked_keys(source));
      } catch (const NotFound& e) {
        source.why_not = cause_of(e, source);
      }
      looked_at.push_back(fmt::format("{}: {}", source.name, source.why_not));
    }
    throw ConfigError(fmt::format("no AWS keys found: {}", join(looked_at, "; ")),
                      "set an access key id and its secret key, name a profile with AWS_PROFILE, "
                      "or give this machine a role");
  }

  AwsKeys keep(const KeySource& source, AwsKeys keys) {
    context_.log.debug("AWS keys found", {{"place", source.name}});
    found_ = source;
    return keys;
  }

  std::vector<OpenSource> sources_;
  Context context_;
  std::optional<KeySource> found_;
};

}  // namespace

std::unique_ptr<Credentials> aws_credentials(const AwsCredentialOptions& options,
                                             const KeyTools& tools) {
  auto fetch = [chain = Chain(sources_of(options, tools), tools.context)]() mutable {
    return chain.fetch();
  };
  return std::make_unique<RefreshingKeys>(std::move(fetch), tools.context, std::random_device()());
}

}  // namespace pgstow
