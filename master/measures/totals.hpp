// What a master has counted since it was started: a value, to be copied to whoever shows it.
// docs/operating/metrics.md says what each number means.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>

#include "common/core/ids.hpp"
#include "common/proto/types.hpp"
#include "master/measures/distribution.hpp"

namespace fanfold::master {

enum class AttemptKind : std::uint8_t { kFirst = 0, kAgain = 1, kSpeculative = 2 };
inline constexpr std::size_t kAttemptKinds = 3;

enum class AttemptOutcome : std::uint8_t {
  kCommitted = 0,
  kFailed = 1,
  kLost = 2,
  kCancelled = 3,
  kAbandoned = 4,
};
inline constexpr std::size_t kAttemptOutcomes = 5;

const char* name_of(AttemptKind kind);
const char* name_of(AttemptOutcome outcome);

/// What of the wire is refused.
enum class Refusal : std::uint8_t {
  kStranger = 0,  // A connection with a key of nobody, or none.
  kRevoked = 1,   // A message of a key that was accepted before.
  kRole = 2,      // A message that is not for the role of its key.
  kVersion = 3,   // A message of a version of the protocol that is not spoken here.
  kWorker = 4,    // A worker, for what it says of itself.
};
inline constexpr std::size_t kRefusals = 5;

/// What is said again, because nothing shows that it has arrived.
enum class Resend : std::uint8_t { kAssignment = 0, kCancellation = 1, kOutputs = 2, kKeys = 3 };
inline constexpr std::size_t kResends = 4;

const char* name_of(Refusal refusal);
const char* name_of(Resend resend);

struct StageTotals {
  std::array<std::uint64_t, kAttemptKinds> assigned{};
  std::array<std::uint64_t, kAttemptOutcomes> ended{};
  // Of committed attempts.
  std::uint64_t records_in = 0;
  std::uint64_t records_out = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::uint64_t spills = 0;
  std::uint64_t records_skipped = 0;
  std::uint64_t dead_letters = 0;
  Distribution ran{second_bounds()};
  Distribution waited{second_bounds()};  // From the assignment to the start.
  // Of jobs.
  Distribution tasks{task_bounds()};
  Distribution straggling{ratio_bounds()};
};

struct Totals {
  std::array<StageTotals, kStages> stages;
  StageTotals& stage(Stage which) { return stages[static_cast<std::size_t>(which) - 1]; }
  const StageTotals& stage(Stage which) const {
    return stages[static_cast<std::size_t>(which) - 1];
  }

  std::map<proto::FailureKind, std::uint64_t> failures;  // Of attempts that failed or were lost.
  std::uint64_t outputs_invalidated = 0;
  std::uint64_t results_dissenting = 0;
  std::uint64_t maps_there = 0;  // Of those that preferred hosts; of jobs that have ended.
  std::uint64_t maps_elsewhere = 0;

  std::uint64_t jobs_accepted = 0;
  std::uint64_t jobs_refused = 0;
  std::map<proto::JobState, std::uint64_t> jobs_ended;
  Distribution job_seconds{second_bounds()};
  Distribution gather_seconds{second_bounds()};  // From the last map to the end.
  std::uint64_t output_bytes = 0;
  std::uint64_t output_records = 0;

  std::uint64_t workers_joined = 0;
  std::uint64_t workers_lost = 0;
  std::uint64_t workers_left = 0;

  std::uint64_t frames = 0;
  std::uint64_t frames_rejected = 0;
  std::uint64_t frames_damaged = 0;
  std::uint64_t frames_to_nobody = 0;    // Dropped: the peer was gone.
  std::uint64_t frames_over_queues = 0;  // Dropped: the peer did not read.
  std::uint64_t frames_withheld = 0;     // The peer is older and does not know what they tell of.
  std::array<std::uint64_t, kRefusals> refused{};
  std::array<std::uint64_t, kResends> resent{};
  std::uint64_t facts = 0;
  Distribution turn_seconds{short_second_bounds()};
};

}  // namespace fanfold::master
