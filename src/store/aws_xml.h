// XML as S3 and STS answer: elements and their texts as values. Attributes, comments and processing
// instructions are passed by.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace pgstow {

struct XmlElement {
  std::string name;  // local: without a prefix, whatever its namespace
  std::string text;  // its own, as it stands between its children, entities resolved
  std::vector<XmlElement> children;

  // The first child of that name; nullptr if there is none. Lent from this element.
  const XmlElement* child(std::string_view child_name) const;
  // Its text; "" if there is no such child.
  std::string text_of(std::string_view child_name) const;
  // All children of that name, in order. Lent from this element.
  std::vector<const XmlElement*> all(std::string_view child_name) const;
};

// A listing's page of a thousand names of a thousand bytes, every byte of them escaped, is shorter.
constexpr std::size_t kMaxXml = std::size_t{16} << 20;

// The root element. Throws Error naming `from`, never showing the text, when it is longer than
// `most` bytes, has a DOCTYPE (nobody who is honest sends one, and entities blow up), is nested
// more than 32 deep, or is not one whole document. It is taken for UTF-8, unchecked.
XmlElement parse_xml(std::string_view text, std::string_view from, std::size_t most = kMaxXml);

}  // namespace pgstow
