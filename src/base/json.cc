#include "base/json.h"

#include <fmt/format.h>

#include <boost/json/src.hpp>  // the library itself, compiled here and nowhere else

#include "base/error.h"
#include "base/log.h"

namespace pgstow {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxDepth = 32;

void write(std::string& out, const json::value& value, std::size_t indent);

void write_object(std::string& out, const json::object& object, std::size_t indent) {
  const std::string inner(indent + 2, ' ');
  std::string_view separator = "\n";
  out += '{';
  for (const auto& member : object) {
    out += fmt::format("{}{}{}: ", separator, inner, json_string(member.key()));
    write(out, member.value(), indent + 2);
    separator = ",\n";
  }
  if (!object.empty()) out.append("\n").append(indent, ' ');
  out += '}';
}

void write_array(std::string& out, const json::array& array, std::size_t indent) {
  const std::string inner(indent + 2, ' ');
  std::string_view separator = "\n";
  out += '[';
  for (const json::value& value : array) {
    out += separator;
    out += inner;
    write(out, value, indent + 2);
    separator = ",\n";
  }
  if (!array.empty()) out.append("\n").append(indent, ' ');
  out += ']';
}

void write(std::string& out, const json::value& value, std::size_t indent) {
  if (value.is_object()) {
    write_object(out, value.get_object(), indent);
  } else if (value.is_array()) {
    write_array(out, value.get_array(), indent);
  } else if (value.is_string()) {
    out += json_string(value.get_string());
  } else {
    out += json::serialize(value);
  }
}

const json::value& member_of(const json::object& object, std::string_view member,
                             std::string_view name) {
  const json::value* value = object.if_contains(member);
  if (value == nullptr) throw Corrupt(fmt::format("{}: {} is missing", name, member));
  return *value;
}

[[noreturn]] void wrong_type(std::string_view member, std::string_view name,
                             std::string_view wanted) {
  throw Corrupt(fmt::format("{}: {} is no {}", name, member, wanted));
}

}  // namespace

std::string pretty(const json::value& value) {
  std::string out;
  write(out, value, 0);
  return out;
}

json::object parse_json_object(std::string_view text, std::string_view name) {
  json::parse_options options;
  options.max_depth = kMaxDepth;
  json::stream_parser parser({}, options);
  json::error_code code;
  const std::size_t read = parser.write_some(text, code);
  if (!code && text.substr(read).find_first_not_of(" \t\r\n") != std::string_view::npos) {
    code = json::error::extra_data;
  }
  if (!code) parser.finish(code);
  if (code) throw Corrupt(fmt::format("{}: byte {}: {}", name, read, code.message()));
  json::value value = parser.release();
  if (!value.is_object()) throw Corrupt(fmt::format("{}: no JSON object", name));
  return std::move(value.get_object());
}

boost::json::value json_time(const std::optional<Time>& time) {
  return time ? boost::json::value(rfc3339(*time)) : boost::json::value(nullptr);
}

std::string get_string(const json::object& object, std::string_view member, std::string_view name) {
  const json::value& value = member_of(object, member, name);
  if (!value.is_string()) wrong_type(member, name, "text");
  return {value.get_string().data(), value.get_string().size()};
}

std::uint64_t get_uint(const json::object& object, std::string_view member, std::string_view name) {
  const json::value& value = member_of(object, member, name);
  json::error_code code;
  const auto number = value.to_number<std::uint64_t>(code);
  if (code) wrong_type(member, name, "whole number");
  return number;
}

bool get_bool(const json::object& object, std::string_view member, std::string_view name) {
  const json::value& value = member_of(object, member, name);
  if (!value.is_bool()) wrong_type(member, name, "true or false");
  return value.get_bool();
}

const json::object& get_object(const json::object& object, std::string_view member,
                               std::string_view name) {
  const json::value& value = member_of(object, member, name);
  if (!value.is_object()) wrong_type(member, name, "object");
  return value.get_object();
}

const json::array& get_array(const json::object& object, std::string_view member,
                             std::string_view name) {
  const json::value& value = member_of(object, member, name);
  if (!value.is_array()) wrong_type(member, name, "list");
  return value.get_array();
}

const json::object& as_object(const json::value& value, std::string_view name) {
  if (!value.is_object()) throw Corrupt(fmt::format("{}: an element is no object", name));
  return value.get_object();
}

std::string text_at(const boost::json::value& value, std::string_view pointer) {
  boost::system::error_code none;
  const boost::json::value* found = value.find_pointer(pointer, none);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : "";
}

}  // namespace pgstow
