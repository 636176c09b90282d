// Attempts: the live ones, and which task each attempt of a job belonged to.

#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "common/core/ids.hpp"
#include "common/core/time.hpp"

namespace fanfold::master::scheduling {

/// A live attempt: assigned, and neither committed, failed, lost nor cancelled yet.
struct Attempt {
  AttemptId id;
  TaskId task;
  WorkerId worker;
  std::uint32_t number = 1;
  bool speculative = false;
  bool audit = false;       // Of a committed map: only to see whether it gives the same again.
  bool running = false;     // False: it waits for a slot of its worker and ages for nobody.
  bool replica = false;     // One of several, at least in time: in the ballot of its task.
  bool further = false;     // Of them, one that began when another was live.
  bool voted = false;       // It has a result, which is not compared yet: out of its slot.
  bool finished = false;    // A replica that had ended when its worker came back: in no slot.
  AttemptId twin;           // The other live attempt of the same task: never of a replica.
  Instant assigned;         // When it was last sent.
  Instant started;          // Meaningful while running.
  std::uint64_t bytes = 0;  // By the last heartbeat.
};

/// Every attempt that a job ever had, so that a late message finds its task without a search over
/// tasks.  Attempt ids only grow, so that appending keeps the order.
class AttemptLedger {
 public:
  struct Entry {
    AttemptId attempt;
    std::uint32_t index = 0;
    Stage stage = Stage::kMap;
  };

  void reserve(std::size_t attempts) { entries_.reserve(attempts); }
  void add(AttemptId attempt, const TaskId& task);
  /// The same for an attempt of an earlier master.
  void insert(AttemptId attempt, const TaskId& task);
  /// Call once after replaying facts, which come in the order of commits.
  void sort();
  /// Null when the attempt is not of this job.
  const Entry* find(AttemptId attempt) const;
  std::size_t size() const { return entries_.size(); }

 private:
  std::vector<Entry> entries_;
};

}  // namespace fanfold::master::scheduling
