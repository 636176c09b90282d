// One stage of a pipeline file, from JSON.

#pragma once

#include <span>
#include <string>
#include <vector>

#include "cli/options/command_line.hpp"
#include "cli/pipeline/pipeline.hpp"
#include "common/core/status.hpp"

namespace fanfold::cli {

/// `json` is the text of one object without variables.
Result<PipelineStage> parse_stage(const std::string& json, std::span<const Flag> options);

}  // namespace fanfold::cli
