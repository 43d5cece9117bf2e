#include "store/aws_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/small_file.h"
#include "base/text.h"

namespace pgstow {
namespace {

constexpr std::size_t kMaxFile = 1u << 20;

bool is_blank(char c) { return c == ' ' || c == '\t'; }
bool is_comment(char c) { return c == '#' || c == ';'; }

// Without a comment at its end: one that has a space before it.
std::string_view without_comment(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_comment(text[i]) && (i == 0 || is_blank(text[i - 1]))) return text.substr(0, i);
  }
  return text;
}

std::string_view unquoted(std::string_view name) {
  if (name.size() >= 2 && (name.front() == '"' || name.front() == '\'') &&
      name.back() == name.front()) {
    return name.substr(1, name.size() - 2);
  }
  return name;
}

// The X of "profile X"; nothing when the section is of another kind.
std::optional<std::string_view> name_after(std::string_view kind, std::string_view section) {
  if (!section.starts_with(kind) || section.size() == kind.size() ||
      !is_blank(section[kind.size()])) {
    return std::nullopt;
  }
  return unquoted(trim(section.substr(kind.size())));
}

class Parser {
 public:
  explicit Parser(AwsFileKind kind) : kind_(kind) {}

  void line(std::string_view text) {
    const std::string_view content = trim(text);
    if (content.empty() || is_comment(content.front())) return;
    if (content.front() == '[' && !is_blank(text.front())) {
      section(content);
    } else if (is_blank(text.front()) && !last_.empty()) {
      continuation(content);
    } else {
      property(content);
    }
  }

  AwsConfig result() {
    // As the SDKs have it: [profile default] stands in for [default], they are not mixed.
    if (profile_default_) config_.profiles["default"] = std::move(*profile_default_);
    return std::move(config_);
  }

 private:
  void section(std::string_view text) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) throw ConfigError("the [ is never closed");
    if (!trim(without_comment(text.substr(end + 1))).empty()) {
      throw ConfigError("text after the ] of a section");
    }
    last_.clear();
    section_ = open(trim(text.substr(1, end - 1)));
  }

  // Where the settings of this section go.
  AwsSection* open(std::string_view name) {
    if (kind_ == AwsFileKind::kCredentials) return &config_.profiles[std::string(unquoted(name))];
    if (name == "default") return &config_.profiles["default"];
    if (const auto profile = name_after("profile", name)) {
      if (*profile != "default") return &config_.profiles[std::string(*profile)];
      if (!profile_default_) profile_default_.emplace();
      return &*profile_default_;
    }
    if (const auto service = name_after("services", name)) {
      return &config_.services[std::string(*service)];
    }
    foreign_.clear();
    return &foreign_;
  }

  void property(std::string_view text) {
    if (section_ == nullptr) throw ConfigError("a setting before the first [section]");
    auto [name, value] = split_setting(text);
    last_ = name;
    (*section_)[name] = value;
  }

  // A nested setting under a name without a value, or one more line of a value.
  void continuation(std::string_view text) {
    std::string& value = (*section_)[last_];
    if (!value.empty()) {
      value.append("\n").append(trim(without_comment(text)));
      return;
    }
    auto [name, nested] = split_setting(text);
    (*section_)[last_ + "." + name] = nested;
  }

  static std::pair<std::string, std::string> split_setting(std::string_view text) {
    const std::size_t at = text.find_first_of("=:");
    if (at == std::string_view::npos) throw ConfigError("no = in this line");
    const std::string name = lower(trim(text.substr(0, at)));
    if (name.empty()) throw ConfigError("no name before the =");
    std::string_view value = text.substr(at + 1);
    if (value.find('\0') != std::string_view::npos) throw ConfigError("a NUL byte in a value");
    return {name, std::string(trim(without_comment(value)))};
  }

  const AwsFileKind kind_;
  AwsConfig config_;
  std::optional<AwsSection> profile_default_;
  AwsSection foreign_;
  AwsSection* section_ = nullptr;  // into one of the three above
  std::string last_;               // the setting that an indented line belongs to
};

AwsConfig read_file(const std::filesystem::path& path, AwsFileKind kind) {
  if (path.empty()) return {};
  const auto text = read_small_file(path, kMaxFile);
  return text ? parse_aws_config(*text, path.native(), kind) : AwsConfig{};
}

// The file that the variable names, or the one in ~/.aws.
std::filesystem::path file_path(const Lookup& environment, const std::string& variable,
                                std::string_view initial) {
  const std::string home = environment("HOME").value_or("");
  const std::string named = environment(variable).value_or("");
  if (named.starts_with("~/") && !home.empty()) return home + named.substr(1);
  if (!named.empty()) return named;
  if (home.empty()) return {};
  return std::filesystem::path(home) / ".aws" / initial;
}

}  // namespace

const AwsSection* AwsConfig::profile(std::string_view name) const {
  const auto found = profiles.find(name);
  return found == profiles.end() ? nullptr : &found->second;
}

std::string setting(const AwsSection& section, std::string_view name) {
  const auto found = section.find(name);
  return found == section.end() ? "" : found->second;
}

AwsConfig parse_aws_config(std::string_view text, const std::string& file_name, AwsFileKind kind) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  Parser parser(kind);
  int number = 0;
  for (std::string_view line : split(text, '\n')) {
    ++number;
    if (line.ends_with('\r')) line.remove_suffix(1);
    try {
      parser.line(line);
    } catch (ConfigError& e) {
      e.within(fmt::format("{}:{}", file_name, number));
      throw;
    }
  }
  return parser.result();
}

AwsFiles read_aws_files(const Lookup& environment) {
  AwsFiles files{
      .config = file_path(environment, "AWS_CONFIG_FILE", "config"),
      .credentials = file_path(environment, "AWS_SHARED_CREDENTIALS_FILE", "credentials"),
      .content = {}};
  files.content = read_file(files.config, AwsFileKind::kConfig);
  for (auto& [name, section] : read_file(files.credentials, AwsFileKind::kCredentials).profiles) {
    for (auto& [key, value] : section) files.content.profiles[name][key] = value;
    files.content.profiles[name];  // an empty section is a profile, too
  }
  return files;
}

}  // namespace pgstow
