// Decides which worker runs which attempt of which task, and what to do when one is lost.
//
// A pure state machine: no sockets, files, clocks, threads, logging or randomness.  Equal state
// plus equal (now, event) give equal output, so a failing simulation replays exactly.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "common/core/limits.hpp"
#include "common/core/time.hpp"
#include "common/proto/types.hpp"
#include "master/scheduler/action.hpp"
#include "master/scheduler/event.hpp"
#include "master/scheduler/fact.hpp"

namespace fanfold::master {

struct SchedulerOptions {
  Duration worker_silence_max{};
  /// Unacknowledged assignments and cancellations are repeated when a heartbeat contradicts them.
  std::uint64_t epoch = 1;
  /// What the wall clock says at the origin of the Instants, in microseconds since the Unix epoch:
  /// deadlines hold across masters.
  std::int64_t unix_us_at_origin = 0;
  /// A task whose input lies on a host waits so long while no worker is there.
  Duration host_absence_max = limits::kHostAbsence;
};

/// What one or more steps ask of the outside world.  Every fact must be durable BEFORE any
/// action is performed; within each list, order matters.
struct Output {
  std::vector<Fact> facts;
  std::vector<Action> actions;
};

/// Where one attempt runs or ran.
struct AttemptView {
  AttemptId attempt;
  WorkerId worker;
  std::uint32_t number = 1;
  bool speculative = false;
};

class Scheduler {
 public:
  explicit Scheduler(SchedulerOptions options);
  ~Scheduler();

  /// Rebuilds durable state from the store.  Call before the first step().
  void restore(const Fact& fact);

  /// Applies one event and appends its consequences to `*output`.  `now` never decreases between
  /// calls.  Unknown or stale ids are ignored: late messages of a past attempt are normal.
  void step(Instant now, const Event& event, Output* output);

  /// The earliest moment at which a Tick could change anything; nullopt: none.  Only a Tick finds
  /// workers silent, so pass one at the end of each turn that began after this moment, after the
  /// turn's messages.  A service that calls much later than this was paused, and did not read
  /// heartbeats meanwhile: that silence is held against nobody.
  std::optional<Instant> next_deadline() const;

  /// Counts, states and times of a job (stages, failed/lost/speculative attempts, slowest task);
  /// fields that only the service knows (names, counters, records, causes) stay empty.
  std::optional<proto::JobStatus> job_status(JobId job, Instant now) const;
  /// How much of a job that has not ended waits for workers; cheap.
  std::optional<proto::QueueStatus> queue(JobId job, Instant now) const;
  std::vector<JobId> jobs() const;
  std::vector<proto::WorkerStatus> workers(Instant now) const;
  /// Of all containers together, for whoever watches that what is over is forgotten.
  std::size_t entries() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace fanfold::master
