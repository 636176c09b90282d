// What hurts the cluster: at random moments one random fault, and its cure some time later.
//
// All choices come from one seed, so a run can be repeated; how the cluster answers depends on the
// machine.  Never takes so much at once that nothing is left to do the work.

#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "tests/chaos/cluster.hpp"

namespace fanfold::chaos {

enum class Fault : std::uint8_t {
  kKillWorker,
  kKillExecutor,
  kKillMaster,
  kPauseWorker,  // Some time within pause_max, then it goes on as if nothing had been.
  kPauseExecutor,
  kPauseMaster,
  // With relays, one of them:
  kSlowLink,
  kCorruptLink,
  kSwallowLink,  // What is sent vanishes, and no end sees an error; then the connection is reset.
  kResetLink,
  kCutSockets,  // TCP, and the right to: the kernel destroys the connections of master or relay.
  kFillDisk,    // With a small disk: no worker can write.
};
inline constexpr std::size_t kFaults = 12;

const char* name_of(Fault fault);

struct NemesisOptions {
  std::uint64_t seed = 1;
  std::vector<Fault> faults = {Fault::kKillWorker, Fault::kKillExecutor, Fault::kPauseWorker,
                               Fault::kPauseExecutor};
  /// The next fault comes after a time up to this.
  Duration gap_max = std::chrono::milliseconds(500);
  /// After so many it lets things be: a cluster that is hurt without an end need not get on.
  std::uint64_t faults_max = std::numeric_limits<std::uint64_t>::max();
  Duration pause_min = std::chrono::milliseconds(100);
  Duration pause_max = std::chrono::milliseconds(4000);
  /// The first workers of the cluster are never killed: their memory is looked at over time.
  std::size_t spared = 0;
  /// Sooner than tasks give up: a disk that stays full fails jobs.
  Duration full_max = std::chrono::milliseconds(1500);
  /// From one filling to the next, at least: a task gives up at the eighth time that it meets a
  /// full disk, and meets one filling several times.
  Duration full_gap_min = std::chrono::seconds(20);
  /// A killed process is started again after a time up to this.
  Duration restart_max = std::chrono::milliseconds(1000);
};

class Nemesis {
 public:
  Nemesis(ChaosCluster& cluster, const NemesisOptions& options);

  /// Does what is due.
  void act(Instant now);
  /// When act() has something to do again.
  Instant next() const;
  /// Cures everything that it did.
  void relent();

  std::uint64_t count(Fault fault) const { return counts_[static_cast<std::size_t>(fault)]; }

 private:
  struct Cure {
    Instant due;
    std::function<void()> apply;
  };

  std::uint64_t below(std::uint64_t bound) { return bound == 0 ? 0 : random_() % bound; }
  Duration duration_below(Duration least, Duration most);
  /// False: there is nothing to do it to at the moment.
  bool inflict(Instant now, Fault fault);
  bool kill(Instant now, Daemon& daemon, char* away);
  bool pause(Instant now, pid_t pid, char* away);
  bool hurt_executor(Instant now, bool kill_it);
  bool treat(Instant now, Treatment treatment);
  bool reset_link();
  bool cut();
  bool fill_disk(Instant now);
  Relay* any_relay();
  std::size_t healthy_workers() const;

  ChaosCluster& cluster_;
  const NemesisOptions options_;
  std::mt19937_64 random_;
  Instant next_fault_;
  std::vector<Cure> cures_;
  /// Killed or paused now: the workers, and last the master.
  std::vector<char> away_;
  Instant next_filling_;
  std::array<std::uint64_t, kFaults> counts_{};
  std::uint64_t inflicted_ = 0;
};

}  // namespace fanfold::chaos
