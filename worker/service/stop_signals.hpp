// SIGTERM, SIGINT and SIGHUP as a descriptor to watch.

#pragma once

#include "common/core/status.hpp"
#include "common/core/unique_fd.hpp"

namespace fanfold::worker {

class StopSignals {
 public:
  /// Blocks them in this thread and in all it will start.
  static Result<StopSignals> watch();

  int descriptor() const { return descriptor_.get(); }
  /// How many arrived since the last call.
  int take();

 private:
  explicit StopSignals(UniqueFd descriptor) : descriptor_(std::move(descriptor)) {}

  UniqueFd descriptor_;
};

}  // namespace fanfold::worker
