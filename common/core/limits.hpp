// Every limit of the system, with its reason.  Lengths from the wire or from disk are checked
// against these before anything is allocated.

#pragma once

#include <cstddef>
#include <cstdint>

#include "common/core/time.hpp"

namespace fanfold::limits {

using std::chrono_literals::operator""s;

// Wire.  Control messages are small; bulk data never travels in them.
inline constexpr std::size_t kControlFrameBytes = 4u << 20;
inline constexpr std::size_t kDataChunkBytes = 1u << 20;
inline constexpr std::size_t kDataFrameBytes = kDataChunkBytes + (64u << 10);
/// Bytes a fetcher may have asked for and not yet received, per reduce task: bounds its memory.
inline constexpr std::size_t kFetchCreditBytes = 32u << 20;
/// Bytes queued for one silent peer before messages to it are dropped (and resent by reconciling).
inline constexpr std::size_t kOutboxBytes = 16u << 20;
/// sun_path is 108 bytes with its terminator.
inline constexpr std::size_t kSocketPathBytes = 107;

// Records.
/// A key and a value share one block; larger ones would make every merge buffer unbounded.
inline constexpr std::size_t kRecordBytes = 64u << 20;
/// Run blocks are cut at this size unless one record is larger.
inline constexpr std::size_t kRunBlockBytes = 256u << 10;
inline constexpr std::size_t kInputBlockBytes = 1u << 20;

// Jobs.
inline constexpr std::uint32_t kPartitions = 100'000;
inline constexpr std::uint32_t kSplits = 10'000'000;
/// Small files packed into one split; bounds the size of an assignment.
inline constexpr std::uint32_t kPiecesPerSplit = 4096;
inline constexpr std::uint32_t kAttemptsPerTask = 4;
/// Infrastructure failures (lost workers, full disks, fetches) one task may meet before its job
/// fails.
inline constexpr std::uint32_t kInfrastructureFailuresPerTask = 50;
inline constexpr std::size_t kLogBytesPerAttempt = 1u << 20;
inline constexpr std::size_t kNameBytes = 64;

// Time.
inline constexpr Duration kHeartbeatInterval = 1s;
inline constexpr Duration kWorkerSilence = 10s;
/// No record advanced and no ctx.progress(): the attempt hangs.
inline constexpr Duration kStallTimeout = 30s;
inline constexpr Duration kConnectTimeout = 5s;
inline constexpr Duration kKillGrace = 2s;

}  // namespace fanfold::limits
