// The fixture of the scheduler's unit tests: a master in domain verbs.  Each verb is one event;
// what it caused is in `last`.  Every step is checked against all invariants.

#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "master/scheduler/scheduler.hpp"
#include "tests/scheduler/invariants.hpp"
#include "tests/scheduler/text.hpp"

namespace fanfold::master {

using namespace std::chrono_literals;
using proto::FailureKind;
using proto::JobState;

class SchedulerTest : public ::testing::Test {
 protected:
  static constexpr Duration kSilence = 10s;
  static constexpr JobId kJob{1};

  /// So many maps that are near these hosts, or near nobody.
  struct Near {
    std::vector<std::string> hosts;
    std::uint32_t count = 0;
  };
  struct Plan {
    JobId job = kJob;
    std::uint32_t maps = 1;
    std::uint32_t reduces = 1;
    bool sample = false;
    std::uint32_t attempts_max = 4;
    bool speculate = true;
    std::uint32_t verify_per_million = 0;
    proto::CompletionPolicy completion{};
    proto::OnDeadline on_deadline = proto::OnDeadline::kFail;
    std::uint64_t deadline_unix_us = 0;
    std::vector<proto::Retrier> retry{};
    proto::BadRecordPolicy bad_records{};
    proto::JobControl control{};
    std::uint64_t items = 0;
    std::uint32_t gather_arity = 0;
    proto::ReplicaPolicy replicas{};
    bool open = false;
    std::vector<HostSplits> hosts{};
    std::string sample_host{};
    std::vector<Near> preferred{};
    std::uint64_t locality_wait_ms = 3000;
    proto::ShuffleMode shuffle_mode = proto::ShuffleMode::kPull;
    bool over_network = false;
    std::uint64_t hot_bytes = proto::kNeverHot;
    bool fold_hot = false;
  };
  void submit(const Plan& plan);
  void cancel(JobId job = kJob) { step(JobCancelled{job}); }
  void change(const proto::JobChange& change, JobId job = kJob) {
    step(JobChangeWanted{job, change});
  }
  void pause(JobId job = kJob) { change({.paused = true, .to = {.paused = true}}, job); }
  void resume(JobId job = kJob) { change({.paused = true, .to = {.paused = false}}, job); }
  void published(JobId job = kJob) { step(JobPublished{job, true, ""}); }
  /// With all the map outputs that it made and that were not lost.
  void join(std::uint64_t worker, std::uint32_t slots = 1) { join_with(worker, slots, {}); }
  /// The same, holding these attempts of an earlier master's time.
  void join_with(std::uint64_t worker, std::uint32_t slots,
                 const std::vector<AssignAttempt>& running);
  /// It has none of its outputs any more.
  void join_without_outputs(std::uint64_t worker, std::uint32_t slots = 1);
  void drain(std::uint64_t worker) { step(WorkerDraining{{worker}}); }
  void leave(std::uint64_t worker) { step(WorkerLeft{{worker}}); }
  /// Lists what the scheduler believes is there, as running.
  void heartbeat(std::uint64_t worker);
  void heartbeat_listing(std::uint64_t worker, std::vector<proto::AttemptProgress> attempts) {
    step(HeartbeatReceived{{worker}, std::move(attempts)});
  }

  /// The newest live assignment of a task; fails the test when there is none.
  AssignAttempt assignment(Stage stage, std::uint32_t index, JobId job = kJob);
  AssignAttempt map(std::uint32_t index, JobId job = kJob) {
    return assignment(Stage::kMap, index, job);
  }
  /// What reduces were told last to read.
  const std::vector<CommittedOutput>& inputs(JobId job = kJob) { return lists[job].outputs; }
  AssignAttempt reduce(std::uint32_t index, JobId job = kJob) {
    return assignment(Stage::kReduce, index, job);
  }
  AssignAttempt gather(std::uint32_t index, JobId job = kJob) {
    return assignment(Stage::kGather, index, job);
  }
  void commit(const AssignAttempt& attempt, bool output_empty = false);
  /// The same, having handed over so many pairs with this sum of their hashes.
  void commit_flow(const AssignAttempt& attempt, std::uint64_t records, std::uint64_t sum);
  /// The same, with a result of this digest.
  void give(const AssignAttempt& attempt, std::uint64_t digest);
  void fail(const AssignAttempt& attempt, FailureKind kind, std::vector<AttemptId> lost = {});
  /// It goes on without these.
  void miss(const AssignAttempt& attempt, std::vector<AttemptId> lost) {
    step(InputsWanted{attempt.worker, attempt.attempt, std::move(lost)});
  }
  /// Commits every map of the job, whatever is assigned, until none is left.
  void commit_all_maps(JobId job = kJob);
  void commit_all_reduces(JobId job = kJob);

  /// Time passes in one go; deadlines on the way are met as a service would meet them.
  void wait(Duration duration);
  /// The same, with all workers sending heartbeats.
  void wait_with_heartbeats(Duration duration);

  /// The master crashes and recovers from its facts.
  void restart();

  void step(const Event& event);

  template <class Kind>
  std::vector<Kind> actions() const {
    std::vector<Kind> found;
    for (const Action& action : last.actions) {
      if (const auto* one = std::get_if<Kind>(&action)) found.push_back(*one);
    }
    return found;
  }
  template <class Kind>
  std::vector<Kind> facts() const {
    std::vector<Kind> found;
    for (const Fact& fact : last.facts) {
      if (const auto* one = std::get_if<Kind>(&fact)) found.push_back(*one);
    }
    return found;
  }
  std::vector<AssignAttempt> assigned() const { return actions<AssignAttempt>(); }
  proto::JobStatus status(JobId job = kJob) const { return *scheduler->job_status(job, now); }
  proto::StageStatus stage_status(Stage stage, JobId job = kJob) const;
  std::string text() const;
  std::size_t live_on(std::uint64_t worker) const;

  // Of workers that join from now on.
  std::map<std::uint64_t, std::string> places;
  std::map<std::uint64_t, std::string> host_names;
  std::map<std::uint64_t, std::string> machines;
  std::set<std::uint64_t> older;  // They know nothing of homes, nor of shares.
  std::uint64_t epoch = 1;
  std::unique_ptr<Scheduler> scheduler =
      std::make_unique<Scheduler>(SchedulerOptions{kSilence, epoch});
  Instant now{1h};
  Output last;                      // Of the last verb.
  std::vector<Fact> history;        // Everything durable.
  std::vector<AssignAttempt> live;  // Assigned, not ended.
  std::map<JobId, ListOutputs> lists;
  Invariants invariants;

 private:
  void take(const Output& output);
  void commit_all(Stage stage, JobId job);
};

}  // namespace fanfold::master
