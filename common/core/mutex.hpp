// A mutex clang can reason about.  libstdc++'s std::mutex carries no annotations,
// so -Wthread-safety cannot check members guarded by it.

#pragma once

#include <mutex>

#if defined(__clang__)
#define FANFOLD_THREAD_ATTRIBUTE(x) __attribute__((x))
#else
#define FANFOLD_THREAD_ATTRIBUTE(x)
#endif

/// The member may be touched only while `mutex` is held.
#define FANFOLD_GUARDED_BY(mutex) FANFOLD_THREAD_ATTRIBUTE(guarded_by(mutex))
/// The function may be called only while `...` is held.
#define FANFOLD_REQUIRES(...) FANFOLD_THREAD_ATTRIBUTE(requires_capability(__VA_ARGS__))

namespace fanfold {

class FANFOLD_THREAD_ATTRIBUTE(capability("mutex")) Mutex {
 public:
  void lock() FANFOLD_THREAD_ATTRIBUTE(acquire_capability()) { mutex_.lock(); }
  void unlock() FANFOLD_THREAD_ATTRIBUTE(release_capability()) { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

/// Holds `mutex` for the enclosing scope.
class FANFOLD_THREAD_ATTRIBUTE(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) FANFOLD_THREAD_ATTRIBUTE(acquire_capability(mutex))
      : mutex_(mutex) {
    mutex_.lock();
  }
  ~MutexLock() FANFOLD_THREAD_ATTRIBUTE(release_capability()) { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

}  // namespace fanfold
