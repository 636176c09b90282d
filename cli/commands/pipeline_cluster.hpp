// The cluster that the jobs of a pipeline run on: a private one, started when the first job needs
// it, or one that is named.

#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cli/client/client.hpp"
#include "cli/cluster/private_cluster.hpp"
#include "cli/commands/command.hpp"
#include "cli/pipeline/pipeline_run.hpp"
#include "cli/process/interrupts.hpp"
#include "cli/process/private_directory.hpp"
#include "cli/view/display.hpp"
#include "common/core/status.hpp"

namespace fanfold::cli {

class PipelineCluster {
 public:
  /// `master` is at no address for a private cluster of `shape`.  The arguments outlive it.
  PipelineCluster(const Environment& environment, MasterPlace master, ClusterShape shape,
                  Interrupts& interrupts);

  /// On a terminal, jobs that take longer than a moment are drawn while they run.
  void show_progress();

  Result<JobId> submit(const proto::JobSpec& spec);
  /// The first interrupt cancels all of the jobs, the second one abandons them.
  Result<proto::JobStatus> wait_for_one(const std::set<JobId>& jobs);
  bool interrupted();
  Result<master::HostListing> list_on_hosts(const std::vector<std::string>& inputs);
  std::vector<proto::LogEntry> attempts_of(const proto::JobStatus& status);

  /// Where a PipelineRun takes its jobs.  This outlives it.
  JobDesk desk();

  /// `in_order`: jobs may have been stopped, whose attempts are still to be waited for.
  void stop(bool in_order);

 private:
  Status start();
  Attention attend();
  void draw(const proto::JobStatus& status);

  const Environment& environment_;
  const MasterPlace master_;
  const ClusterShape shape_;
  Interrupts& interrupts_;
  std::optional<PrivateDirectory> directory_;
  std::optional<PrivateCluster> cluster_;
  std::unique_ptr<Client> client_;
  bool draws_ = false;
  std::optional<Display> display_;
  JobId drawn_;
  Status check_failed_;
  std::optional<Instant> cancelled_at_;
};

}  // namespace fanfold::cli
