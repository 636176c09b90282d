// One fact of every kind, for the corpus.

#pragma once

#include <vector>

#include "master/scheduler/fact.hpp"

namespace fanfold::fuzz {

inline std::vector<master::Fact> sample_facts() {
  using namespace master;
  JobSubmitted job;
  job.job = JobId{7};
  job.split_bytes = {100, 200};
  job.partitions = 3;
  job.sample = true;
  job.speculate = false;
  job.verify_per_million = 50'000;
  job.completion = {proto::CompletionRule::kMinSuccessful, 0, 500'000};
  job.deadline_unix_us = 1'700'000'000'000'000;
  job.retry = {{.errors = {"States.ALL"}}};
  job.gather_arity = 16;
  job.replicas = {3, proto::AcceptRule::kQuorum, 0, 0};
  job.hot_partition_bytes = 1000;
  job.fold_hot = true;
  const TaskId task{JobId{7}, Stage::kMap, 2};
  return {JobAccepted{job},
          AttemptCommitted{task, AttemptId{9}, WorkerId{3}, true, 1000, {1, 2, 3}},
          MapOutputInvalidated{task, AttemptId{9}},
          TaskFailureCounted{task, AttemptId{9}, proto::FailureKind::kSignal, 1'700'000'000'000'000,
                             100'000},
          JobCommitStarted{JobId{7}},
          JobEnded{JobId{7}, proto::JobState::kFailed, "why", task, AttemptId{9}},
          WorkerRegistered{WorkerId{3}, 4},
          WorkerGone{WorkerId{3}},
          NonDeterminismFound{task, AttemptId{9}, AttemptId{10}, {1, 2, 3}, {4, 5, 6}},
          TaskGivenUp{task, AttemptId{9}, proto::FailureKind::kSignal},
          CoverageDecided{JobId{7}, proto::CompletionReason::kDeadlineExceeded, 1},
          JobControlled{JobId{7}, {8, 60, 2, true}},
          DissentFound{task, AttemptId{9}, WorkerId{3}, "host/1", 12, true, 13},
          InputFed{JobId{7}, {300, 400}, 1'700'000'000'000'000, true},
          PartitionsWeighed{JobId{7}, {{2, 5000, true, 2}, {0, 70, false, 0}}, {1, 2}}};
}

}  // namespace fanfold::fuzz
