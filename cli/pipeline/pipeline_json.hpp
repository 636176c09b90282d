// A pipeline file, from JSON.  Strict: what it does not know is refused with a did-you-mean, never
// ignored; so are fields that are given twice.

#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "cli/options/command_line.hpp"
#include "cli/pipeline/pipeline.hpp"
#include "common/core/status.hpp"

namespace fanfold::cli {

/// Values given for the file's variables.
using Variables = std::map<std::string, std::string, std::less<>>;

struct PipelineText {
  std::string name;  // Of the pipeline, for messages.
  std::string_view json;
};

/// `options` are the flags that a stage may have, by their names.  kInvalidArgument says where and
/// why.
Result<Pipeline> parse_pipeline(const PipelineText& text, const Variables& given,
                                std::span<const Flag> options);

/// "docs=PATH out=PATH k=10": the variables of a file; those without a default first.
Result<std::string> describe_variables(const PipelineText& text);

}  // namespace fanfold::cli
