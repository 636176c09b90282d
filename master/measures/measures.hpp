// Counts what happens to jobs, attempts and workers, for those who watch the cluster.
//
// Told by the service, like the event log; decides nothing.  One that is off returns at once.
// Measures of jobs (how far stages straggle, how long results are gathered) are of those that this
// master accepted and saw end.  Belongs to the service's thread.

#pragma once

#include <array>
#include <map>
#include <optional>
#include <unordered_map>

#include "common/core/ids.hpp"
#include "common/core/time.hpp"
#include "common/proto/types.hpp"
#include "master/measures/totals.hpp"
#include "master/scheduler/durations.hpp"

namespace fanfold::master {

class Measures {
 public:
  explicit Measures(bool on) : on_(on) {}

  bool on() const { return on_; }
  const Totals& totals() const { return totals_; }

  /// More maps of an open job.
  void job_fed(JobId job, std::uint32_t splits);
  /// So many further tasks reduce.
  void job_shared(JobId job, std::uint32_t shares);
  void job_accepted(Instant now, JobId job, std::uint32_t splits, std::uint32_t partitions,
                    std::uint32_t gathers = 0);
  void job_refused() { ++totals_.jobs_refused; }
  void job_ended(Instant now, const proto::JobStatus& status);

  struct Assignment {
    AttemptId attempt;
    TaskId task;
    std::uint32_t number = 1;  // Of the task's attempts.
    bool speculative = false;
  };
  /// The same attempt may be assigned again: that counts once.
  void assigned(Instant now, const Assignment& assignment);
  // Ends: of one that is not under way (any more) only a commit counts.
  void committed(Instant now, const TaskId& task, AttemptId attempt,
                 const proto::AttemptReport& report);
  void failed(AttemptId attempt, proto::FailureKind kind);
  void cancelled(AttemptId attempt) { end(attempt, AttemptOutcome::kCancelled); }
  void abandoned(AttemptId attempt) { end(attempt, AttemptOutcome::kAbandoned); }
  void output_invalidated(const TaskId& task);
  void dissented() { ++totals_.results_dissenting; }

  void worker_joined() { ++totals_.workers_joined; }
  void worker_gone(bool lost) { ++(lost ? totals_.workers_lost : totals_.workers_left); }

  struct Turn {
    std::size_t frames = 0;
    std::size_t facts = 0;
    Duration took{};  // Without the waiting.
  };
  void turn(const Turn& turn);
  void frames_rejected(std::uint64_t in_all) { totals_.frames_rejected = in_all; }
  void frames_damaged(std::uint64_t in_all) { totals_.frames_damaged = in_all; }
  void frames_dropped(std::uint64_t peer_gone, std::uint64_t queue_full) {
    totals_.frames_to_nobody = peer_gone;
    totals_.frames_over_queues = queue_full;
  }
  void frames_withheld(std::uint64_t in_all) { totals_.frames_withheld = in_all; }
  void refused(Refusal what) { ++totals_.refused[static_cast<std::size_t>(what)]; }
  void refused_in_all(Refusal what, std::uint64_t count) {
    totals_.refused[static_cast<std::size_t>(what)] = count;
  }
  void resent(Resend what) { ++totals_.resent[static_cast<std::size_t>(what)]; }

 private:
  struct Live {
    TaskId task;
    Instant assigned;
  };
  struct StageOfJob {
    std::uint32_t tasks = 0;
    std::uint32_t done = 0;
    scheduling::Durations durations;
    Duration longest{0};
  };
  struct JobMeasures {
    std::array<StageOfJob, kStages> stages;
    std::optional<Instant> mapped;  // All maps were committed, the last time.
    StageOfJob& stage(Stage which) { return stages[static_cast<std::size_t>(which) - 1]; }
  };

  std::optional<Live> take_live(AttemptId attempt);
  void end(AttemptId attempt, AttemptOutcome outcome);

  const bool on_;
  Totals totals_;
  std::map<JobId, JobMeasures> jobs_;
  std::unordered_map<std::uint64_t, Live> live_;  // By attempt; never walked over.
};

}  // namespace fanfold::master
