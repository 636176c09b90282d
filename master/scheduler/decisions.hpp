// What parts of the machine hand to each other: attempts to start, and how jobs end.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "common/core/ids.hpp"
#include "common/proto/types.hpp"
#include "master/scheduler/attempt.hpp"
#include "master/scheduler/job.hpp"
#include "master/scheduler/worker_pool.hpp"

namespace fanfold::master::scheduling {

struct Start {
  Job& job;
  TaskId task;
  Worker& worker;
  Attempt* twin = nullptr;
  bool audit = false;
};

struct Choice {
  TaskId task;
  Worker* worker = nullptr;
  std::optional<std::size_t> retry;  // Position among the ready-again tasks.
  Attempt* twin = nullptr;           // Whose backup it is to be.
  bool taken = false;                // It is among the ready ones no more.
};

struct Ending {
  proto::JobState state = proto::JobState::kFailed;
  std::string reason;
  TaskId failed_task{};
  AttemptId first_failure{};
  proto::CompletionReason completion = proto::CompletionReason::kNone;
};

struct Failure {
  TaskId task;
  AttemptId first;
  proto::FailureKind kind = proto::FailureKind::kNone;
  std::string text;  // "map task 3 failed 4 times"
};

}  // namespace fanfold::master::scheduling
