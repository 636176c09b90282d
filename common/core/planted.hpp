// Bugs that the simulator must find: each is a mistake that a system of this kind once made
// (docs/simulation.md lists them).  planted() is false, and costs nothing, wherever
// FANFOLD_PLANTED_BUGS is not defined; only tests/sim/planted defines it.

#pragma once

#include <cstddef>
#include <cstdint>

namespace fanfold {

enum class Bug : std::uint8_t {
  kNone = 0,
  kAcceptStaleFence = 1,
  kCommitWithoutAttempt = 2,
  kFailureClearsCommit = 3,
  kLossClearsCommit = 4,
  kKeepOutputsOfTheLost = 5,
  kLossRestartsReduces = 6,
  kAnswerBeforeDurable = 7,
  kReplayTwice = 8,
  kReplayForgetsInvalidation = 9,
  kKeepOldHolder = 10,
  kCompareNoDigests = 11,
  kLossChargesTask = 12,
  kRetryDenied = 13,
  kBackUpOnSameWorker = 14,
  kLeakSlotOnCancel = 15,
  kSucceedBeforePublishing = 16,
  kRunEndedJobsAgain = 17,
  kCancelWhilePublishing = 18,
  kNoEpochCheck = 19,
  kTruncateAtDamage = 20,
  kCancelWaitsForTasks = 21,
  kOldestJobFirst = 22,
  kKeepOutputsOfEndedJobs = 23,
  kKeepUnreadable = 24,
  kWaitForTheRest = 25,
  kReplayForgetsCoverage = 26,
  kCallPartialSuccess = 27,
  kGoOnBehindRecord = 28,
  kIgnoreControl = 29,
  kCountFailuresAgain = 30,
  kKeepOldTolerance = 31,
  kPublishUngathered = 32,
  kAcceptFirstVote = 33,
  kCountVotesTwice = 34,
  kVotersKeepSlots = 35,
  kReplicasOnOneWorker = 36,
  kHedgeEverything = 37,
  kFeedTwice = 38,
  kFeedAnswersBeforeFact = 39,
  kReadElsewhere = 40,
  kPreferNobody = 41,
  kWaitForEver = 42,
  kForgetState = 43,
};

inline constexpr std::size_t kBugs = 44;

#ifdef FANFOLD_PLANTED_BUGS
/// The one that this process has now.
Bug planted_bug();
inline namespace with_bugs {
inline bool planted(Bug bug) { return planted_bug() == bug; }
}  // namespace with_bugs
#else
constexpr bool planted(Bug /*bug*/) { return false; }
#endif

}  // namespace fanfold
