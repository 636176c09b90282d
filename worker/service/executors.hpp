// The door to executors: whoever runs attempts.  In production processes do (pooled_executors.hpp).

#pragma once

#include <optional>
#include <vector>

#include "common/core/status.hpp"
#include "common/core/time.hpp"
#include "worker/agent/event.hpp"
#include "worker/isolation/attempt_log.hpp"
#include "worker/isolation/executor_frames.hpp"

namespace fanfold::worker {

class Executors {
 public:
  virtual ~Executors() = default;

  /// One AttemptEnded with this attempt's id follows, whatever happens.
  virtual void start(Instant now, ExecutorTask task) = 0;
  /// The failure has `kind`, unless the attempt was faster.  Ignored when it is not running.
  virtual void kill(Instant now, AttemptId attempt, proto::FailureKind kind) = 0;

  /// What has ended since the last call; acts on deadlines.  An error: no attempt can run any more.
  virtual Result<std::vector<AttemptEnded>> take_ended(Instant now) = 0;
  virtual bool has_ended() const = 0;
  virtual std::optional<Instant> next_deadline() const = 0;
  /// Files that attempts which run wait for, since the last call; known after take_ended().  Each
  /// is to be answered by bring().
  virtual std::vector<FileWanted> take_wanted() { return {}; }
  virtual void bring(const FileBrought& /*brought*/) {}
  /// It waits for one still: that is no stall.
  virtual void note_waiting(AttemptId /*attempt*/) {}
  /// Of every attempt that runs.
  virtual ProgressSeen progress() const = 0;
  /// What a running attempt has written from `offset` on; nothing of one that is not running.
  virtual AttemptLog::Part output(AttemptId attempt, std::uint64_t offset,
                                  std::size_t bytes_max) const = 0;
};

}  // namespace fanfold::worker
