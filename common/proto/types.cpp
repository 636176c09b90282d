#include "common/proto/types.hpp"

namespace fanfold::proto {

JobControl JobChange::applied_to(JobControl before) const {
  if (max_concurrency) before.max_concurrency = to.max_concurrency;
  if (priority) before.priority = to.priority;
  if (weight) before.weight = to.weight;
  if (paused) before.paused = to.paused;
  if (failures_max) before.failures_max = to.failures_max;
  if (failures_per_million) before.failures_per_million = to.failures_per_million;
  return before;
}

bool charged_to_task(FailureKind kind) {
  switch (kind) {
    case FailureKind::kException:
    case FailureKind::kSignal:
    case FailureKind::kExit:
    case FailureKind::kTimeout:
    case FailureKind::kStalled:
    case FailureKind::kOutOfMemory:
    case FailureKind::kInput:
    case FailureKind::kPlugin:
    case FailureKind::kNonDeterministic:
    case FailureKind::kGivenBack:
      return true;
    case FailureKind::kNone:
    case FailureKind::kWorkerLost:
    case FailureKind::kFetch:
    case FailureKind::kNoSpace:
    case FailureKind::kIo:
    case FailureKind::kSpawn:
    case FailureKind::kDrained:
    case FailureKind::kCancelled:
      return false;
  }
  return false;
}

const char* name_of(FailureKind kind) {
  switch (kind) {
    case FailureKind::kNone:
      return "none";
    case FailureKind::kException:
      return "exception";
    case FailureKind::kSignal:
      return "signal";
    case FailureKind::kExit:
      return "exit";
    case FailureKind::kTimeout:
      return "timeout";
    case FailureKind::kStalled:
      return "stalled";
    case FailureKind::kOutOfMemory:
      return "out of memory";
    case FailureKind::kInput:
      return "input";
    case FailureKind::kPlugin:
      return "plugin";
    case FailureKind::kNonDeterministic:
      return "non-deterministic";
    case FailureKind::kGivenBack:
      return "given back";
    case FailureKind::kWorkerLost:
      return "worker lost";
    case FailureKind::kFetch:
      return "fetch";
    case FailureKind::kNoSpace:
      return "no space";
    case FailureKind::kIo:
      return "I/O error";
    case FailureKind::kSpawn:
      return "spawn";
    case FailureKind::kDrained:
      return "drained";
    case FailureKind::kCancelled:
      return "cancelled";
  }
  return "unknown";
}

const char* error_name(FailureKind kind) {
  switch (kind) {
    case FailureKind::kException:
      return "Task.Exception";
    case FailureKind::kSignal:
      return "Task.Signal";
    case FailureKind::kExit:
      return "Task.Exit";
    case FailureKind::kTimeout:
      return "Task.Timeout";
    case FailureKind::kStalled:
      return "Task.Stalled";
    case FailureKind::kOutOfMemory:
      return "Task.OutOfMemory";
    case FailureKind::kInput:
      return "Input.Missing";
    case FailureKind::kPlugin:
      return "Plugin.Incompatible";
    case FailureKind::kNonDeterministic:
      return "Task.NonDeterministic";
    case FailureKind::kGivenBack:
      return "Task.GivenBack";
    case FailureKind::kNone:
    case FailureKind::kWorkerLost:
    case FailureKind::kFetch:
    case FailureKind::kNoSpace:
    case FailureKind::kIo:
    case FailureKind::kSpawn:
    case FailureKind::kDrained:
    case FailureKind::kCancelled:
      return "";
  }
  return "";
}

bool is_final(JobState state) {
  switch (state) {
    case JobState::kRunning:
    case JobState::kPublishing:
      return false;
    case JobState::kSucceeded:
    case JobState::kFailed:
    case JobState::kCancelled:
    case JobState::kPartial:
      return true;
  }
  return false;
}

const char* name_of(JobState state) {
  switch (state) {
    case JobState::kRunning:
      return "running";
    case JobState::kPublishing:
      return "publishing";
    case JobState::kSucceeded:
      return "succeeded";
    case JobState::kFailed:
      return "failed";
    case JobState::kCancelled:
      return "cancelled";
    case JobState::kPartial:
      return "partial";
  }
  return "unknown";
}

const char* name_of(CompletionReason reason) {
  switch (reason) {
    case CompletionReason::kNone:
      return "";
    case CompletionReason::kAllCompleted:
      return "ALL_COMPLETED";
    case CompletionReason::kMinSuccessfulReached:
      return "MIN_SUCCESSFUL_REACHED";
    case CompletionReason::kQuorumReached:
      return "QUORUM_REACHED";
    case CompletionReason::kFirstSuccessful:
      return "FIRST_SUCCESSFUL";
    case CompletionReason::kDeadlineExceeded:
      return "DEADLINE_EXCEEDED";
    case CompletionReason::kFailureToleranceExceeded:
      return "FAILURE_TOLERANCE_EXCEEDED";
    case CompletionReason::kCancelled:
      return "CANCELLED";
  }
  return "unknown";
}

const char* name_of(CompletionRule rule) {
  switch (rule) {
    case CompletionRule::kAll:
      return "all";
    case CompletionRule::kAllCompleted:
      return "all-completed";
    case CompletionRule::kMinSuccessful:
      return "min-successful";
    case CompletionRule::kQuorum:
      return "quorum";
    case CompletionRule::kFirst:
      return "first";
  }
  return "unknown";
}

const char* name_of(OnBadRecord what) {
  switch (what) {
    case OnBadRecord::kFail:
      return "fail";
    case OnBadRecord::kSkip:
      return "skip";
    case OnBadRecord::kDeadLetter:
      return "dead-letter";
  }
  return "unknown";
}

const char* name_of(OnDeadline what) { return what == OnDeadline::kFail ? "fail" : "partial"; }

const char* name_of(AcceptRule rule) {
  switch (rule) {
    case AcceptRule::kFirst:
      return "first";
    case AcceptRule::kQuorum:
      return "quorum";
    case AcceptRule::kAll:
      return "all";
  }
  return "unknown";
}

const char* name_of(ShuffleMode mode) {
  switch (mode) {
    case ShuffleMode::kPull:
      return "pull";
    case ShuffleMode::kPush:
      return "push";
    case ShuffleMode::kHybrid:
      return "hybrid";
    case ShuffleMode::kAuto:
      return "auto";
  }
  return "unknown";
}

const char* name_of(WorkerStanding standing) {
  switch (standing) {
    case WorkerStanding::kGood:
      return "good";
    case WorkerStanding::kProbation:
      return "probation";
    case WorkerStanding::kExcluded:
      return "excluded";
  }
  return "unknown";
}

}  // namespace fanfold::proto
