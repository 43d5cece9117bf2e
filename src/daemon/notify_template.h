// Texts with placeholders: "{database} failed: {error}".
//
// `{{` and `}}` are braces, `\n` is a new line (a variable of a container can hardly hold one).
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pgstow {

class NotifyTemplate {
 public:
  // Throws ConfigError for a placeholder that is not among `names`, telling which are, and for a
  // brace that stands alone.
  static NotifyTemplate parse(std::string_view text, std::span<const std::string_view> names);

  // What `value` returns is put in as it is: braces in it mean nothing.
  std::string fill(const std::function<std::string(std::string_view name)>& value) const;

 private:
  struct Part {
    std::string text;
    bool is_name = false;
  };
  std::vector<Part> parts_;
};

}  // namespace pgstow
