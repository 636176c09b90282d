// One round of a stage as a job: what it reads, with which parameters, and the key under which its
// result may be used again.

#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "cli/pipeline/input_digests.hpp"
#include "cli/pipeline/pipeline.hpp"
#include "cli/pipeline/work_directory.hpp"
#include "common/core/status.hpp"
#include "common/proto/types.hpp"
#include "master/planner/input_files.hpp"

namespace fanfold::cli {

/// Stands in a template for what another stage makes; no path is like it.
inline constexpr const char* kInputOfStage = "/{output of another stage}";

/// What a stage's job looks like before anything has run: plugin, options and files are checked and
/// digested; inputs of other stages and counters are open.
struct StageTemplate {
  const PipelineStage* stage = nullptr;
  /// Its inputs are those of the first round, then those of the others.
  proto::JobSpec spec;
};

/// Results by the name of the stage; "" is the round before.
using StageResults = std::map<std::string, const StageResult*>;

struct StageJob {
  proto::JobSpec spec;  // Without output and client id.
  std::string key;
};

/// What inputs mean that lie on the hosts of the cluster.
using HostLister =
    std::function<Result<master::HostListing>(const std::vector<std::string>& inputs)>;

/// How a stage's inputs are looked at.
struct InputSight {
  InputDigests* digests = nullptr;
  std::function<bool()> interrupted;
  HostLister list_on_hosts;
};

/// `round` counts from 1.  A counter that nobody has added to is 0.  kNotFound: an input or a named
/// output is not there.
Result<StageJob> make_stage_job(const StageTemplate& stage, std::uint32_t round,
                                const StageResults& results, const InputSight& sight);

/// Whether the inputs that no stage makes are there, before anything runs; but for those on hosts.
Status check_given_inputs(const StageTemplate& stage);

/// "counts" or, of a repeated stage, "rank (round 3)".
std::string name_of_round(const PipelineStage& stage, std::uint32_t round);

}  // namespace fanfold::cli
