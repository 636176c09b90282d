// I36: a map that prefers hosts is given to others only when it has waited as long as it may, or
// nobody on these hosts can be given anything; and beside a free slot it does not wait longer.
//
// Only maps that were never given out wait.  Whether a worker rests or is excluded the checker does
// not know: it goes by those that never did anything wrong.

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <variant>

#include "sim/check/invariants.hpp"
#include "sim/cluster/jobs.hpp"

namespace fanfold::sim {
namespace {

using namespace std::chrono_literals;

/// For turns of the master and messages that are lost.
constexpr Duration kBegunWithin = 10s;

class Locality final : public Checker {
 public:
  using Checker::Checker;

  void master_started(std::uint64_t /*epoch*/) override {
    started_ = scene().world.now();
    good_.clear();
    accused_ = false;
    given_.clear();
    accepted_.clear();
    waiting_since_.clear();
  }

  void fact(const master::Fact& fact, std::uint64_t /*epoch*/) override {
    if (const auto* gone = std::get_if<master::WorkerGone>(&fact)) {
      good_.erase(gone->worker);
    } else if (const auto* accepted = std::get_if<master::JobAccepted>(&fact)) {
      if (!accepted->job.preferred.empty()) accepted_[accepted->job.job] = scene().world.now();
    } else if (const auto* ended = std::get_if<master::JobEnded>(&fact)) {
      accepted_.erase(ended->job);
    } else if (const auto* decided = std::get_if<master::CoverageDecided>(&fact)) {
      accepted_.erase(decided->job);
    }
  }

  void master_hears(std::uint32_t /*from*/, const proto::WorkerMessage& message) override {
    if (const auto* bye = std::get_if<proto::Bye>(&message)) {
      distrust(bye->worker);
    } else if (const auto* failed = std::get_if<proto::AttemptFailed>(&message)) {
      if (is_fault_of_worker(failed->failure.kind)) distrust(failed->worker);
      accused_ = accused_ || !failed->failure.lost_outputs.empty();
    } else if (std::holds_alternative<proto::InputsWanted>(message)) {
      accused_ = true;
    } else if (std::holds_alternative<proto::Heartbeat>(message)) {
      look_at_slots_ = !accepted_.empty();
    }
  }

  void master_says(std::uint32_t to, const proto::MasterMessage& message) override {
    if (const auto* welcome = std::get_if<proto::Welcome>(&message)) {
      // It may have been given up in the same turn, whose facts come before its messages.
      const bool there = facts().gone.count(welcome->worker) == 0;
      if (there && distrusted_.count(welcome->worker) == 0) {
        good_.try_emplace(welcome->worker, Place{to, scene().world.now()});
      }
    } else if (const auto* assign = std::get_if<proto::Assign>(&message)) {
      const proto::TaskAssignment& assignment = assign->assignment;
      if (assignment.task.stage != Stage::kMap) return;
      const bool fresh = given_[assignment.task.job].insert(assignment.task.index).second;
      if (fresh && assignment.attempt_number == 1) check_place(to, assignment.task);
    }
  }

  void step() override {
    if (!std::exchange(look_at_slots_, false)) return;
    const MasterNode* master = scene().cluster->only_master();
    const Instant now = scene().world.now();
    const bool free = master != nullptr && scene().cluster->master_acts() && has_room(*master);
    for (const auto& [job, since] : accepted_) {
      Instant& waiting = waiting_since_.try_emplace(job, now).first->second;
      if (!free || !may_begin(job)) waiting = now;
      const std::uint64_t wait_ms = facts().find(job)->submitted.locality_wait_ms;
      if (now - waiting <= kBegunWithin + std::chrono::milliseconds(wait_ms * 10 / 9)) continue;
      violate("I36", "maps of " + text_of(job) + " still wait, beside free slots");
    }
  }

 private:
  struct Place {
    std::uint32_t process = 0;
    Instant since;
  };

  void distrust(WorkerId worker) {
    good_.erase(worker);
    distrusted_.insert(worker);
  }

  static bool is_fault_of_worker(proto::FailureKind kind) {
    using proto::FailureKind;
    return kind == FailureKind::kNoSpace || kind == FailureKind::kIo ||
           kind == FailureKind::kSpawn || kind == FailureKind::kDrained;
  }

  bool has_room(const MasterNode& master) const {
    const std::vector<proto::WorkerStatus> workers = master.workers();
    return std::any_of(workers.begin(), workers.end(), [this](const proto::WorkerStatus& worker) {
      return good_.count(worker.worker) > 0 && !worker.draining && worker.busy < worker.slots &&
             worker.standing == proto::WorkerStanding::kGood;
    });
  }

  /// Some of its maps were never given out, and nothing but the wait holds them up.
  bool may_begin(JobId id) {
    const ModelJob& job = *facts().find(id);
    if (job.publishing || job.control.paused || job.control.max_concurrency != 0) return false;
    if (job.submitted.sample || job.submitted.replicas.votes()) return false;
    return given_[id].size() + job.given_up.size() < job.maps();
  }

  /// Where the map had better run; empty: anywhere.
  static std::vector<std::string> hosts_of(const ModelJob& job, std::uint32_t map) {
    std::uint32_t end = 0;
    for (const master::PreferredSplits& one : job.submitted.preferred) {
      end += one.count;
      if (map >= end) continue;
      if (one.hosts == master::PreferredSplits::kAnywhere) return {};
      return job.submitted.preferred_hosts.at(one.hosts);
    }
    return {};
  }

  void check_place(std::uint32_t process, const TaskId& task) {
    const ModelJob* job = facts().find(task.job);
    if (job == nullptr || accused_ || job->submitted.replicas.votes()) return;
    const std::vector<std::string> hosts = hosts_of(*job, task.index);
    const Config& config = scene().cluster->config();
    const auto is_near = [&](std::uint32_t one) {
      return std::find(hosts.begin(), hosts.end(), host_of_worker(config, one)) != hosts.end();
    };
    if (hosts.empty() || is_near(process)) return;
    const auto accepted = accepted_.find(task.job);
    const Instant since = accepted == accepted_.end() ? started_ : accepted->second;
    // By the clock of a master that may be as fast as any.
    const auto wait = std::chrono::milliseconds(job->submitted.locality_wait_ms * 10 / 11);
    if (scene().world.now() - since >= wait) return;
    for (const auto& [worker, place] : good_) {
      // Who came in the same turn may have come when that was decided.
      if (!is_near(place.process) || place.since == scene().world.now()) continue;
      violate("I36", text_of(task) + " is given to a worker on " + host_of_worker(config, process) +
                         " before its time, and worker " + std::to_string(worker.value) + " on " +
                         host_of_worker(config, place.process) + " is there");
    }
  }

  Instant started_;                    // The newest master.
  std::map<JobId, Instant> accepted_;  // By it, of those with preferences.
  std::map<WorkerId, Place> good_;     // There, as far as anybody can tell.
  std::set<WorkerId> distrusted_;      // Have failed or left; by any master.
  bool accused_ = false;               // Some of the others, of losing outputs.
  std::map<JobId, std::set<std::uint32_t>> given_;
  std::map<JobId, Instant> waiting_since_;
  bool look_at_slots_ = false;
};

}  // namespace

std::unique_ptr<Checker> check_locality(Scene& scene) { return std::make_unique<Locality>(scene); }

}  // namespace fanfold::sim
