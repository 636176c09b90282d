// What users may change of a job while it runs.

#pragma once

#include <cstdint>

namespace fanfold::proto {

inline constexpr std::uint64_t kAnyNumber = ~std::uint64_t{0};
inline constexpr std::uint32_t kWhole = 1'000'000;  // In a million.

/// What may be changed while a job runs; docs/patterns/live_control.md has the rules.
struct JobControl {
  std::uint32_t max_concurrency = 0;  // Attempts at a time; 0: as many as there are slots.
  std::uint32_t priority = 50;        // 0 to 100; who has the higher one is served first.
  std::uint32_t weight = 1;           // 1 to 1000: share of the slots, among equal priorities.
  bool paused = false;                // Nothing new starts.
  /// How much of what maps count as failures (failures.hpp) there may be, and which share of
  /// JobSpec::items.  Beyond that the job goes on with the maps that have committed, as after a
  /// deadline.
  std::uint64_t failures_max = kAnyNumber;
  std::uint32_t failures_per_million = kWhole;
  bool operator==(const JobControl&) const = default;
};
inline constexpr std::uint32_t kPriorityMax = 100;
inline constexpr std::uint32_t kWeightMax = 1000;

/// A JobControl in part: what is marked replaces what was.
struct JobChange {
  bool max_concurrency = false;
  bool priority = false;
  bool weight = false;
  bool paused = false;
  JobControl to;
  bool failures_max = false;
  bool failures_per_million = false;
  JobControl applied_to(JobControl before) const;
};

}  // namespace fanfold::proto
