// One fault that may happen: what, to whom, and which of its occasions.

#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fanfold::sim {

enum class FaultKind : std::uint8_t {
  // Network.  subject -> object; the occasion is the n-th frame on that way.
  kDrop,
  kDuplicate,
  kReorder,
  // Subject and object; the occasion is the n-th tick.
  kReset,      // The connection breaks: what is in flight is lost.
  kPartition,  // Nothing passes, both ways.
  kOneWay,     // Nothing passes from subject to object.
  kClog,       // Everything is late.
  // Processes: subject; n-th tick.
  kPause,
  kCrash,      // kill -9: files stay.
  kPowerLoss,  // What was not synced is lost or torn.
  kDiskLoss,   // A worker comes back with an empty disk.
  kDrain,      // The operator takes a worker away.
  // Disks: subject.
  kDiskFull,      // n-th tick; for a while.
  kDiskError,     // n-th operation.
  kOutputLost,    // n-th tick: a map output vanishes.
  kOutputRotten,  // n-th tick: a bit of a map output flips.
  // The store: n-th append.
  kStoreSlow,
  kStoreError,
  kCrashBeforeAppend,
  kCrashAfterAppend,
  kCrashInSideWork,  // n-th piece of side work: the master dies in the middle of it.
  // Attempts: subject is the job, object the task with its stage, n the number of the attempt.
  kTaskCrash,
  kTaskException,
  kTaskHang,
  kTaskSlow,
  kSpawnFailure,
  // The client: subject is the client.
  kCancel,      // n-th tick.
  kCancelLate,  // n-th time that it hears that its job is being published.
  // The master's side work: n-th piece.
  kSideWorkSlow,
  // The master; n-th tick.
  kTakeover,  // It is paused, and somebody starts another one.
  kFactRot,   // It dies, and a bit of what it stored flips.
  // As for attempts: a reduce leaves one of its segments out, or reads it twice.
  kSegmentMiscounted,
  // A rare path inside production code (common/core/fault_point.hpp): subject is the FaultPoint;
  // the n-th time that somebody comes by.
  kFaultPoint,
  // A record that map cannot do anything with, ever: subject is the job, object the record in its
  // input.
  kPoisonRecord,
};
inline constexpr std::size_t kFaultKinds = static_cast<std::size_t>(FaultKind::kPoisonRecord) + 1;

const char* name_of(FaultKind kind);
std::optional<FaultKind> fault_kind_of(std::string_view name);

struct Fault {
  FaultKind kind = FaultKind::kDrop;
  std::uint32_t subject = 0;
  std::uint32_t object = 0;
  std::uint64_t occasion = 0;
  auto operator<=>(const Fault&) const = default;
};

/// "drop 1 0 17"
std::string to_text(const Fault& fault);
std::optional<Fault> fault_of(std::string_view text);

}  // namespace fanfold::sim
