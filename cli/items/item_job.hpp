// An item job as a job of the engine: a map over the file of its children, with results in named
// outputs (worker/items), as the one stage of a pipeline.  So what a run that ended in the middle
// has left is used again as a pipeline's is.

#pragma once

#include <string>

#include "cli/items/child_file.hpp"
#include "cli/items/map_state.hpp"
#include "cli/job/job_spec.hpp"
#include "cli/pipeline/pipeline.hpp"
#include "cli/pipeline/stage_job.hpp"
#include "common/core/status.hpp"

namespace fanfold::cli {

struct ItemJob {
  PipelineStage stage;
  proto::JobSpec spec;  // Complete but for its output.
};

struct ItemJobPlan {
  const MapState* state = nullptr;
  const ChildFile* children = nullptr;
  std::string children_path;
  std::string definition_path;  // Is written here.
  std::string directory;        // Where programs run.
  std::uint64_t generation = 1;
  std::uint64_t items = 0;  // Of all generations: shares are of these.
  /// Memory, priority, weight, ...  Its client id names the run to the children.
  JobRequest request;
};

/// "$$" of the processor of a child: the input of the execution is in it only where something reads
/// it, as each child gets all of it.
Json context_of_children(const MapState& state);

/// What the engine holds against `failures` of the job: the limits of the Map.
proto::JobControl control_of(const MapState& state, const JobRequest& request);

/// The plugin that runs children.
std::string items_plugin(const Surroundings& surroundings);
/// As a pattern of inputs that stands for this path alone.
std::string literal_pattern(const std::string& path);

/// Forks, as make_job_spec() does.
Result<ItemJob> make_item_job(const Surroundings& surroundings, const ItemJobPlan& plan);

}  // namespace fanfold::cli
