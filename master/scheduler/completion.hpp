// When the maps of a job count as done: its policy, and what was decided.  The rules are those of
// docs/patterns/completion.md; completion.cpp applies them.

#pragma once

#include <cstdint>
#include <optional>

#include "common/core/time.hpp"
#include "common/proto/types.hpp"

namespace fanfold::master {

/// How many of `maps` must commit before the job may go on without the others.  More than there
/// are: it never can.
std::uint32_t maps_needed(const proto::CompletionPolicy& policy, std::uint32_t maps);

namespace scheduling {

/// A moment of the wall clock as one of ours.  What lies beyond either end of time is that end.
Instant instant_of(std::uint64_t unix_us, std::int64_t unix_us_at_origin);
/// The reverse; never 0, which means none.
std::uint64_t unix_us_of(Instant instant, std::int64_t unix_us_at_origin);

struct Completion {
  /// Whether the job may go on without some of its maps.
  bool may_be_partial() const {
    return policy.rule != proto::CompletionRule::kAll ||
           (deadline && on_deadline == proto::OnDeadline::kPartial);
  }
  /// Whether a map that failed for good can be done without.
  bool tolerates_failures() const { return !decided && policy.rule != proto::CompletionRule::kAll; }

  proto::CompletionPolicy policy;
  proto::OnDeadline on_deadline = proto::OnDeadline::kFail;
  std::optional<Instant> deadline{};

  // Durable.
  bool decided = false;
  proto::CompletionReason reason = proto::CompletionReason::kNone;
  std::uint32_t failed = 0;  // Maps that were given up one by one.

  // Measured by the master that decided.
  Instant decided_at{};
  std::uint32_t attempts_stopped = 0;
  std::uint32_t attempts_stopping = 0;
  std::uint32_t results_discarded = 0;
  Duration stop_time{0};
};

}  // namespace scheduling
}  // namespace fanfold::master
