// I17: what the scheduler remembers is bounded by the tasks of the jobs that have not ended, by the
// attempts that they had, by its workers, and by the ended jobs that it has to know; when all jobs
// are over only the last two are left.

#include <algorithm>

#include "sim/check/invariants.hpp"

namespace fanfold::sim {
namespace {

/// Of each: its own entry, its deadlines, its places in lists.
constexpr std::size_t kPerTask = 6;
constexpr std::size_t kPerAttempt = 6;
constexpr std::size_t kPerWorker = 5;
constexpr std::size_t kPerJob = 8;

class Memory final : public Checker {
 public:
  using Checker::Checker;

  void fact(const master::Fact& fact, std::uint64_t /*epoch*/) override {
    if (const auto* registered = std::get_if<master::WorkerRegistered>(&fact)) {
      workers_.insert(registered->worker);
    } else if (const auto* gone = std::get_if<master::WorkerGone>(&fact)) {
      workers_.erase(gone->worker);
    }
    look_ = true;
  }
  void master_says(std::uint32_t /*to*/, const proto::MasterMessage& message) override {
    const auto* assign = std::get_if<proto::Assign>(&message);
    if (assign != nullptr)
      attempts_[assign->assignment.task.job].insert(assign->assignment.attempt);
  }

  void step() override {
    if (!look_) return;
    look_ = false;
    std::size_t most = 0;
    const std::size_t slots = workers_.size() * scene().cluster->config().slots;
    for (const auto& [id, job] : facts().jobs) {
      most += kPerJob;
      // Those that were to stop when it could do without them may still have to die.
      if (job.ended && job.decided) most += 2 * attempts_[id].size();
      if (job.ended) continue;
      const std::size_t tasks = job.maps() + job.reduces() + 1;
      most += kPerTask * tasks;
      most += kPerAttempt * attempts_[id].size();
      // Several of each may have been given out with no way to tell their workers.
      const std::size_t replicas = job.submitted.replicas.replicas;
      if (replicas > 1) most += kPerAttempt * std::min(tasks * replicas, slots);
    }
    check(most);
  }

  void end() override { check(kPerJob * facts().jobs.size()); }

 private:
  void check(std::size_t most) {
    const MasterNode* master = scene().cluster->only_master();
    if (master == nullptr) return;
    most += kPerWorker * workers_.size();
    if (const std::size_t entries = master->entries(); entries > most) {
      violate("I17", "the scheduler remembers " + std::to_string(entries) + " things where " +
                         std::to_string(most) + " are enough");
    }
  }

  bool look_ = false;
  std::set<WorkerId> workers_;
  std::map<JobId, std::set<AttemptId>> attempts_;
};

}  // namespace

std::unique_ptr<Checker> check_memory(Scene& scene) { return std::make_unique<Memory>(scene); }

}  // namespace fanfold::sim
