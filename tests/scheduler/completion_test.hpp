// The fixture of tests of jobs that may do without some of their maps.

#pragma once

#include <string>

#include "tests/scheduler/scheduler_test.hpp"

namespace fanfold::master {

using proto::CompletionPolicy;
using proto::CompletionReason;
using proto::CompletionRule;
using proto::OnDeadline;

inline constexpr CompletionPolicy kAllCompleted{CompletionRule::kAllCompleted, 0, 0};
inline constexpr CompletionPolicy kFirst{CompletionRule::kFirst, 0, 0};

inline CompletionPolicy min_successful(std::uint32_t count) {
  return {CompletionRule::kMinSuccessful, count, 0};
}

class CompletionTest : public SchedulerTest {
 protected:
  /// Four maps on one worker each, two reduces; every task may fail once.
  void run_four(const CompletionPolicy& policy) {
    for (std::uint64_t worker = 1; worker <= 4; ++worker) join(worker);
    submit({.maps = 4, .reduces = 2, .attempts_max = 1, .speculate = false, .completion = policy});
  }
  /// 'c' commits, 'f' fails for good; one letter for each map in turn.
  void play(const std::string& script) {
    for (std::uint32_t i = 0; i < script.size(); ++i) {
      if (script[i] == 'c') commit(map(i));
      if (script[i] == 'f') fail(map(i), FailureKind::kException);
    }
  }
  void finish() {
    commit_all_reduces();
    published();
  }
  std::uint64_t in(Duration wait) const {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(now.since_origin + wait).count());
  }
  proto::CompletionStatus completion() const { return status().completion; }
};

}  // namespace fanfold::master
