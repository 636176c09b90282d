#include "tests/chaos/nemesis.hpp"

#include <signal.h>

#include <algorithm>

namespace fanfold::chaos {
namespace {

/// Workers that are left alone at any moment.
constexpr std::size_t kHealthyMin = 2;

}  // namespace

const char* name_of(Fault fault) {
  constexpr std::array<const char*, kFaults> kNames = {
      "kill_worker",    "kill_executor", "kill_master", "pause_worker",
      "pause_executor", "pause_master",  "slow_link",   "corrupt_link",
      "swallow_link",   "reset_link",    "cut_sockets", "fill_disk"};
  return kNames[static_cast<std::size_t>(fault)];
}

Nemesis::Nemesis(ChaosCluster& cluster, const NemesisOptions& options)
    : cluster_(cluster),
      options_(options),
      random_(options.seed),
      next_fault_(steady_clock().now() + duration_below(Duration(0), options.gap_max)),
      away_(cluster.worker_count() + 1) {}

Duration Nemesis::duration_below(Duration least, Duration most) {
  const auto range = static_cast<std::uint64_t>((most - least).count());
  return least + Duration(static_cast<std::int64_t>(below(range + 1)));
}

Instant Nemesis::next() const {
  Instant next = next_fault_;
  for (const Cure& cure : cures_) next = std::min(next, cure.due);
  return next;
}

void Nemesis::act(Instant now) {
  for (std::size_t i = 0; i < cures_.size();) {
    if (cures_[i].due > now) {
      ++i;
      continue;
    }
    const auto apply = std::move(cures_[i].apply);
    cures_.erase(cures_.begin() + static_cast<std::ptrdiff_t>(i));
    apply();
  }
  if (next_fault_ > now || options_.faults.empty()) return;
  next_fault_ = now + duration_below(Duration(0), options_.gap_max);
  const Fault fault = options_.faults[below(options_.faults.size())];
  if (inflicted_ == options_.faults_max || !inflict(now, fault)) return;
  ++counts_[static_cast<std::size_t>(fault)];
  ++inflicted_;
}

void Nemesis::relent() {
  for (const Cure& cure : cures_) cure.apply();
  cures_.clear();
}

std::size_t Nemesis::healthy_workers() const {
  return static_cast<std::size_t>(std::count(away_.begin(), away_.end() - 1, 0));
}

bool Nemesis::inflict(Instant now, Fault fault) {
  const std::size_t number = below(cluster_.worker_count());
  char* const worker_away = &away_[number];
  switch (fault) {
    case Fault::kKillWorker:
      return number >= options_.spared && healthy_workers() > kHealthyMin &&
             kill(now, cluster_.worker(number), worker_away);
    case Fault::kPauseWorker:
      return healthy_workers() > kHealthyMin &&
             pause(now, cluster_.worker(number).pid(), worker_away);
    case Fault::kKillExecutor:
      return hurt_executor(now, true);
    case Fault::kPauseExecutor:
      return hurt_executor(now, false);
    case Fault::kKillMaster:
      return kill(now, cluster_.master(), &away_.back());
    case Fault::kPauseMaster:
      return pause(now, cluster_.master().pid(), &away_.back());
    case Fault::kSlowLink:
      return treat(now, Treatment::kSlow);
    case Fault::kCorruptLink:
      return treat(now, Treatment::kCorrupt);
    case Fault::kSwallowLink:
      return treat(now, Treatment::kSwallow);
    case Fault::kResetLink:
      return reset_link();
    case Fault::kCutSockets:
      return cut();
    case Fault::kFillDisk:
      return fill_disk(now);
  }
  return false;
}

Relay* Nemesis::any_relay() {
  Links* const links = cluster_.links();
  return links == nullptr ? nullptr : links->all()[below(links->all().size())].get();
}

bool Nemesis::treat(Instant now, Treatment treatment) {
  Relay* const relay = any_relay();
  if (relay == nullptr || relay->treatment() != Treatment::kForward) return false;
  relay->treat(treatment);
  cures_.push_back({now + duration_below(options_.pause_min, options_.pause_max),
                    [relay] { relay->treat(Treatment::kForward); }});
  return true;
}

bool Nemesis::reset_link() {
  Relay* const relay = any_relay();
  if (relay == nullptr) return false;
  relay->reset();
  return true;
}

bool Nemesis::cut() {
  const Relay* const relay = below(2) == 0 ? nullptr : any_relay();
  const std::uint16_t port = port_of(relay == nullptr ? cluster_.address() : relay->address());
  return port != 0 && cut_sockets(port);
}

bool Nemesis::fill_disk(Instant now) {
  SmallDisk* const disk = cluster_.small_disk();
  if (disk == nullptr || now < next_filling_) return false;
  next_filling_ = now + options_.full_gap_min;
  disk->fill();
  cures_.push_back(
      {now + duration_below(options_.pause_min, options_.full_max), [disk] { disk->clear(); }});
  return true;
}

bool Nemesis::kill(Instant now, Daemon& daemon, char* away) {
  if (*away != 0 || !daemon.running()) return false;
  daemon.kill();
  *away = 1;
  cures_.push_back({now + duration_below(Duration(0), options_.restart_max), [&daemon, away] {
                      *away = 0;
                      daemon.start();
                    }});
  return true;
}

bool Nemesis::pause(Instant now, pid_t pid, char* away) {
  if (*away != 0 || pid <= 0 || ::kill(pid, SIGSTOP) != 0) return false;
  *away = 1;
  cures_.push_back({now + duration_below(options_.pause_min, options_.pause_max), [pid, away] {
                      *away = 0;
                      ::kill(pid, SIGCONT);
                    }});
  return true;
}

bool Nemesis::hurt_executor(Instant now, bool kill_it) {
  const std::vector<pid_t> executors = cluster_.executors(below(cluster_.worker_count()));
  if (executors.empty()) return false;
  const pid_t pid = executors[below(executors.size())];
  if (::kill(pid, kill_it ? SIGKILL : SIGSTOP) != 0) return false;
  if (!kill_it) {
    // It may be killed meanwhile; its parent reaps it, and to signal nobody is no harm.
    cures_.push_back({now + duration_below(options_.pause_min, options_.pause_max),
                      [pid] { ::kill(pid, SIGCONT); }});
  }
  return true;
}

}  // namespace fanfold::chaos
