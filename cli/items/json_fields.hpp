// Checks of JSON fields that the files of item jobs share; messages are for people.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/core/status.hpp"
#include "common/items/json_text.hpp"

namespace fanfold::cli {

Status refuse_field(std::string why);

/// Refuses what is no object, and fields that are not `known`, with a did-you-mean.
Status check_known_fields(const items::Json& json, const std::string& what,
                          const std::vector<std::string>& known);

/// A field that holds text; empty when there is none.
Result<std::string> text_field(const items::Json& json, const std::string& name);

/// One of `words`; the first of them when there is none.
Result<std::string> choice_field(const items::Json& json, const std::string& name,
                                 const std::vector<std::string>& words);

struct NumberRange {
  std::uint64_t least = 0;
  std::uint64_t most = 0;
};
Result<std::uint64_t> whole_number(const items::Json& value, const std::string& name,
                                   const NumberRange& range);

}  // namespace fanfold::cli
