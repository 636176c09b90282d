// Every limit of the system, with its reason.  Lengths from the wire or from disk are checked
// against these before anything is allocated.

#pragma once

#include <cstddef>
#include <cstdint>

#include "common/core/time.hpp"

namespace fanfold::limits {

using std::chrono_literals::operator""ms;
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
/// One reduce task reads an output of each: what names them fits a worker's memory and the bytes
/// that may wait for one peer.
inline constexpr std::uint32_t kSplits = 1'000'000;
/// Small files packed into one split; bounds the size of an assignment.
inline constexpr std::uint32_t kPiecesPerSplit = 16'384;
inline constexpr std::uint32_t kAttemptsPerTask = 4;
/// Infrastructure failures (lost workers, full disks, fetches) one task may meet before its job
/// fails.
inline constexpr std::uint32_t kInfrastructureFailuresPerTask = 50;
/// Of them, full disks and I/O errors: a disk that stays full must be told to somebody within
/// seconds (about 15 with the growing delays), not waited for.
inline constexpr std::uint32_t kStorageFailuresPerTask = 8;
/// Records that may end an executor of one attempt: each costs a new one and the records before it.
inline constexpr std::size_t kBadRecordsPerAttempt = 1'000;
/// A task that is given back is due again after at most a day.
inline constexpr std::uint64_t kGiveBackMsMost = 86'400'000;
/// Records that an open job is fed at a time: a message of the control plane has to hold them.
inline constexpr std::size_t kFeedBytes = 1u << 20;
inline constexpr std::size_t kLogBytesPerAttempt = 1u << 20;
inline constexpr std::size_t kNameBytes = 64;

// The master.
/// Frames handled before the facts they cause are written: large enough that one transaction
/// serves many, small enough that deadlines are looked at every few milliseconds.
inline constexpr std::size_t kFramesPerTurn = 512;
inline constexpr std::size_t kFrameBytesPerTurn = 16u << 20;
/// Jobs that were submitted and have not ended; more are refused.
inline constexpr std::size_t kJobsUnfinished = 1024;
/// Ended jobs that `status` and `list` still know.
inline constexpr std::size_t kJobsRemembered = 1000;
/// Planning reads directories and files: more threads would only compete for the disk.
inline constexpr std::size_t kPlanningThreads = 4;
inline constexpr std::size_t kPublishingThreads = 2;
/// Log text of attempts, kept in the master's memory for `fanfold logs`.
inline constexpr std::size_t kLogBytesKeptPerAttempt = 64u << 10;
inline constexpr std::size_t kLogBytesKept = 64u << 20;
/// Distinct counters of a job; what is counted beyond them is left out, with a note.
inline constexpr std::size_t kCountersPerJob = 1000;
/// Failures of a job kept in full; later ones lose their stack and log, then are only counted.
inline constexpr std::size_t kFailuresPerJob = 1000;
/// Kept free beside the master's facts, so that what a full disk interrupts can still be recorded:
/// some turns' worth of facts.
inline constexpr std::int64_t kStateReserveBytes = 16 << 20;
inline constexpr std::size_t kFollowersPerJob = 64;
/// An event log: some 150,000 attempts.  Beyond it the lines of attempts are left out, counted.
inline constexpr std::uint64_t kEventBytesPerJob = 64u << 20;
/// All event logs of a master; those of the oldest jobs go first.
inline constexpr std::uint64_t kEventBytesKept = 256u << 20;
/// Event logs leave this much of a disk to others: facts, outputs.
inline constexpr std::uint64_t kEventDiskReserve = 64u << 20;
/// Lines wait for company: one write for many.
inline constexpr std::size_t kEventBytesBuffered = 256u << 10;
inline constexpr Duration kEventDelay = 200ms;
/// Of an event log in one reply.
inline constexpr std::size_t kEventPartBytes = 1u << 20;
/// Of what a running attempt wrote, in one reply.
inline constexpr std::size_t kOutputPartBytes = 256u << 10;
/// Clients that wait for such replies; those who waited longest ask again.
inline constexpr std::size_t kOutputQuestions = 1024;
inline constexpr std::size_t kWorkers = 10'000;
/// Files of a host that one input of a job may mean, all its inputs together, and the bytes of
/// their paths: an answer of the control plane has to hold them.
inline constexpr std::size_t kHostFiles = 20'000;
inline constexpr std::size_t kHostPathBytes = 2u << 20;
inline constexpr std::size_t kHostPathBytesPerJob = 64u << 20;
/// Jobs whose inputs are being listed on hosts; others wait for their turn.
inline constexpr std::size_t kHostListings = 4;
inline constexpr std::uint32_t kSlotsPerWorker = 1024;
inline constexpr std::size_t kWorkerTextBytes = 255;
inline constexpr std::size_t kPathBytes = 4095;
/// A job's description travels with every task.
inline constexpr std::size_t kJobSpecBytes = 256u << 10;
inline constexpr std::size_t kParametersPerJob = 1000;
inline constexpr std::size_t kSideFilesPerJob = 1000;
inline constexpr std::uint32_t kAttemptsPerTaskMost = 100;
/// Map outputs that an attempt says at once that it cannot read: a quarter of a control frame.
inline constexpr std::size_t kLostNamed = 64u << 10;
/// Map outputs that a worker names when it registers: half a control frame of ids.
inline constexpr std::size_t kOutputsListed = 256u << 10;
/// A job's plan in the store: far below what a row may hold, far above any sensible job.
inline constexpr std::size_t kPlanBytes = 256u << 20;
/// Status goes to a following client at most this often, final states at once.
inline constexpr Duration kFollowInterval = 100ms;
/// Attempts of an ended job may take this long to die before its staging directory goes.
inline constexpr Duration kStagingPatience = 5s;
/// A master that was told to stop waits this long for attempts and files; one whose parent is gone
/// waits less.
inline constexpr Duration kStopPatience = 10s;
inline constexpr Duration kOrphanPatience = 2s;

// Time.
inline constexpr Duration kHeartbeatInterval = 1s;
inline constexpr Duration kWorkerSilence = 10s;
/// A host is started again, or its worker, in less: so long tasks wait for a host on which their
/// input lies.
inline constexpr Duration kHostAbsence = 300s;
/// What a task that had better run somewhere waits for a slot there: about what reading a split
/// from elsewhere costs more.
inline constexpr Duration kLocalityWait = 3s;
inline constexpr std::uint64_t kLocalityWaitMsMost = 3'600'000;
/// Of a job, and of each of them.  The description of a job travels with every task.
inline constexpr std::size_t kPreferences = 100;
inline constexpr std::size_t kPreferredHosts = 64;
/// No record advanced and no ctx.progress(): the attempt hangs.
inline constexpr Duration kStallTimeout = 30s;
inline constexpr Duration kConnectTimeout = 5s;
/// A client that waits for a job gives its master this long to be started again.
inline constexpr Duration kReturnPatience = 60s;
inline constexpr Duration kKillGrace = 2s;

}  // namespace fanfold::limits
