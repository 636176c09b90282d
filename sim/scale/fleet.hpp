// The production scheduler with very many workers that only pretend: attempts take their time and
// commit.  No network, no disks, no service: what is looked at is what the scheduler decides and
// what deciding costs.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <queue>
#include <unordered_map>
#include <vector>

#include "master/scheduler/scheduler.hpp"
#include "sim/world/draws.hpp"

namespace fanfold::sim {

struct FleetOptions {
  std::uint64_t seed = 1;
  std::uint32_t workers = 10'000;
  std::uint32_t slots = 1;
  std::uint32_t maps = 1'000'000;
  std::uint32_t reduces = 1;
  Duration map_time = std::chrono::seconds(20);
  Duration shuffle_time{0};  // Of a reduce: it reads from everybody, evenly, as fast as it can.
  Duration reduce_time = std::chrono::seconds(20);
  /// Times are log-normal; this is the sigma in per cent.
  std::uint32_t spread_per_cent = 25;
  Duration heartbeat = std::chrono::seconds(1);
  Duration silence_max = std::chrono::seconds(10);
  /// How long a reduce asks a worker that does not answer.
  Duration fetch_patience = std::chrono::seconds(10);
  /// So many workers die at once at `kill_at`, and come back so long after.
  std::uint32_t kill = 0;
  Duration kill_at{0};
  Duration back_after = std::chrono::seconds(15);
};

struct FleetResult {
  bool succeeded = false;
  Duration took{0};                 // Simulated, from the submission to the last commit.
  std::uint64_t events = 0;         // That the scheduler was given.
  std::uint64_t attempts = 0;       // That it gave out.
  std::uint64_t lost = 0;           // Attempts that died with their workers.
  std::uint64_t starved = 0;        // Reduces that went on without an input until it was replaced.
  double cpu_seconds = 0;           // Of the scheduler and of the pretending together.
  std::uint64_t bytes_pending = 0;  // Of heap, for a job of which nothing has begun.
  std::uint64_t bytes_most = 0;     // Of heap, at any time.
};

class Fleet {
 public:
  explicit Fleet(const FleetOptions& options);
  /// Submits the job, of which nothing begins before run().  The bytes of heap that it takes.
  std::uint64_t submit();
  /// From the submission to the end.
  FleetResult run();

 private:
  enum class Kind : std::uint8_t {
    kHeartbeat,
    kEnd,
    kRead,
    kMissed,
    kKill,
    kReturn,
    kTick,
    kPublish
  };
  struct Made {
    AttemptId attempt;
    std::uint32_t split = 0;
    std::uint32_t host = 0;
    WorkerId worker;  // That the host was then.
  };
  struct Planned {
    Instant when;
    std::uint64_t order = 0;
    Kind kind = Kind::kTick;
    std::uint32_t worker = 0;
    AttemptId attempt;
    bool operator<(const Planned& other) const {
      return std::pair(when, order) > std::pair(other.when, other.order);
    }
  };
  /// As the production worker does it: a reduce reads beside the slots and then waits for one; what
  /// it has read it keeps when something else cannot be read.
  enum class Phase : std::uint8_t { kReading, kWaiting, kRunning };
  struct Running {
    TaskId task;
    std::uint32_t number = 1;  // Of the attempt.
    Phase phase = Phase::kWaiting;
    Instant read_from;
    Instant read_until;         // When everything else than `missing` has been read ...
    Duration missing_time{0};   // ... and how long reading those takes.
    std::vector<Made> missing;  // Of hosts that are gone; in no order.
  };
  struct Host {
    WorkerId id;
    bool up = false;
    std::uint32_t busy = 0;
    std::map<AttemptId, Running> attempts;
  };

  void plan(Duration in, Kind kind, std::uint32_t worker = 0, AttemptId attempt = {});
  void feed(const master::Event& event);
  void obey(const master::Action& action);
  void happen(const Planned& what);
  void join(std::uint32_t worker);
  void heartbeat(std::uint32_t worker);
  void start_waiting(std::uint32_t worker);
  void end(std::uint32_t worker, AttemptId attempt);
  void begin_reading(std::uint32_t worker, AttemptId attempt);
  /// What it has not read yet and cannot read any more.
  void find_missing(std::uint32_t worker, AttemptId attempt);
  void report_missing(std::uint32_t worker, AttemptId attempt);
  void tell(const master::TellOutputs& told);
  void end_reading(std::uint32_t worker, AttemptId attempt);
  Running* find(std::uint32_t worker, AttemptId attempt);
  void let_go(std::uint32_t worker, AttemptId attempt);
  void kill();
  /// Of the same attempt of the same task it is the same, whatever happens to others: runs of a
  /// seed with and without deaths differ by what the deaths cost.
  Duration time_of(const TaskId& task, std::uint32_t number) const;

  const FleetOptions options_;
  const Draws draws_;
  master::Scheduler scheduler_;
  master::Output output_;
  Instant now_{std::chrono::hours(1)};
  std::uint64_t order_ = 0;
  std::priority_queue<Planned> planned_;
  std::optional<Instant> tick_planned_;
  std::vector<Host> hosts_;
  std::unordered_map<std::uint64_t, std::uint32_t> host_of_;  // By WorkerId.
  std::uint64_t workers_named_ = 0;
  std::vector<Made> outputs_;  // By split, the newest that was granted.
  std::optional<master::JobEnded> end_;
  Instant last_commit_;
  FleetResult result_;
};

}  // namespace fanfold::sim
