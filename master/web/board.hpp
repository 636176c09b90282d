// Where the master hangs out its latest snapshot, and other threads look.  Thread-safe; holds the
// lock for as long as a pointer is copied.

#pragma once

#include <memory>
#include <utility>

#include "common/core/mutex.hpp"
#include "master/web/snapshot.hpp"

namespace fanfold::master::web {

class Board {
 public:
  void post(std::shared_ptr<const Snapshot> snapshot) {
    const MutexLock lock(mutex_);
    latest_.swap(snapshot);
  }
  /// Null before the first one.  Readers and the board own it together.
  std::shared_ptr<const Snapshot> latest() {
    const MutexLock lock(mutex_);
    return latest_;
  }

 private:
  Mutex mutex_;
  std::shared_ptr<const Snapshot> latest_ FANFOLD_GUARDED_BY(mutex_);
};

}  // namespace fanfold::master::web
