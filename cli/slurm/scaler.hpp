// How many nodes a cluster under Slurm should have, and which of them go.  Pure: what is seen comes
// in, what to do goes out, and time is an argument.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/core/time.hpp"
#include "common/proto/types.hpp"

namespace fanfold::cli {

/// One Slurm job: a node with a worker.
struct NodeJob {
  std::uint64_t id = 0;
  bool runs = false;  // Else it waits in Slurm's queue.
};

/// One worker, as the master lists it.
struct NodeWorker {
  std::uint64_t job = 0;  // Of Slurm.
  std::uint32_t busy = 0;
  bool draining = false;
};

struct ScaleLimits {
  std::uint32_t nodes_min = 1;
  std::uint32_t nodes_max = 1;
  std::uint32_t slots = 1;  // Of each node.
  Duration idle_max = std::chrono::seconds(60);
};

struct Sight {
  std::uint32_t master = 0;  // Process.
  std::vector<NodeJob> jobs;
  std::vector<std::uint64_t> ended;  // Slurm jobs.
  std::vector<NodeWorker> workers;
  std::uint64_t tasks_waiting = 0;  // Or running: that are not done.
  /// Of the running job that has run longest; 0: none runs.
  Duration oldest_job = Duration(0);
};

struct ScaleOrders {
  std::uint32_t add = 0;
  std::vector<std::uint64_t> forget;   // Slurm jobs that are of no use: ended without a word.
  std::vector<std::uint64_t> release;  // Slurm jobs whose worker is to drain and go.
  bool empty() const { return add == 0 && forget.empty() && release.empty(); }
};

/// Tasks of the running jobs that are not done, as far as the jobs may use slots at a time.
std::uint64_t tasks_waiting(const std::vector<proto::JobStatus>& jobs);
Duration oldest_of(const std::vector<proto::JobStatus>& jobs);

class Scaler {
 public:
  explicit Scaler(ScaleLimits limits) : limits_(limits) {}

  void set_limits(const ScaleLimits& limits) { limits_ = limits; }

  std::uint32_t wanted(const Sight& sight) const;

  /// A node that is lost shows first as a worker that the master does not list any more: it is
  /// replaced then, not when Slurm notices.  A worker leaves when it has been idle for longer than
  /// `idle_max` and than any running job has run: then no job needs what it holds.
  ScaleOrders look(Instant now, const Sight& sight);

  /// These are done: what was ordered and could not be done is ordered again.
  void submitted(Instant now, std::uint64_t job);
  void released(Instant now, const std::vector<std::uint64_t>& jobs);

 private:
  struct Seen {
    Instant since;            // It runs, or has to show itself to a new master.
    bool had_worker = false;  // Of this master.
    Instant idle_since;
    std::optional<Instant> released;
  };
  void note(Instant now, const Sight& sight);
  void note_queue(Instant now, const Sight& sight);
  std::vector<std::uint64_t> never_seen(Instant now);
  bool is_dead(Instant now, const Seen& seen, bool has_worker) const;
  std::vector<std::uint64_t> idle_longest(Instant now, const Sight& sight) const;

  ScaleLimits limits_;
  std::uint32_t master_ = 0;                // Process; 0: none was seen.
  std::map<std::uint64_t, Seen> seen_;      // Slurm jobs that run.
  std::map<std::uint64_t, Instant> blind_;  // Slurm jobs that were submitted and not seen yet.
};

}  // namespace fanfold::cli
