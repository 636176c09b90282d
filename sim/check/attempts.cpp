// I12: what counts as a failure of the task was reported as one that the task must pay for, and a
// task that met too many ends its job, or is given up, once no replica of it is left to settle it.
// I13: two attempts of a task at most, or as many as it has replicas, on different workers, and
// none of a task that is committed. I21: nothing is given out once its job has ended. L2: no task
// has more attempts than its failures, those of the infrastructure, and backups explain. L5: what
// is committed is not run again, whoever is master, but to be compared.

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <variant>

#include "common/core/limits.hpp"
#include "master/scheduler/policy.hpp"
#include "sim/check/invariants.hpp"

namespace fanfold::sim {
namespace {

class Attempts final : public Checker {
 public:
  using Checker::Checker;

  void master_started(std::uint64_t epoch) override {
    names_.clear();
    live_.clear();
    first_epoch_ = std::min(first_epoch_, epoch);
    newest_epoch_ = epoch;
  }

  void worker_ended(std::uint32_t process) override {
    // What it ran is dead, and nobody can be told any more that it was taken back.
    for (auto& [task, live] : live_) {
      std::erase_if(live, [&](const auto& one) { return one.second == names_[process]; });
    }
    if (names_[process] != WorkerId{}) dead_.insert(names_[process]);
  }

  void master_hears(std::uint32_t /*from*/, const proto::WorkerMessage& message) override {
    if (const auto* failed = std::get_if<proto::AttemptFailed>(&message)) {
      reported_[failed->attempt] = failed->failure.kind;
      forget(failed->attempt);
    }
  }

  void master_says(std::uint32_t to, const proto::MasterMessage& message) override {
    if (const auto* welcome = std::get_if<proto::Welcome>(&message)) {
      names_[to] = welcome->worker;
    } else if (const auto attempt = let_go_by(message)) {
      forget(*attempt);
    } else if (const auto* assign = std::get_if<proto::Assign>(&message)) {
      begin(to, assign->assignment);
    }
  }

  void step() override {
    std::erase_if(dead_, [this](WorkerId worker) { return facts().gone.count(worker) > 0; });
    for (const TaskId& id : std::exchange(spent_, {})) {
      // What may settle it may have been given to somebody who is dead, and nobody knows.
      if (!dead_.empty()) break;
      const ModelJob* job = facts().find(id.job);
      if (job->ended || !live_[id].empty() ||
          (id.stage == Stage::kMap && !is_run(*job, id.index))) {
        continue;
      }
      violate("I12", text_of(id) + " has failed as often as it may, and its job goes on");
    }
    for (const AttemptId attempt : std::exchange(given_, {})) {
      const TaskId& id = tasks_.at(attempt);
      const ModelTask* task = facts().find(id);
      const ModelJob* job = facts().find(id.job);
      // Told again, and committed later in the same turn.
      if (task != nullptr && task->committed == attempt) continue;
      const bool again = task != nullptr && task->committed != AttemptId{};
      if (again && !is_comparison(id, *task, live_[id][attempt])) {
        violate("L5", text_of(id) + " is committed, and runs again");
      }
      if (job == nullptr || job->ended) {
        violate("I21", text_of(id) + " was given out after its job had ended");
      }
    }
  }

  void fact(const master::Fact& fact, std::uint64_t /*epoch*/) override {
    if (const auto* committed = std::get_if<master::AttemptCommitted>(&fact)) {
      // Its twin is cancelled in the same turn, even when there is no way to tell it.
      live_.erase(committed->task);
    } else if (const auto* failure = std::get_if<master::TaskFailureCounted>(&fact)) {
      check(*failure);
    }
  }

 private:
  void check(const master::TaskFailureCounted& fact) {
    if (!proto::charged_to_task(fact.kind)) {
      violate("I12", text_of(fact.task) + " pays for '" + proto::name_of(fact.kind) +
                         "', which is not its fault");
    }
    const auto reported = reported_.find(fact.attempt);
    if (reported == reported_.end() || reported->second != fact.kind) {
      violate("I12", text_of(fact.attempt) + " counts as failed, and nobody reported that");
    }
    const ModelTask* task = facts().find(fact.task);
    if (task != nullptr && task->committed != AttemptId{}) {
      violate("I12", text_of(fact.task) + " is committed, and counts a failure");
    }
    const ModelJob* job = facts().find(fact.task.job);
    const std::uint32_t failures = 1 + (task != nullptr ? task->failures : 0);
    // Another master does not tell what its workers brought along.
    if (job == nullptr || newest_epoch_ != first_epoch_) return;
    if (failures >= job->submitted.attempts_max) spent_.insert(fact.task);
  }

  static bool is_run(const ModelJob& job, std::uint32_t map) {
    return job.covers(map) && job.given_up.count(map) == 0;
  }

  /// A map that was chosen for it, on a worker that does not hold what the first run wrote.
  bool is_comparison(const TaskId& id, const ModelTask& task, WorkerId worker) const {
    const ModelJob* job = facts().find(id.job);
    return job != nullptr && id.stage == Stage::kMap && worker != task.holder &&
           master::scheduling::is_audited(id.job, id.index, job->submitted.verify_per_million);
  }

  void begin(std::uint32_t to, const proto::TaskAssignment& assignment) {
    // Told again or decided before the commit of the same turn: a cancellation follows at once.
    given_.insert(assignment.attempt);
    const WorkerId worker = names_[to];
    std::map<AttemptId, WorkerId>& live = live_[assignment.task];
    for (const auto& [attempt, where] : live) {
      if (attempt != assignment.attempt && where == worker) {
        violate("I13", text_of(assignment.task) + " has two attempts on one worker");
      }
    }
    live[assignment.attempt] = worker;
    std::erase_if(live, [this](const auto& one) { return facts().gone.count(one.second) > 0; });
    const std::size_t most = std::max<std::size_t>(2, assignment.spec.replicas.replicas);
    if (live.size() > most) {
      violate("I13",
              text_of(assignment.task) + " has " + std::to_string(live.size()) + " attempts");
    }
    if (!tasks_.emplace(assignment.attempt, assignment.task).second) return;
    std::uint32_t& attempts = attempts_[assignment.task];
    if (++attempts > kAttemptsMost * assignment.spec.replicas.replicas) {
      violate("L2", text_of(assignment.task) + " had " + std::to_string(attempts) + " attempts");
    }
  }

  void forget(AttemptId attempt) {
    given_.erase(attempt);
    const auto task = tasks_.find(attempt);
    if (task != tasks_.end()) live_[task->second].erase(attempt);
  }

  /// Each of them may have had a backup, and a master may have forgotten all of them.
  static constexpr std::uint32_t kAttemptsMost =
      4 * (limits::kAttemptsPerTaskMost + limits::kInfrastructureFailuresPerTask);

  std::map<TaskId, std::uint32_t> attempts_;
  std::map<std::uint32_t, WorkerId> names_;
  std::map<TaskId, std::map<AttemptId, WorkerId>> live_;
  std::map<AttemptId, TaskId> tasks_;
  std::map<AttemptId, proto::FailureKind> reported_;
  std::set<WorkerId> dead_;  // Workers that no master has given up yet.
  std::set<TaskId> spent_;   // Failed in this step, as often as they may or more.
  std::uint64_t first_epoch_ = ~std::uint64_t{0};
  std::uint64_t newest_epoch_ = 0;
  std::set<AttemptId> given_;  // In this step, and not taken back in it.
};

}  // namespace

std::unique_ptr<Checker> check_attempts(Scene& scene) { return std::make_unique<Attempts>(scene); }

}  // namespace fanfold::sim
