// One attempt at a Task of an item's processor: what it is told, and what comes of it.

#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <variant>

#include "common/core/time.hpp"
#include "common/items/json_text.hpp"

namespace fanfold::worker {

using items::Json;

/// As a Retry or a Catch names it: "Task.Exit", ..., or what the task called it itself.
struct TaskError {
  std::string name;
  std::string cause;
};
using TaskResult = std::variant<Json, TaskError>;

struct TaskCall {
  const Json& state;  // The Task, as the command line has checked and completed it.
  const Json& input;
  std::uint64_t child = 0;    // Of all children of the job.
  std::uint32_t attempt = 1;  // At this task with this input.
  Duration timeout{0};        // 0: none.
  Duration heartbeat{0};      // 0: none.
};

/// Runs a task to its end.
using RunTask = std::function<TaskResult(const TaskCall& call)>;

/// Says that whoever waits for a child is alive; called every second or so.
using StayAlive = std::function<void()>;

}  // namespace fanfold::worker
