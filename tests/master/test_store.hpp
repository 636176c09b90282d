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

  Status append(std::span<const StoredFact> facts) override {
    if (failing_) return {StatusCode::kNoSpace, "the disk is full"};
    FANFOLD_RETURN_IF_ERROR(confirm());
    exhausted_ = filling_.load();
    MutexLock lock(mutex_);
    for (const StoredFact& fact : facts) {
      if (dropping_ends_ && std::holds_alternative<JobEnded>(fact.fact)) continue;
      stored_.facts.push_back(fact);
    }
    return {};
  }
  Status confirm() override {
    if (!taken_over_) return {};
    return {StatusCode::kAborted, "another master has taken over"};
  }
  bool exhausted() const override { return exhausted_; }

  void fail_from_now_on() { failing_ = true; }
  /// The master believes that they are recorded; the next one does not find them.
  void drop_ends() { dropping_ends_ = true; }
  void take_over() { taken_over_ = true; }
  /// The next append() is the last for which there is room.
  void fill() { filling_ = true; }

  /// What a master would find that opened the store now.
  StoredState stored() {
    MutexLock lock(mutex_);
    StoredState copy = stored_;
    ++copy.epoch;
    return copy;
  }

 private:
  std::atomic<bool> failing_ = false;
  std::atomic<bool> taken_over_ = false;
  std::atomic<bool> dropping_ends_ = false;
  std::atomic<bool> filling_ = false;
  std::atomic<bool> exhausted_ = false;
  Mutex mutex_;
  StoredState stored_ FANFOLD_GUARDED_BY(mutex_);
};

}  // namespace fanfold::master
