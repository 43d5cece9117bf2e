#include "store/aws_xml.h"

#include <fmt/format.h>

#include <pugixml.hpp>

#include "base/error.h"
#include "base/text.h"

namespace pgstow {
namespace {

constexpr int kMaxDepth = 32;

[[noreturn]] void refuse(std::string_view from, std::string_view why) {
  throw Error(fmt::format("{}: the answer is no XML that could be read: {}", from, why));
}

std::string local_name(std::string_view name) {
  return std::string(name.substr(name.find(':') + 1));  // npos + 1 is 0
}

XmlElement element_of(const pugi::xml_node& node, int depth, std::string_view from) {
  if (depth > kMaxDepth) refuse(from, "nested too deep");
  XmlElement element{.name = local_name(node.name()), .text = {}, .children = {}};
  for (const pugi::xml_node& child : node.children()) {
    if (child.type() == pugi::node_element) {
      element.children.push_back(element_of(child, depth + 1, from));
    } else {
      element.text += child.value();
    }
  }
  return element;
}

// The one element of the document.
pugi::xml_node root_of(const pugi::xml_document& document, std::string_view from) {
  pugi::xml_node root;
  for (const pugi::xml_node& node : document.children()) {
    if (node.type() == pugi::node_doctype) refuse(from, "it has a DOCTYPE");
    if (node.type() != pugi::node_element) continue;
    if (root) refuse(from, "more than one root");
    root = node;
  }
  return root;
}

// Whether names and texts are good UTF-8 is not checked: one odd name must not hide a whole
// listing.
void check_bytes(std::string_view text, std::string_view from, std::size_t most) {
  if (text.size() > most) refuse(from, fmt::format("longer than {} bytes", most));
  const std::size_t nul = text.find('\0');  // where the parser would take the text to end
  if (nul != std::string_view::npos) refuse(from, fmt::format("a NUL at byte {}", nul));
}

}  // namespace

const XmlElement* XmlElement::child(std::string_view child_name) const {
  for (const XmlElement& element : children) {
    if (element.name == child_name) return &element;
  }
  return nullptr;
}

std::string XmlElement::text_of(std::string_view child_name) const {
  const XmlElement* found = child(child_name);
  return found == nullptr ? "" : found->text;
}

std::vector<const XmlElement*> XmlElement::all(std::string_view child_name) const {
  std::vector<const XmlElement*> found;
  for (const XmlElement& element : children) {
    if (element.name == child_name) found.push_back(&element);
  }
  return found;
}

XmlElement parse_xml(std::string_view text, std::string_view from, std::size_t most) {
  check_bytes(text, from, most);
  // An object's name may be nothing but spaces; those between elements are of no interest.
  constexpr unsigned int kOptions =
      pugi::parse_default | pugi::parse_ws_pcdata_single | pugi::parse_doctype;
  pugi::xml_document document;
  const pugi::xml_parse_result result =
      document.load_buffer(text.data(), text.size(), kOptions, pugi::encoding_utf8);
  if (!result)
    refuse(from, fmt::format("{} at byte {}", lower(result.description()), result.offset));
  return element_of(root_of(document, from), 1, from);
}

}  // namespace pgstow
