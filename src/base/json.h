// JSON: Boost.JSON behind the few calls we need.
#pragma once

#include <boost/json/fwd.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace pgstow {

// Two-space indent, members in insertion order, no newline at the end.
std::string pretty(const boost::json::value& value);

// Throws Corrupt, naming `name` and the position, unless the text is one JSON object (nested at
// most 32 deep).
boost::json::object parse_json_object(std::string_view text, std::string_view name);

// RFC 3339 in UTC, or null.
boost::json::value json_time(const std::optional<Time>& time);

// A member of the object; each throws Corrupt naming `name` and the member when it is missing or of
// another type.
std::string get_string(const boost::json::object& object, std::string_view member,
                       std::string_view name);
std::uint64_t get_uint(const boost::json::object& object, std::string_view member,
                       std::string_view name);
bool get_bool(const boost::json::object& object, std::string_view member, std::string_view name);
const boost::json::object& get_object(const boost::json::object& object, std::string_view member,
                                      std::string_view name);
const boost::json::array& get_array(const boost::json::object& object, std::string_view member,
                                    std::string_view name);
const boost::json::object& as_object(const boost::json::value& value, std::string_view name);

// The text at this place (JSON Pointer, RFC 6901); empty where there is none.
std::string text_at(const boost::json::value& value, std::string_view pointer);

}  // namespace pgstow
