// Takes a child of an item job through the states of its processor: Task, Pass, Succeed, Fail.
// Runs no task itself and waits for nothing itself.

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "common/core/status.hpp"
#include "common/core/time.hpp"
#include "worker/items/task.hpp"

namespace fanfold::worker {

enum class ChildEnd : std::uint8_t { kSucceeded = 0, kFailed = 1, kSkipped = 2 };

struct ChildOutcome {
  ChildEnd end = ChildEnd::kFailed;
  std::string output;            // kSucceeded: JSON.
  TaskError error;               // kFailed.
  bool fatal = false;            // kFailed: it ends the job, whatever is tolerated.
  Json history = Json::array();  // Of attempts that failed.
  std::uint64_t attempts = 0;    // At tasks.
  std::uint64_t retries = 0;     // Of them.
};

class Processor {
 public:
  /// `definition` is what the command line has checked: StartAt, States, and Context for "$$".
  static Result<Processor> make(Json definition);
  Processor(Processor&&) noexcept;
  Processor& operator=(Processor&&) noexcept;
  ~Processor();

  struct Doors {
    RunTask run_task;
    std::function<void(Duration delay)> wait;  // Before a retry.
  };
  ChildOutcome run(std::uint64_t child, Json input, const Doors& doors) const;

 private:
  struct State;
  class Walk;
  Processor();

  std::unique_ptr<Json> definition_;  // Stays where it is: states point into it.
  std::map<std::string, State> states_;
};

}  // namespace fanfold::worker
