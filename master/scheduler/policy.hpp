// The scheduler's numbers, each with its reason, and the small integer formulas over them.
// Decides nothing by itself and holds no state.

#pragma once

#include <cstddef>
#include <cstdint>

#include "common/core/ids.hpp"
#include "common/core/time.hpp"

namespace fanfold::master::scheduling {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

/// The first retry should be quick: most failures that a retry cures are over by then.
inline constexpr Duration kRetryDelayFirst = 100ms;
/// A task that failed often waits, but a person watching should still see it move.
inline constexpr Duration kRetryDelayMax = 5s;

/// What a task finds damaged of what other tasks have left may be the fault of one host's disk or
/// memory; of two it is not.
inline constexpr std::uint32_t kGatherInputTries = 2;

/// A retry prefers a worker on which its task has not failed yet.  When all of those are busy for
/// this long, any worker will do: a slow neighbour must not hold up the job.
inline constexpr Duration kElsewherePatience = 1s;

/// Tasks at least this long never wait in a worker's queue: the round trip to the master is small
/// beside them, and a queued task cannot move to a worker that becomes idle.
inline constexpr Duration kShortTask = 20ms;
/// Enough to hide the round trip and the master's disk from tasks that do nothing at all, and for
/// their commits to travel in company.
inline constexpr std::uint32_t kQueuedPerSlotMax = 64;
/// Durations seen before a stage is believed to be made of short tasks.
inline constexpr std::uint32_t kQueueSamplesMin = 4;
/// A worker's queue that did not move for this long stands behind a task that is not short: idle
/// workers take from it.
inline constexpr Duration kQueueStall = 100ms;

/// No backup attempt before this age: starting one costs about as much.
inline constexpr Duration kStragglerAgeMin = 1s;

/// No hedge before this age, nor before so many tasks of the stage have shown how long they take.
inline constexpr Duration kHedgeAgeMin = 50ms;
inline constexpr std::uint32_t kHedgeSamplesMin = 8;

/// Tasks of a stage that have begun and whose results are still to be compared, and half of those
/// of all jobs: beyond that only replicas of these begin.
inline constexpr std::uint32_t kOpenBallotsLeast = 16;
inline constexpr std::uint32_t kOpenBallotsPerSlot = 2;
/// Whatever the size of the cluster: a heartbeat that lists them must fit into a frame.
inline constexpr std::uint32_t kOpenBallotsMost = 16'384;

/// Tasks that want a replica, and jobs that may wait for certain workers, looked at for one
/// assignment: so many of the first ones, which may wait for busy workers, and as many of the
/// others in turn.
inline constexpr std::size_t kReplicasExamined = 16;
inline constexpr std::size_t kChoosyJobsExamined = 4;
/// Workers looked at to find one on another host: those of a host stand side by side.
inline constexpr std::size_t kWorkersOfHostsExamined = 256;

/// Waiting tasks, jobs and workers looked at for one assignment.  Bounds the cost of an event; who
/// is not looked at now is looked at when the ones before it are gone.
inline constexpr std::size_t kRetriesExamined = 16;
inline constexpr std::size_t kJobsExamined = 8;
inline constexpr std::size_t kWorkersExamined = 16;

/// Hosts looked at for one assignment of a job whose input lies on them.
inline constexpr std::size_t kHostsExamined = 1024;

/// Of an event's jobs each looks at so many of the hosts that its tasks prefer.
inline constexpr std::size_t kPreferredHostsExamined = 64;

/// How often, at most, the homes of partitions are told of outputs while the maps of a job run:
/// what a home is told of at once comes in one file, and files are dear beside what is in them.
inline constexpr std::uint32_t kHomeTellings = 8;
/// Where nobody said which way, as many maps as run at a time must be there so often: what the last
/// of them make does not come early anyhow.
inline constexpr std::uint32_t kRoundsOfMapsForHomes = 2;
/// Homes are chosen again when there are so many times as many workers that can be.
inline constexpr std::size_t kHomesGrown = 2;
/// Of a hybrid shuffle: many small segments cost a reduce their round trips, which are over when
/// they are brought early.  Large ones move as fast later, when they do not compete with maps for
/// disks, and are often of partitions that should not all lie on one host.
inline constexpr std::uint64_t kHybridSegmentBytesMax = 1u << 20;

/// A restarted master holds back assignments for at most this long while workers that it knows from
/// before have not said Hello again: it would start again what they run.
inline constexpr Duration kReunionPatienceMax = 1500ms;

/// Demerits of a worker: for a failure that is its own (a disk, a process that cannot be started,
/// an output that it cannot read twice), and for an output that it was to keep and somebody cannot
/// read.  Each reader counts once, for it may be the one that is to blame.
inline constexpr std::uint32_t kDemeritsOfFault = 10;
inline constexpr std::uint32_t kDemeritsOfLostOutput = 10;
/// A wrong answer is worse than none: where nobody votes nobody notices it.
inline constexpr std::uint32_t kDemeritsOfDissent = 30;
/// A commit takes back half of what a failure costs.
inline constexpr std::uint32_t kMeritsOfCommit = 5;
inline constexpr Duration kDemeritHalfLife = 60s;
/// Three failures in short order may be bad luck; from there on it gets one attempt at a time.
inline constexpr std::uint32_t kProbationDemerits = 30;
/// And six are not.
inline constexpr std::uint32_t kExclusionDemerits = 60;
/// What an exclusion that is over leaves: on probation, and the next failures count at once.
inline constexpr std::uint32_t kDemeritsAfterExclusion = 40;
/// The first time; twice as long each further time, up to the last.
inline constexpr Duration kExclusionFirst = 60s;
inline constexpr Duration kExclusionMax = 600s;

/// Ended jobs whose summary is kept for `fanfold status` and `fanfold list`.
inline constexpr std::size_t kEndedJobsKept = 1000;

/// In how many parts the reduce of a partition is to be folded that has `bytes` of `all`; less
/// than 2: it would not end the job sooner.  `maps`: that wrote something.
std::uint32_t shares_for(std::uint32_t maps, std::uint32_t slots, std::uint64_t bytes,
                         std::uint64_t all);

/// 100 ms, 200 ms, 400 ms ... 5 s for the first, second, third ... failure.
Duration retry_delay(std::uint32_t failures);

/// 1, 2, 4 ... 10 minutes for the first, second, third ... time.
Duration exclusion_time(std::uint32_t times);
/// Of so many workers that could work, how many may be excluded: a third, at least one, but never
/// all of them.
std::size_t exclusions_max(std::size_t workers);

/// How many attempts may wait at a worker for each of its slots, from the durations of the stage's
/// committed tasks so far.
std::uint32_t queued_per_slot(Duration total, std::uint32_t count);

/// The last quarter of a stage (at least one task) is where backup attempts help.
bool in_tail(std::uint32_t tasks, std::uint32_t done);
/// Live backup attempts of a stage: a tenth of its tasks, at least one.
std::uint32_t backups_max(std::uint32_t tasks);
/// A running attempt of this age deserves a backup.
Duration straggler_age(Duration median);

/// Until then after a restart or a pause of the master, what workers had to say has been heard:
/// they say Hello again within a heartbeat, and silence is several heartbeats long.
Duration reunion_patience(Duration worker_silence_max);

/// Bits that have nothing to do with each other for neighbouring values (SplitMix64).
std::uint64_t mixed_bits(std::uint64_t value);

/// Whether this map is among those that run a second time to be compared; the same for every
/// master.
bool is_audited(JobId job, std::uint32_t split, std::uint32_t per_million);

/// A worker that was not heard for so long, and from which somebody cannot read: it is dead, and
/// nothing that it keeps will be read any more.
Duration suspicious_silence(Duration worker_silence_max);

/// An assignment that heartbeats do not confirm within this time was lost on its way.
Duration assignment_patience(Duration worker_silence_max);

}  // namespace fanfold::master::scheduling
