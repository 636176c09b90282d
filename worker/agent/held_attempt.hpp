// One attempt that the worker holds, from its assignment until the master has answered how it
// ended.  Data and the table of its legal moves; what happens on a move is machine.hpp's.

#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "common/core/ids.hpp"
#include "common/core/time.hpp"
#include "common/proto/types.hpp"

namespace fanfold::worker::agency {

enum class AttemptPhase : std::uint8_t {
  kFetching = 0,    // A reduce whose inputs are on their way, or lost; holds no slot.
  kQueued = 1,      // Waits for a slot.
  kRunning = 2,     // In an executor.
  kKilling = 3,     // In an executor that is being killed; still holds the slot.
  kCommitting = 4,  // Finished; waits for the master's answer.
  kFailing = 5,     // Failed, or given back; waits for the master's answer.
};
inline constexpr std::size_t kAttemptPhases = 6;

/// The one table of legal moves; docs/scheduler.md shows it.
bool is_legal(AttemptPhase from, AttemptPhase to);
const char* name_of(AttemptPhase phase);

struct HeldAttempt {
  void move_to(AttemptPhase to);
  bool holds_slot() const {
    return phase == AttemptPhase::kRunning || phase == AttemptPhase::kKilling;
  }
  /// For its inputs, or for a slot.
  bool waits() const { return phase == AttemptPhase::kFetching || phase == AttemptPhase::kQueued; }
  /// The executor or the fetcher still works on it, or is about to.
  bool unfinished() const {
    return phase != AttemptPhase::kCommitting && phase != AttemptPhase::kFailing;
  }

  AttemptId id;
  JobId job;
  TaskId task;
  std::uint32_t number = 1;
  std::uint64_t generation = 0;
  AttemptPhase phase = AttemptPhase::kQueued;
  std::uint64_t arrival = 0;         // Order of the local queue.
  proto::TaskAssignment assignment;  // Until it is started; of a reduce, which may start again.
  std::uint32_t starts = 0;
  Duration wall_time_max{0};  // Zero: none.
  Duration stall_max{0};

  // A reduce.
  bool unlisted = false;  // It waits for the list of what it reads: nothing is fetched yet.
  /// Map outputs that it could not read, by split.
  std::map<std::uint32_t, AttemptId> missing;  // Until the master says where each is now.
  std::set<std::uint32_t> replaced;            // The master has said so once.
  std::string why_missing;
  std::uint32_t asked = 0;  // How often the master was told of those that are missing now.

  // While it runs.
  Instant started;
  Instant progressed;
  std::uint64_t beat = 0;
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  proto::FailureKind kill_kind = proto::FailureKind::kNone;

  // What the master has not answered yet.
  std::uint32_t told = 0;  // How often this one was told.
  proto::AttemptReport report;
  proto::FailureReport failure;
  std::string log_text;
  std::uint64_t log_bytes = 0;
};

}  // namespace fanfold::worker::agency
