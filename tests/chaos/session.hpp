// A cluster that is hurt while it works: jobs one after the other, faults all the while, and at the
// end the question whether anybody could have noticed.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/chaos/cluster.hpp"
#include "tests/chaos/nemesis.hpp"
#include "tests/chaos/oracle.hpp"

namespace fanfold::chaos {

struct SessionOptions {
  ClusterOptions cluster;
  NemesisOptions nemesis;
  /// A job that takes longer does not end.
  Duration job_patience = std::chrono::minutes(2);
};

struct SessionOutcome {
  std::vector<std::string> violations;  // None: all went well.
  std::map<std::string, std::uint64_t> faults;
  std::uint64_t jobs_succeeded = 0;
  std::uint64_t jobs_cancelled = 0;
  std::uint64_t lost_attempts = 0;
  std::uint64_t failed_attempts = 0;
  std::uint64_t reader_looks = 0;
};

/// "jobs=2 kill_worker=3 ...", then the violations, for people.
std::string describe(const SessionOutcome& outcome);

class Session {
 public:
  /// Throws std::runtime_error when the cluster does not start.
  Session(const e2e::Workspace& workspace, const Oracle& oracle, const SessionOptions& options);

  /// It has to succeed, with the oracle's bytes.
  void run_job(const std::string& name, proto::ShufflePath shuffle = proto::ShufflePath::kAuto);
  /// Cancelled after `wait`: it ends as cancelled without output, or had succeeded with all of it.
  void cancel_job(const std::string& name, Duration wait);
  /// Cures every fault and waits until all workers are welcome.
  void calm();
  /// Calms and stops the cluster, and judges all that was seen.
  SessionOutcome finish();

  ChaosCluster& cluster() { return cluster_; }
  const SessionOutcome& so_far() const { return outcome_; }

 private:
  void complain(const std::string& what) { outcome_.violations.push_back(what); }
  proto::JobSpec next_spec(const std::string& name);
  std::optional<JobId> submit(const proto::JobSpec& spec);
  std::optional<proto::JobStatus> wait_for_end(JobId job);
  /// Whether the job has ended when `until` has come.
  bool ended_before(JobId job, Instant until);
  void judge(const std::string& name, const std::string& output,
             const std::optional<proto::JobStatus>& end);
  void look_for_remains();

  const e2e::Workspace& workspace_;
  const Oracle& oracle_;
  const SessionOptions options_;
  History history_;
  SessionOutcome outcome_;
  ChaosCluster cluster_;
  Nemesis nemesis_;
  std::uint64_t jobs_ = 0;
};

}  // namespace fanfold::chaos
