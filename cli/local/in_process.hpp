// `--in-process`: plans, maps, reduces and publishes inside this very process, one task after the
// other, for debuggers, sanitizers and profilers.  Same task code, same output bytes as a cluster.
// No retries: a task that fails fails the job.

#pragma once

#include <functional>
#include <string>

#include "common/core/status.hpp"
#include "common/proto/types.hpp"

namespace fanfold::cli {

struct InProcessOptions {
  std::string temporary_directory;  // A private directory is made in it.
  std::function<void(const proto::JobStatus&)> on_status;
  std::function<void(Stage)> on_stage;  // Before its first task; may be empty.
  int interrupted_exit_code = 130;
};

/// The final status; an error when the job was refused before any task ran.  An interrupt ends the
/// process, leaving neither scratch files nor a half-written output.
Result<proto::JobStatus> run_in_process(proto::JobSpec spec, const InProcessOptions& options);

}  // namespace fanfold::cli
