// What a worker has done, for those who look on: counted where it happens, read by other threads.

#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <utility>

#include "common/core/ids.hpp"
#include "common/core/mutex.hpp"
#include "common/proto/messages.hpp"
#include "common/proto/types.hpp"
#include "worker/agent/event.hpp"
#include "worker/blobs/blob_cache.hpp"
#include "worker/shuffle/homes.hpp"

namespace fanfold::worker {

struct WorkerFigures {
  struct OfStage {
    std::uint64_t started = 0;
    std::uint64_t running = 0;
    std::uint64_t finished = 0;
    std::uint64_t records_in = 0;
    std::uint64_t records_out = 0;
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
    std::uint64_t spills = 0;
    double seconds = 0;  // That finished attempts ran.
  };
  std::array<OfStage, kStages> stages;
  const OfStage& stage(Stage which) const { return stages.at(static_cast<std::size_t>(which) - 1); }

  std::map<proto::FailureKind, std::uint64_t> failures;  // Of attempts, cancelled ones too.
  std::uint64_t waiting = 0;  // Attempts that wait for a slot or for their inputs.
  std::uint64_t records_isolated = 0;
  std::uint64_t inputs_lost = 0;  // Map outputs that could not be read.
  std::uint64_t welcomes = 0;     // Of masters.
  std::uint64_t frames_damaged = 0;
  std::uint64_t frames_dropped = 0;  // To masters that do not read.
  /// Said to the master once more, for want of an answer.
  struct Resends {
    std::uint64_t hellos = 0;
    std::uint64_t commits = 0;
    std::uint64_t failures = 0;
    std::uint64_t inputs_wanted = 0;
  };
  Resends resends;
  std::uint64_t refusals = 0;  // By masters.
  BlobCache::Figures files;    // Plugins and side files from the master.
  EarlyFigures early;          // Map outputs that this host brought as the home of partitions.
  bool connected = false;      // A master has welcomed it since it lost the last one.
  bool draining = false;
};

/// One thread tells, any reads.
class WorkerMeasures {
 public:
  void started(AttemptId attempt, Stage stage);
  void ended(const AttemptEnded& ended);
  /// It lost an input: it is started again, or dropped.
  void lost_input(AttemptId attempt);
  /// Whatever it was; counts as a failure if it had lost an input and was not started again.
  void dropped(AttemptId attempt);
  /// Attempts that this worker holds and does not run yet.
  void waiting(std::size_t attempts);
  void record_isolated();
  void inputs_lost(std::size_t outputs);
  void welcomed();
  void master_lost();
  void draining();
  void frame_damaged(std::uint64_t frames);
  void frames_dropped(std::uint64_t frames);
  void resent(const proto::WorkerMessage& message);
  void refused();
  void files(const BlobCache::Figures& so_far);
  void early(const EarlyFigures& so_far);

  WorkerFigures figures() const;

 private:
  WorkerFigures::OfStage& of(Stage which) FANFOLD_REQUIRES(mutex_);

  mutable Mutex mutex_;
  WorkerFigures figures_ FANFOLD_GUARDED_BY(mutex_);
  std::map<AttemptId, Stage> running_ FANFOLD_GUARDED_BY(mutex_);
  std::set<AttemptId> without_input_ FANFOLD_GUARDED_BY(mutex_);
};

}  // namespace fanfold::worker
