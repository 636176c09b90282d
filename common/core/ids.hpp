// Strong identifiers: a JobId cannot be passed where a WorkerId is expected.

#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>

namespace fanfold {

template <class Tag>
struct Id {
  std::uint64_t value = 0;  // 0 means "none"; the first real id is 1.
  auto operator<=>(const Id&) const = default;
};

using JobId = Id<struct JobTag>;
using WorkerId = Id<struct WorkerTag>;

/// Each state directory of a master has an identity, and ids mean nothing to a master of another
/// one.  0: nobody has said which.
constexpr bool is_other_state(std::uint64_t known, std::uint64_t told) {
  return known != 0 && told != 0 && known != told;
}

/// Also the attempt's fence: (master epoch << 40) | counter, strictly increasing, never reused.
using AttemptId = Id<struct AttemptTag>;

inline constexpr unsigned kAttemptEpochShift = 40;
constexpr AttemptId attempt_id(std::uint64_t epoch, std::uint64_t counter) {
  return {(epoch << kAttemptEpochShift) | counter};
}
constexpr std::uint64_t epoch_of(AttemptId attempt) { return attempt.value >> kAttemptEpochShift; }

enum class Stage : std::uint8_t { kSample = 1, kMap = 2, kReduce = 3, kGather = 4 };
inline constexpr std::size_t kStages = 4;  // Their numbers begin at 1.
inline constexpr Stage kAllStages[kStages] = {Stage::kSample, Stage::kMap, Stage::kReduce,
                                              Stage::kGather};
constexpr const char* name_of(Stage stage) {
  switch (stage) {
    case Stage::kSample:
      return "sample";
    case Stage::kMap:
      return "map";
    case Stage::kReduce:
      return "reduce";
    case Stage::kGather:
      return "gather";
  }
  return "unknown";
}

/// One split to map, one partition to reduce, one node of the tree that brings the results
/// together, or the one sampling task of a job.
struct TaskId {
  JobId job;
  Stage stage = Stage::kMap;
  std::uint32_t index = 0;
  auto operator<=>(const TaskId&) const = default;
};

}  // namespace fanfold
