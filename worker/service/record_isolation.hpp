// Attempts of jobs that may do without bad records: when an executor ends at a record, the attempt
// goes on in another one that passes over it.  Decides that; the body does it.  One thread.

#pragma once

#include <map>
#include <optional>
#include <string>

#include "worker/agent/event.hpp"
#include "worker/isolation/executor_frames.hpp"

namespace fanfold::worker {

class RecordIsolation {
 public:
  /// An executor is about to be given `task`.
  void note_started(const ExecutorTask& task);
  /// It is about to be killed.  A hang may be the fault of a record; anything else ends the
  /// attempt.
  void note_killed(AttemptId attempt, proto::FailureKind kind);

  /// What to start, when the attempt can go on: it is not over then.  Otherwise it is, and `ended`
  /// has the log of all its executors.
  std::optional<ExecutorTask> go_on(AttemptEnded* ended);

  std::size_t size() const { return held_.size(); }

 private:
  struct Held {
    ExecutorTask task;
    bool stopped = false;
    std::string log_text;  // Of its earlier executors.
    std::uint64_t log_bytes = 0;
  };

  static bool can_go_on(const Held& held, const AttemptEnded& ended);

  std::map<AttemptId, Held> held_;
};

}  // namespace fanfold::worker
