// As much of XML as an S3 server's replies need: elements by name, text with its entities.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fanfold::s3 {

/// What is between <name> and </name>, of each, in order; nested elements of the same name are not
/// expected.  What is not closed is not there.
std::vector<std::string_view> elements(std::string_view xml, std::string_view name);

/// The first one's text, entities resolved; nullopt: there is none.
std::optional<std::string> text_of(std::string_view xml, std::string_view name);

/// "a&b" as "a&amp;b".
std::string escape_xml(std::string_view text);

}  // namespace fanfold::s3
