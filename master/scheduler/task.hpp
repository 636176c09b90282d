// One task: its state, what it committed, and, for the few that met trouble, their history.
// There may be millions of Tasks, so a Task is small and what is rare lives in Trouble.

#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "common/core/ids.hpp"
#include "common/core/time.hpp"

namespace fanfold::master::scheduling {

enum class TaskState : std::uint8_t {
  kReady = 0,      // Could be assigned, as far as the task itself is concerned.
  kDelayed = 1,    // An attempt failed; the retry waits for its back-off.
  kAssigned = 2,   // One or two live attempts.
  kCommitted = 3,  // Its result exists.  Only a lost map output leads away from here.
  kGivenUp = 4,    // A map that its job does without.  For ever.
};
inline constexpr std::size_t kTaskStates = 5;

/// The one table of legal moves; docs/scheduler.md shows it.
bool is_legal(TaskState from, TaskState to);
const char* name_of(TaskState state);

/// Where a committed task ran, by what it preferred then.
enum class Ran : std::uint8_t { kAnywhere = 0, kThere = 1, kElsewhere = 2 };

struct Task {
  /// The last attempt that committed, even when its map output was lost since: what it left in the
  /// staging directory is still good.
  AttemptId committed;
  WorkerId holder;  // Where the committed map output lies.
  std::uint64_t bytes = 0;
  std::uint64_t bytes_out = 0;
  std::uint32_t attempts = 0;
  TaskState state = TaskState::kReady;
  std::uint8_t live = 0;
  bool output_empty = false;
  Ran ran = Ran::kAnywhere;
};

/// What a task met; most never meet anything.
struct Trouble {
  std::uint32_t failures = 0;        // Durable; charged to the task.
  std::uint32_t infrastructure = 0;  // Charged to nobody's code; forgotten by a restart.
  std::uint32_t storage = 0;         // Of these, full disks and I/O errors.
  AttemptId first_failure;           // Durable; the cause that the user is shown.
  AttemptId first_infrastructure;
  /// Durable: failures that each Retrier of the job was asked about; empty without any.
  std::vector<std::uint32_t> retried;
  Instant not_before;           // Durable: when a task that failed is due again,
  Duration delay{0};            // and how long it was to wait for that.
  Instant patient_until;        // Before it, only a worker not in `avoid` will do.
  std::vector<WorkerId> avoid;  // Bounded: each failure adds at most one.
};

inline bool is_avoided(const Trouble& trouble, WorkerId worker) {
  return std::find(trouble.avoid.begin(), trouble.avoid.end(), worker) != trouble.avoid.end();
}

}  // namespace fanfold::master::scheduling
