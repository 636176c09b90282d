// The door to blocking work away from the event loop: planning, publishing, removing, noting
// what failed attempts read.
//
// The owner thread starts work and later collects results; nothing else is shared.  In production
// threads do it (threaded_side_work.cpp); a simulation does it at moments of its own.

#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "common/core/ids.hpp"
#include "common/core/status.hpp"
#include "master/blobs/blob_store.hpp"
#include "master/planner/planner.hpp"
#include "master/publish/publish.hpp"

namespace fanfold::master {

struct PlanFinished {
  JobId job;
  Result<Plan> plan;
};
/// Those of its inputs that lie on hosts, as planner has them.
struct HostInputsFound {
  JobId job;
  Result<std::vector<std::string>> inputs;
};
/// A batch for an open job is a file, durably; without a feeder: one that was not taken is gone.
struct FeedWritten {
  JobId job;
  std::string feeder;
  Status outcome;
};
struct PublishFinished {
  JobId job;
  Result<Published> outcome;
};
struct StagingRemoved {
  JobId job;
  Status outcome;
};
struct CapsuleWritten {
  JobId job;
  Status outcome;
};
using SideResult = std::variant<PlanFinished, PublishFinished, StagingRemoved, CapsuleWritten,
                                FeedWritten, BlobDone, HostInputsFound>;

class SideWork {
 public:
  struct Options {
    std::size_t threads_max = 1;
    std::size_t queued_max = 1;  // Started and not yet collected.
    std::function<void()> wake;  // Called, perhaps from another thread, when a result is there.
  };

  /// Waits for what runs; drops what has not begun.
  virtual ~SideWork() = default;

  /// `work` may run in another thread and must not touch anything that it does not own.
  /// False: the queue is full, nothing was started.
  [[nodiscard]] virtual bool start(std::function<SideResult()> work) = 0;

  /// Results since the last call, in order of completion.
  virtual std::vector<SideResult> finished() = 0;

  /// Nothing is queued, running or uncollected.
  virtual bool idle() const = 0;
};

using SideWorkFactory = std::function<std::unique_ptr<SideWork>(SideWork::Options)>;

/// Threads are made when there is something to do, up to a limit; work beyond it waits in a bounded
/// queue.
std::unique_ptr<SideWork> threaded_side_work(SideWork::Options options);

}  // namespace fanfold::master
