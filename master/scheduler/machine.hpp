// The scheduler's inside.  One class, several files by concern:
//
//   machine.cpp     events, deadlines, small lookups
//   facts.cpp       the only code that changes durable state, live and in recovery
//   attempts.cpp    starting, ending and requeueing attempts; the books of slots
//   outcomes.cpp    commits, failures, the end of jobs
//   completion.cpp  jobs that do without some of their maps; deadlines
//   membership.cpp  workers join, drain, report and get lost
//   adoption.cpp    what workers bring along from the time of an earlier master
//   homes.cpp       who brings map outputs before they are reduced
//   lost_inputs.cpp reduces that cannot read a map output; slots that they lend to maps
//   placement.cpp   which task goes where; backups for stragglers
//   hosts.cpp       tasks whose input lies on a host
//   locality.cpp    tasks that had better run in certain places
//   feed.cpp        jobs whose input grows
//   hot_partitions.cpp  partitions with more than others, and who reduces them
//   audits.cpp      maps that run a second time, to be compared
//   replicas.cpp    tasks that run several times; which result counts
//   status.cpp      what clients are shown
//   entries.cpp     how much all of it is
//   planted.cpp     what only planted bugs do
//
// No event costs more than O(log n) plus what it changes; nothing walks over tasks except where
// the result lists them.

#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/core/deadlines.hpp"
#include "master/scheduler/attempt.hpp"
#include "master/scheduler/decisions.hpp"
#include "master/scheduler/job.hpp"
#include "master/scheduler/scheduler.hpp"
#include "master/scheduler/worker_pool.hpp"

namespace fanfold::master::scheduling {

class Machine {
 public:
  explicit Machine(const SchedulerOptions& options);

  void restore(const Fact& fact);
  void step(Instant now, const Event& event, Output* output);
  std::optional<Instant> next_deadline() const;

  std::optional<proto::JobStatus> job_status(JobId job, Instant now) const;
  /// Of a job that has not ended.
  std::optional<proto::QueueStatus> queue(JobId job, Instant now) const;
  std::vector<JobId> jobs() const;
  std::vector<proto::WorkerStatus> workers(Instant now) const;
  std::size_t entries() const;

 private:
  // Events.
  void on(const JobSubmitted& event);
  void on(const JobCancelled& event);
  void on(const WorkerJoined& event);
  void on(const WorkerDraining& event);
  void on(const WorkerLeft& event);
  void on(const HeartbeatReceived& event);
  void on(const CommitRequested& event);
  void on(const AttemptFailed& event);
  void on(const InputsWanted& event);
  void on(const JobPublished& event);
  void on(const Tick& event);
  void on(const JobChangeWanted& event);
  void on(const InputOffered& event);

  // Facts.
  void apply(const JobAccepted& fact);
  void apply(const AttemptCommitted& fact);
  void apply(const MapOutputInvalidated& fact);
  void apply(const TaskFailureCounted& fact);
  void apply(const JobCommitStarted& fact);
  void apply(const JobEnded& fact);
  void apply(const WorkerRegistered& fact);
  void apply(const WorkerGone& fact);
  void apply(const NonDeterminismFound&) {}  // The end of the job says it all.
  void apply(const TaskGivenUp& fact);
  void apply(const CoverageDecided& fact);
  void apply(const JobControlled& fact);
  void apply(const DissentFound& fact);
  void apply(const InputFed& fact);
  void apply(const PartitionsWeighed& fact);
  template <class One>
  void record(One fact) {
    apply(fact);
    output_->facts.emplace_back(std::in_place_type<One>, std::move(fact));
  }
  template <class One>
  void act(One action) {
    output_->actions.emplace_back(std::in_place_type<One>, std::move(action));
  }

  // Lookups.
  Job* find_job(JobId job);
  Attempt* find_live(WorkerId worker, AttemptId attempt);
  bool has_committed(AttemptId attempt) const;

  // Once, before the first event.
  void begin();
  void pass_time();
  void pass_task_deadline(const TaskId& task);

  // Attempts.
  void start_attempt(const Start& start);
  /// `attempt` becomes the backup of `twin`.
  void pair(Job& job, Attempt& attempt, Attempt& twin);
  void send_assignment(Job& job, const Attempt& attempt);
  void begin_running(Attempt& attempt);
  void stop_running(Job& job, const Attempt& attempt);
  void restart_clock(Attempt& attempt);
  void end_attempt(AttemptId attempt);
  void cancel_attempt(AttemptId attempt);
  void requeue(Job& job, const TaskId& task);
  void delay(Job& job, const TaskId& task, Duration delay);
  /// After a restart: tasks that failed are not due before they were to be.
  void hold_back(Job& job);
  /// Files the job anew among those with ready tasks and those with stragglers.
  void file(Job& job);
  void unfile(Job& job);
  /// Takes back live attempts of the reduces: what they read is not what others will read.
  void restart_reduces(Job& job);
  /// Takes back live attempts of the maps, but for those that compare: nobody reads their outputs
  /// any more, so they could only fail the job.
  void stop_maps(Job& job);

  // Hot partitions.
  static void note_heavy(Job& job, const AttemptCommitted& fact);
  void weigh_partitions(Job& job);
  /// That its reduces may have.
  std::uint32_t slots_for(const Job& job) const;
  /// A reduce may begin when all of its shares are committed, of which this may be the last.
  static void open_folded(Job& job, std::uint32_t committed);

  // Replicas.
  static std::uint32_t live_max(const Job& job, Stage stage);
  /// A live attempt is one of the replicas of its task, if that has any; it is over.
  void join_ballot(Job& job, Attempt& attempt);
  void leave_ballot(Job& job, const Attempt& attempt);
  /// Files the task anew among those that want one more replica.
  void file_ballot(Job& job, const TaskId& task);
  /// There are other workers than before.
  void file_replicated_jobs();
  bool may_get_replica(const StageTasks& stage) const;
  /// Whether one more task may begin whose results are compared: those that wait take up disks.
  bool may_open_ballot(const Job& job) const;
  std::uint32_t open_ballots_max() const;
  /// And beside those of other jobs.  One that has none may always open one.
  bool has_room_for_ballot(const Job& job) const;
  /// The first of the jobs that wait for certain workers, and some of the others in turn;
  /// ascending.
  std::vector<JobRank> choosy_to_serve();
  /// Where replicas of the task are.
  std::vector<WorkerId> taken_by_replicas(const Job& job, const TaskId& task) const;
  bool is_delayed_replica(const Job& job, const TaskId& task) const;
  Worker* worker_for_replica(Job& job, const TaskId& task);
  /// One of several attempts has failed.
  void delay_replica(Job& job, const TaskId& task, Duration wait);
  /// The task may not fail any more: whether what is left of its replicas may settle it.  Then no
  /// more of them begin than that takes.
  [[nodiscard]] bool is_left_to_others(Job& job, const TaskId& task);
  /// False: the attempt is not to commit, now or ever.
  [[nodiscard]] bool is_decided_by(Attempt& attempt, const CommitRequested& event);
  void await_decision(Job& job, Attempt& attempt);
  void withdraw_votes(Worker& worker);
  void withdraw_vote(AttemptId attempt);
  static std::optional<Ballot> ballot_of(const Job& job, const Attempt& attempt);
  /// The task has committed: what becomes of the other replicas.
  void close_ballot(Job& job, const Ballot& ballot, const Attempt& winner, std::uint64_t accepted);
  void end_vote_without_majority(Job& job, const TaskId& task);
  proto::ReplicaStatus describe_replicas(const Job& job) const;

  // Outcomes.
  void commit(Attempt& attempt, const CommitRequested& event);
  void advance(Job& job);
  void publish(Job& job);
  /// False when the job ended over it.
  [[nodiscard]] bool check_same_output(Job& job, const Attempt& attempt,
                                       const CommitRequested& event);
  /// Whether the reduces read what the maps wrote.  False: the job ended over it.
  [[nodiscard]] bool check_flows(Job& job);
  /// False: there are too many, and the job has ended.
  [[nodiscard]] bool tolerate_bad_records(Job& job);
  void fail(const Attempt& attempt, const AttemptFailed& event);
  /// Makes the failure a fact; how long the task waits then, nullopt: it is not tried again.
  std::optional<Duration> charge(Job& job, const Attempt& attempt, const AttemptFailed& event);
  /// False when the job ended over it.
  [[nodiscard]] bool count_infrastructure_failure(Job& job, const Attempt& attempt,
                                                  proto::FailureKind kind);
  void invalidate_output(Job& job, std::uint32_t split);
  /// Who kept them.
  std::set<WorkerId> invalidate_lost(Job& job, const std::vector<AttemptId>& lost);
  void end_job(Job& job, Ending ending);
  void cancel_attempts(Job& job);

  // Completion.
  /// A task has failed for good: its job ends, or goes on without it.
  void fail_for_good(Job& job, Failure failure);
  /// A map has committed or was given up: is that enough, or can it never be?
  void review_completion(Job& job);
  /// Too many of its items have failed: it goes on with what it has.  Whether that came to pass.
  bool review_failures(Job& job);
  void decide_coverage(Job& job, proto::CompletionReason reason);
  static Ending published_ending(const Job& job);
  void end_intolerable(Job& job, std::string reason, const Failure& failure);
  void pass_job_deadline(Job& job);
  /// The worker has said what it holds; without a list, it is gone.
  void note_stopped(WorkerId worker, const HeartbeatReceived* heartbeat);
  void note_late_result(WorkerId worker, AttemptId attempt);
  proto::CompletionStatus describe_completion(const Job& job) const;

  // Planted bugs do this and nobody else: what is committed runs again (planted.cpp).
  void forget_commit(Job& job, const TaskId& task);
  void forget_commit_of_twin(AttemptId attempt);
  void forget_commits_of_reduces(Job& job, std::optional<WorkerId> on_worker);

  // Lost inputs.
  /// Makes the list of outputs true again, if it is not.  All maps must be committed.
  void list_outputs(Job& job);
  void make_room(Job& job, const Attempt& attempt);
  void starve(Job& job, const Attempt& attempt);
  bool may_feed(const Job& job) const;
  void feed_starved(Job& job);
  void stop_starving(Job& job, const Attempt& attempt);
  void lose_outputs_of_silent(const std::set<WorkerId>& holders);
  void lend_slots();
  bool lend_one(Job& job);
  Attempt* lender_for(Job& job, std::uint32_t split);

  // Homes.
  /// The homes of the job's partitions hear of outputs that have committed, some at a time, and of
  /// partitions that are reduced.
  void note_for_homes(Job& job, const Attempt& committed);
  void tell_homes(Job& job);
  void choose_homes(Job& job);
  void release_home(const Job& job, std::uint32_t partition, WorkerId home);

  // Membership.
  /// A job that has not ended has a hot partition that is shared.
  bool shares_any() const;
  void drain(Worker& worker);
  void lose_worker(WorkerId worker);
  void lose_attempt(AttemptId attempt);
  void lose_outputs(const Worker& worker, const std::function<bool(AttemptId)>& is_lost);
  void file_restored_jobs();
  /// Attempts and outputs of a worker that comes back to a restarted master.
  void take_over(WorkerId worker, const WorkerJoined& event);
  void take_over(Worker& worker, const proto::HeldTask& held);
  bool may_adopt(const Worker& worker, const proto::HeldTask& held);
  void adopt(Job& job, Worker& worker, const proto::HeldTask& held);
  void drop_lost_outputs(WorkerId worker, const WorkerJoined& event);
  bool waits_for_workers();
  void reconcile_listed(Worker& worker, const proto::AttemptProgress& listed);
  void reconcile_missing(Worker& worker, const HeartbeatReceived& event);

  // Placement.
  void place();
  bool assign_one();
  bool may_be_assigned(const Job& job, const StageTasks& stage) const;
  /// As far as its control goes.
  static bool may_start_more(const Job& job);
  static JobRank rank_of(const Job& job);
  void start_chosen(Job& job, const Choice& choice);
  /// `may_queue`: behind busy slots, too.
  std::optional<Choice> choose(Job& job, bool may_queue);
  /// The first of the stage's ready tasks for which somebody can be had, and who that is.
  std::optional<Choice> choose_from(StageTasks& stage, JobId job,
                                    const std::function<Worker*(std::uint32_t)>& somebody_for);
  Worker* worker_for(Job& job, const StageTasks& stage, std::uint32_t index);
  /// The task that lacks least of those that want one more replica, and for which somebody can be
  /// had.
  std::optional<Choice> choose_replica(
      StageTasks& stage, JobId job,
      const std::function<Worker*(std::uint32_t)>& somebody_for) const;
  /// The age from which an attempt deserves a second one; nullopt: nobody knows yet.
  static std::optional<Duration> slow_age(const Job& job, const StageTasks& stage);
  std::optional<Instant> straggler_deadline(const Job& job, const StageTasks& stage) const;
  void back_up_stragglers();
  bool back_up_one(Job& job);
  std::optional<Choice> choose_hedge(Job& job);
  std::optional<Choice> choose_backup(Job& job);
  void empty_stalled_queues();

  // Hosts.
  std::optional<Choice> choose_on_hosts(Job& job);
  std::optional<Choice> choose_from_lane(Job& job, StageTasks& stage, HostLane& lane);
  /// For a short task of a stage that certain workers need not run: behind the slots of one that no
  /// job waits for whose input lies there.
  Worker* queue_worker_for(const StageTasks& stage);
  bool is_waited_for(const Worker& worker) const;
  Worker* worker_at(Job& job, const TaskId& task, const std::string& place);
  /// Where the task may run, with a free slot, and none to be avoided; null: none.
  Worker* free_worker_for(const Job& job, const TaskId& task, const std::vector<WorkerId>& avoid);
  bool anybody_for(const Job& job, const TaskId& task, const std::vector<WorkerId>& avoid) const;
  static bool may_run_at(const Job& job, const TaskId& task, const Worker& worker);
  /// Workers of a host came or went.
  void note_presence(const std::string& place);
  /// The job is new to this master.
  void note_presence_for(Job& job);
  void file_absence(const Job& job);
  void pass_absence(JobId job);
  void describe_absences(const Job& job, Instant now, proto::JobStatus* status) const;

  // Locality.
  /// The task had better run on this worker from now on, or it makes no difference.  Not durable.
  void prefer_worker(Job& job, Stage stage, std::uint32_t index, std::optional<WorkerId> worker);
  /// Workers came and went, as far as jobs that prefer some of them are concerned.
  void note_shifts();
  /// The job is new to this master.
  void note_preferred_hosts(Job& job);
  /// Somebody could be given tasks of the stage, so that waiting begins.
  void begin_wait(Job& job, StageTasks& stage);
  void file_wait(const Job& job);
  /// Nobody of its maps waits any more.
  void end_wait(Job& job);
  std::optional<Choice> choose_preferred(Job& job, bool may_queue);
  /// A short task that waits, behind the slots of a worker that it prefers.
  std::optional<Choice> choose_for_queue(Job& job);
  std::optional<Choice> choose_for_free_workers(Job& job);
  std::optional<Choice> choose_from_lanes(Job& job);
  /// Of tasks with a preference, what anybody may have.
  std::optional<Choice> choose_unbound(StageTasks& stage, JobId job, Preferences::Take take,
                                       const std::function<Worker*(std::uint32_t)>& somebody_for);
  Worker* free_worker_of(const PreferenceLane& lane, const std::vector<WorkerId>& avoid);
  /// Who must not have it, and would otherwise be asked first.
  std::vector<WorkerId> avoided_by(Job& job, const TaskId& task) const;
  void describe_locality(const Job& job, proto::JobStatus* status) const;

  // Audits.
  void audit();
  bool audit_one(Job& job);
  /// The second run has ended: `flow` is what it handed over, nothing when it failed.
  void conclude_audit(const Attempt& attempt, const abi::BlockSummary* flow);
  void cancel_audit(Job& job, std::uint32_t split);
  /// `attempt` of `task` gave something else than the committed one.
  void end_as_non_deterministic(Job& job, const TaskId& task, AttemptId attempt,
                                const abi::BlockSummary& flow);

  /// How long the first of the maps that are due has waited for a worker.
  static Duration longest_wait(const Job& job, Instant now);
  static proto::QueueStatus describe_queue(const Job& job, Instant now);
  proto::JobStatus summarise(const Job& job, Instant now) const;

  const SchedulerOptions options_;
  // Durable: changed by apply() alone, but for the transient parts of a Job.
  std::map<JobId, Job> jobs_;
  std::map<JobId, proto::JobStatus> ended_;
  std::deque<JobId> ended_order_;
  // Transient.
  std::map<AttemptId, Attempt> attempts_;
  WorkerPool pool_;
  std::set<JobRank> ready_jobs_;
  std::set<JobRank> ready_choosy_;  // Those with replicas, or whose input lies on hosts.
  JobRank choosy_seen_;             // Of them, the one that had its turn last.
  std::set<JobId> placed_;          // Whose input lies on hosts, and that have not ended.
  Deadlines<JobId> absences_;       // Of them, when a host has been without workers for too long.
  std::set<JobId> preferring_;      // With tasks that had better run somewhere, not ended.
  Deadlines<JobId> waits_;          // Of them, when waiting for that is over.
  std::uint32_t open_ballots_ = 0;  // Of all jobs that compare results.
  std::set<JobId> auditing_;        // With maps to compare, perhaps.
  std::set<JobId> starving_;        // With reduces that lend their slots, perhaps.
  Deadlines<JobId> stragglers_;
  Deadlines<TaskId> task_deadlines_;
  Deadlines<JobId> publications_;  // That are tried again.
  Deadlines<JobId> job_deadlines_;
  /// Attempts that were told to stop when their jobs could do without them, until they are dead.
  std::map<WorkerId, std::map<AttemptId, JobId>> stopping_;
  std::uint64_t attempts_issued_ = 0;
  std::uint64_t lists_issued_ = 0;
  std::uint64_t turns_ = 0;
  bool begun_ = false;
  Instant now_;
  std::optional<Instant> awaited_;  // The deadline promised by the last step.
  /// After a restart: until then nobody gets what a worker that comes back may be running.
  std::optional<Instant> reunion_;
  Output* output_ = nullptr;  // Of the step under way.
};

}  // namespace fanfold::master::scheduling
