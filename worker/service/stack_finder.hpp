// Symbolises stacks of failed attempts beside the event loop: reading debug information takes a
// while.  One short-lived thread a crash, a bounded number of them.

#pragma once

#include <memory>
#include <thread>
#include <vector>

#include "common/core/mailbox.hpp"
#include "common/core/status.hpp"
#include "common/core/unique_fd.hpp"
#include "worker/isolation/executor_pool.hpp"

namespace fanfold::worker {

class StackFinder {
 public:
  static Result<std::unique_ptr<StackFinder>> make();
  StackFinder(const StackFinder&) = delete;
  StackFinder& operator=(const StackFinder&) = delete;

  /// The result comes back through take(), its failure with a stack if there is one.
  void add(AttemptResult result);
  std::vector<AttemptResult> take();
  /// Readable when take() has something.
  int descriptor() const { return wake_.get(); }

 private:
  explicit StackFinder(UniqueFd wake);
  void deliver(AttemptResult result);

  UniqueFd wake_;
  Mailbox<AttemptResult> found_;
  std::vector<AttemptResult> at_once_;
  std::size_t delivered_ = 0;  // Of threads_; all of them: they can be joined without waiting.
  std::vector<std::jthread> threads_;  // Last: joined before what they use is gone.
};

}  // namespace fanfold::worker
