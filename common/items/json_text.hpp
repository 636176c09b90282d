// JSON values of item jobs: what stands in their files and what their children hand over.
// Reading is total: any bytes give a value or kCorruption.

#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "common/core/status.hpp"

namespace fanfold::items {

using Json = nlohmann::json;

/// Values may lie in one another so deep.
inline constexpr std::size_t kJsonDepth = 200;

/// The message says where and why it is no JSON.
Result<Json> parse_json(std::string_view text);

/// The same, refusing a field that is given twice in one object: for files that people write.
Result<Json> parse_json_strictly(std::string_view text);

/// Of one line.  What is no UTF-8 becomes U+FFFD.
std::string text_of(const Json& json);

/// Whether JSON carries `text` as it is.
bool is_utf8(const std::string& text);

}  // namespace fanfold::items
