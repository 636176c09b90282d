// Blocking work away from the event loop: planning, publishing, removing.
//
// The owner thread starts work and later collects results; nothing else is shared.  Threads are
// made when there is something to do, up to a limit; work beyond it waits in a bounded queue.

#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <stop_token>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "common/core/ids.hpp"
#include "common/core/mailbox.hpp"
#include "common/core/mutex.hpp"
#include "common/core/status.hpp"
#include "master/planner/planner.hpp"
#include "master/publish/publish.hpp"

namespace fanfold::master {

struct PlanFinished {
  JobId job;
  Result<Plan> plan;
};
struct PublishFinished {
  JobId job;
  Result<Published> outcome;
};
struct StagingRemoved {
  JobId job;
  Status outcome;
};
using SideResult = std::variant<PlanFinished, PublishFinished, StagingRemoved>;

class SideWork {
 public:
  struct Options {
    std::size_t threads_max = 1;
    std::size_t queued_max = 1;  // Started and not yet collected.
    std::function<void()> wake;  // Called from a worker thread after a result is there.
  };

  explicit SideWork(Options options);
  /// Waits for what runs; drops what has not begun.
  ~SideWork();
  SideWork(const SideWork&) = delete;
  SideWork& operator=(const SideWork&) = delete;

  /// `work` runs in another thread and must not touch anything that it does not own.
  /// False: the queue is full, nothing was started.
  [[nodiscard]] bool start(std::function<SideResult()> work);

  /// Results since the last call, in order of completion.
  std::vector<SideResult> finished();

  /// Nothing is queued, running or uncollected.
  bool idle() const { return outstanding_ == 0; }

 private:
  void run(const std::stop_token& stop);

  const Options options_;
  std::size_t outstanding_ = 0;  // Owner thread only.
  Mailbox<SideResult> results_;
  Mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<std::function<SideResult()>> queue_ FANFOLD_GUARDED_BY(mutex_);
  std::vector<std::jthread> threads_;  // Owner thread only; last, so that it is joined first.
};

}  // namespace fanfold::master
