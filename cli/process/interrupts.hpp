// SIGINT, SIGTERM, SIGHUP and SIGCHLD as a descriptor: a command that owns processes or directories
// is never ended in the middle of something.

#pragma once

#include "common/core/status.hpp"

namespace fanfold::cli {

/// Blocks the signals in the calling thread (and so in every thread made later) for the rest of the
/// process's life.  Processes spawned through spawn() get them unblocked.
class Interrupts {
 public:
  Interrupts() = default;
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  Status start();
  int descriptor() const { return descriptor_; }

  /// Takes what has arrived.
  void drain();
  /// Interruptions so far (SIGCHLD is none).
  int count() const { return count_; }

 private:
  int descriptor_ = -1;
  int count_ = 0;
};

}  // namespace fanfold::cli
