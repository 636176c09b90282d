// A store that keeps everything in memory, can be told to fail, and can be handed to a next master.

#pragma once

#include <atomic>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/core/mutex.hpp"
#include "master/store/store.hpp"

namespace fanfold::master {

class TestStore final : public Store {
 public:
  TestStore() = default;
  explicit TestStore(StoredState stored) : stored_(std::move(stored)) {}

  Status append(std::span<const Fact> facts, std::span<const JobNote> notes) override {
    if (failing_) return {StatusCode::kNoSpace, "the disk is full"};
    MutexLock lock(mutex_);
    stored_.facts.insert(stored_.facts.end(), facts.begin(), facts.end());
    stored_.notes.insert(stored_.notes.end(), notes.begin(), notes.end());
    return {};
  }

  void fail_from_now_on() { failing_ = true; }

  /// What a master would find that opened the store now.
  StoredState stored() {
    MutexLock lock(mutex_);
    StoredState copy = stored_;
    ++copy.epoch;
    return copy;
  }

 private:
  std::atomic<bool> failing_ = false;
  Mutex mutex_;
  StoredState stored_ FANFOLD_GUARDED_BY(mutex_);
};

}  // namespace fanfold::master
