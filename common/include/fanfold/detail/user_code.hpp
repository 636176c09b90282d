// Says in the progress slot whether the job's code or the engine runs, so that a crash or a hang is
// blamed on the right one.

#pragma once

#include <cstdint>

#include "fanfold/abi.hpp"

namespace fanfold::detail {

/// The job's code runs while one of these lives, at records or keys unless `where` says otherwise.
class InUserCode {
 public:
  explicit InUserCode(abi::ProgressSlot& progress,
                      std::uint32_t where = abi::ProgressSlot::kAtRecord)
      : progress_(progress) {
    progress_.in_user_code.store(where, std::memory_order_relaxed);
  }
  ~InUserCode() {
    progress_.in_user_code.store(abi::ProgressSlot::kEngine, std::memory_order_relaxed);
  }
  InUserCode(const InUserCode&) = delete;
  InUserCode& operator=(const InUserCode&) = delete;

 private:
  abi::ProgressSlot& progress_;
};

/// The job's code runs on what earlier records gave, called from inside its code at a record.
class BetweenRecords {
 public:
  explicit BetweenRecords(abi::ProgressSlot& progress)
      : progress_(progress), before_(progress.in_user_code.load(std::memory_order_relaxed)) {
    progress_.in_user_code.store(abi::ProgressSlot::kAtNone, std::memory_order_relaxed);
  }
  ~BetweenRecords() { progress_.in_user_code.store(before_, std::memory_order_relaxed); }
  BetweenRecords(const BetweenRecords&) = delete;
  BetweenRecords& operator=(const BetweenRecords&) = delete;

 private:
  abi::ProgressSlot& progress_;
  std::uint32_t before_;
};

/// The host works while one of these lives, called from inside or outside of the job's code.  Each
/// is a sign of life.
class InHost {
 public:
  explicit InHost(abi::ProgressSlot& progress)
      : progress_(progress), before_(progress.in_user_code.load(std::memory_order_relaxed)) {
    progress_.in_user_code.store(0, std::memory_order_relaxed);
    progress_.ticks.store(progress_.ticks.load(std::memory_order_relaxed) + 1,
                          std::memory_order_relaxed);
  }
  ~InHost() { progress_.in_user_code.store(before_, std::memory_order_relaxed); }
  InHost(const InHost&) = delete;
  InHost& operator=(const InHost&) = delete;

 private:
  abi::ProgressSlot& progress_;
  std::uint32_t before_;
};

}  // namespace fanfold::detail
