// Watches a scheduler from outside and reports whatever must never happen: two commits of one
// task, work for a job that is over, a spent budget spent again, two attempts on one worker ...
// Keeps its own books from facts and actions alone, so that a bug in the scheduler's books shows.

#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/proto/gather.hpp"
#include "master/scheduler/event.hpp"
#include "master/scheduler/scheduler.hpp"

namespace fanfold::master {

class Invariants {
 public:
  void before(const Event& event);
  void after(const Output& output);
  /// The master crashed: only facts remain.
  void restart();

  /// Sentences; empty as long as all is well.
  const std::vector<std::string>& violations() const { return violations_; }
  bool has_ended(JobId job) const { return ended_.count(job) > 0; }
  proto::JobState final_state(JobId job) const { return ended_.at(job); }
  /// The committed attempt of a task of a job that has not ended.
  bool is_committed(AttemptId attempt) const;
  std::uint32_t failures_charged() const { return failures_charged_; }
  std::uint32_t backups() const { return backups_; }

 private:
  struct TaskBook {
    AttemptId committed;  // While its result is good.
    AttemptId last_committed;
    WorkerId holder;
    bool output_empty = false;
    std::uint32_t failures = 0;
    bool given_up = false;
    std::map<AttemptId, WorkerId> live;
  };
  struct JobBook {
    JobSubmitted submitted;
    bool commit_started = false;
    ListOutputs list;  // The last.
    bool decided = false;
    proto::Shares shares;
    std::uint32_t reduces() const { return submitted.partitions + shares.tasks(); }
    std::map<std::pair<Stage, std::uint32_t>, TaskBook> tasks;
  };
  struct WorkerBook {
    std::uint32_t slots = 0;
    bool draining = false;
    std::set<AttemptId> live;
  };

  void check(const Fact& fact);
  void check(const Action& action);
  void accept(const JobSubmitted& job);
  void commit(const AttemptCommitted& fact);
  void invalidate(const MapOutputInvalidated& fact);
  void give_up(const TaskGivenUp& fact);
  void decide(const CoverageDecided& fact);
  void feed(const InputFed& fact);
  void weigh(const PartitionsWeighed& fact);
  void end(const JobEnded& fact);
  void assign(const AssignAttempt& action);
  void adopt(const AdoptAttempt& action);
  void check_inputs(JobBook& job, const AssignAttempt& action);
  void list(const ListOutputs& action);
  void check_list(const JobBook& job);
  void tell(const TellOutputs& action);
  void tell_homes(const TellHomes& action);
  void publish(const PublishJob& action);
  void release(AttemptId attempt);
  void forget(WorkerId worker);
  JobBook* job_of(const TaskId& task, const char* what);
  std::uint32_t committed_tasks(const JobBook& job, Stage stage) const;
  std::uint32_t given_up_tasks(const JobBook& job) const;
  static proto::GatherTree tree_of(const JobBook& job) {
    return proto::GatherTree(job.submitted.partitions, job.submitted.gather_arity);
  }
  static bool has_gather_inputs(JobBook& job, std::uint32_t task) {
    const proto::GatherTree::Inputs inputs = tree_of(job).inputs(task);
    for (std::uint32_t i = inputs.begin; i < inputs.end; ++i) {
      if (job.tasks[{inputs.stage, i}].committed == AttemptId{}) return false;
    }
    return true;
  }
  void report(const std::string& sentence) { violations_.push_back(sentence); }

  std::map<JobId, JobBook> jobs_;
  std::map<JobId, proto::JobState> ended_;
  std::map<WorkerId, WorkerBook> workers_;
  std::map<AttemptId, TaskId> live_;
  std::set<AttemptId> seen_;
  std::set<AttemptId> ever_committed_;
  std::map<AttemptId, WorkerId> to_cancel_;  // Live when their job ended, within one step.
  std::vector<std::string> violations_;
  std::uint32_t failures_charged_ = 0;
  std::uint32_t backups_ = 0;
};

}  // namespace fanfold::master
