// How the stages of a pipeline depend on each other, and what of that is impossible.

#pragma once

#include <set>
#include <string>
#include <vector>

#include "cli/pipeline/pipeline.hpp"
#include "common/core/status.hpp"

namespace fanfold::cli {

/// Names of the stages that `stage` reads or takes counters of.
std::set<std::string> needs_of(const PipelineStage& stage);

/// kInvalidArgument: two stages of one name, a stage that is not there, one that needs itself in
/// the end, outputs that are one another or lie in one another, an input that another stage writes,
/// a repeated stage with an output.  `working_directory` is what paths start from.
Status check_graph(const Pipeline& pipeline, const std::string& working_directory);

}  // namespace fanfold::cli
