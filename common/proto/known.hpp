// Which numbers are values of the enumerations that travel or are stored.  A number that an older
// build does not know is refused where it is decoded, never cast and hoped for.

#pragma once

#include "common/core/ids.hpp"
#include "common/core/status.hpp"
#include "common/proto/types.hpp"

namespace fanfold::proto {

template <class Enumeration>
constexpr bool within(Enumeration value, Enumeration first, Enumeration last) {
  return value >= first && value <= last;
}

/// The version of the protocol that a value came with, and what it stands for in words for people.
/// Of one that came later than protocol 6: an overload of each.
template <class Enumeration>
constexpr std::uint32_t known_since(Enumeration) {
  return 0;
}
template <class Enumeration>
constexpr const char* feature_of(Enumeration) {
  return "a new kind of value";
}
/// What peers of the version before are told instead, of a value that only informs: a new failure
/// is an old one to them.  Itself: there is nothing to say instead.
template <class Enumeration>
constexpr Enumeration stand_in(Enumeration value) {
  return value;
}

inline constexpr const char* kGathering = "gathering of results";
inline constexpr const char* kFeeding = "feeding of jobs";
inline constexpr const char* kPreferring = "preferred hosts";
inline constexpr const char* kSharing = "sharing of hot partitions";

constexpr std::uint32_t known_since(Stage v) { return v == Stage::kGather ? 7 : 0; }
constexpr const char* feature_of(Stage) { return kGathering; }

constexpr std::uint32_t known_since(FailureKind v) { return v == FailureKind::kGivenBack ? 7 : 0; }
constexpr FailureKind stand_in(FailureKind v) {
  return v == FailureKind::kGivenBack ? FailureKind::kException : v;
}

constexpr bool is_known(OnExists v) { return within(v, OnExists::kFail, OnExists::kReplace); }
constexpr bool is_known(ShufflePath v) {
  return within(v, ShufflePath::kAuto, ShufflePath::kNetwork);
}
constexpr bool is_known(ShuffleMode v) { return within(v, ShuffleMode::kPull, ShuffleMode::kAuto); }
constexpr bool is_known(JobState v) { return within(v, JobState::kRunning, JobState::kPartial); }
constexpr bool is_known(CompletionRule v) {
  return within(v, CompletionRule::kAll, CompletionRule::kFirst);
}
constexpr bool is_known(OnDeadline v) { return within(v, OnDeadline::kFail, OnDeadline::kPartial); }
constexpr bool is_known(AcceptRule v) { return within(v, AcceptRule::kFirst, AcceptRule::kAll); }
constexpr bool is_known(OnBadRecord v) {
  return within(v, OnBadRecord::kFail, OnBadRecord::kDeadLetter);
}
constexpr bool is_known(Jitter v) { return within(v, Jitter::kNone, Jitter::kFull); }
constexpr bool is_known(CompletionReason v) {
  return within(v, CompletionReason::kNone, CompletionReason::kCancelled);
}
constexpr bool is_known(FailureKind v) {
  return within(v, FailureKind::kNone, FailureKind::kGivenBack) ||
         within(v, FailureKind::kWorkerLost, FailureKind::kDrained) || v == FailureKind::kCancelled;
}
constexpr bool is_known(WorkerStanding v) {
  return within(v, WorkerStanding::kGood, WorkerStanding::kExcluded);
}
constexpr bool is_known(Stage v) { return within(v, Stage::kSample, Stage::kGather); }
constexpr bool is_known(StatusCode v) { return within(v, StatusCode::kOk, StatusCode::kNoSpace); }
constexpr bool is_known(io::PartCompression v) {
  return within(v, io::PartCompression::kNone, io::PartCompression::kZstd);
}
constexpr bool is_known(io::Compression v) {
  return within(v, io::Compression::kNone, io::Compression::kLz4);
}
constexpr bool is_known(abi::RecordFormat v) {
  return within(v, abi::RecordFormat::kLines, abi::RecordFormat::kWholeFile);
}
constexpr bool is_known(abi::Partitioning v) {
  return within(v, abi::Partitioning::kHash, abi::Partitioning::kCustom);
}
constexpr bool is_known(abi::Gather v) {
  return within(v, abi::Gather::kNone, abi::Gather::kReduce);
}
constexpr bool is_known(abi::OutputFormat v) {
  return within(v, abi::OutputFormat::kText, abi::OutputFormat::kBinary);
}

}  // namespace fanfold::proto
