// I29: of a task whose results are compared a result commits only when as many different workers as
// its job asks for have given the same, and what differs is put down to those who gave it.
// I30: what one worker computes wrongly is not committed, and nobody else is called a dissenter, as
// long as nothing else makes results differ.
// I31: a master gives a stage no more second attempts at slow tasks than its percentile leaves
// over, twice.
//
// Results are told apart by what workers report, not by the digest of the product, and second
// attempts are what is given out while another one runs, whatever the product calls them.

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <variant>

#include "common/io/dead_letter.hpp"
#include "sim/check/invariants.hpp"

namespace fanfold::sim {
namespace {

class Replicas final : public Checker {
 public:
  using Checker::Checker;

  void master_started(std::uint64_t /*epoch*/) override {
    // It knows of no result that it was not told.
    results_.clear();
    running_.clear();
  }

  void master_says(std::uint32_t to, const proto::MasterMessage& message) override {
    if (const auto* welcome = std::get_if<proto::Welcome>(&message)) {
      names_[to] = welcome->worker;
    } else if (const auto attempt = let_go_by(message)) {
      let_go(*attempt);
    } else if (const auto* assign = std::get_if<proto::Assign>(&message)) {
      begin(names_[to], assign->assignment);
    }
  }

  void worker_started(std::uint32_t process, std::uint32_t /*slots*/) override {
    ++lives_[process];
  }
  void attempt_started(std::uint32_t process, const proto::TaskAssignment& assignment) override {
    const bool corrupt = process == scene().cluster->config().corrupt && lives_[process] == 1;
    if (corrupt) corrupt_.insert(assignment.attempt);
  }

  void master_hears(std::uint32_t /*from*/, const proto::WorkerMessage& message) override {
    if (const auto* failed = std::get_if<proto::AttemptFailed>(&message)) let_go(failed->attempt);
    const auto* request = std::get_if<proto::CommitRequest>(&message);
    if (request == nullptr) return;
    const auto task = tasks_.find(request->attempt);
    if (task == tasks_.end()) return;
    Result result{request->worker, text_of(request->report)};
    results_[task->second].insert_or_assign(request->attempt, std::move(result));
  }

  void fact(const master::Fact& fact, std::uint64_t /*epoch*/) override {
    if (const auto* committed = std::get_if<master::AttemptCommitted>(&fact)) {
      check(*committed);
    } else if (const auto* dissent = std::get_if<master::DissentFound>(&fact)) {
      check(*dissent);
    } else if (const auto* lost = std::get_if<master::MapOutputInvalidated>(&fact)) {
      // It is voted on anew.
      results_.erase(lost->task);
    } else if (const auto* gone = std::get_if<master::WorkerGone>(&fact)) {
      // What it gave may be wrong, and nobody can ask it again.
      for (auto& [task, results] : results_) {
        std::erase_if(results,
                      [gone](const auto& one) { return one.second.worker == gone->worker; });
      }
      for (auto& [task, running] : running_) {
        std::erase_if(running, [gone](const auto& one) { return one.second == gone->worker; });
      }
    }
  }

 private:
  struct Result {
    WorkerId worker;
    std::string text;
  };

  static std::string text_of(const proto::AttemptReport& report) {
    std::string text = std::to_string(report.records_in) + " " +
                       std::to_string(report.records_out) + " " +
                       std::to_string(report.flow.records) + " " + std::to_string(report.flow.sum) +
                       " " + std::to_string(report.flow.exclusive_or);
    for (const io::PartInfo& file : report.files) {
      if (file.name == io::kDeadLettersName) continue;
      text += " " + file.name + " " + std::to_string(file.checksum);
    }
    return text;
  }

  void begin(WorkerId worker, const proto::TaskAssignment& assignment) {
    const proto::ReplicaPolicy& policy = assignment.spec.replicas;
    // Its worker was given up in the same turn, whose facts come before its messages.
    if (facts().gone.count(worker) > 0) return;
    // Once each; its tree is another checker's.
    if (assignment.task.stage == Stage::kGather) return;
    if (policy.votes()) tasks_[assignment.attempt] = assignment.task;
    // Sent again in the turn in which its failure was heard.
    if (policy.hedge_per_mille == 0 || over_.count(assignment.attempt) > 0) return;
    std::map<AttemptId, WorkerId>& running = running_[assignment.task];
    const bool fresh = running.emplace(assignment.attempt, worker).second;
    // Sent again, because it was lost; or nothing else of its task is there.
    if (!fresh || running.size() == 1) return;
    const ModelJob* job = facts().find(assignment.task.job);
    if (job == nullptr) return;
    const bool map = assignment.task.stage == Stage::kMap;
    const std::uint64_t most = share(policy, map ? job->maps() : job->reduces());
    const auto stage = std::tuple(epoch_of(assignment.attempt), assignment.task.job, map);
    std::set<AttemptId>& hedges = hedges_[stage];
    hedges.insert(assignment.attempt);
    if (hedges.size() <= most) return;
    violate("I31", fanfold::sim::text_of(assignment.task) + " is given hedge " +
                       std::to_string(hedges.size()) + " of its stage, of " + std::to_string(most));
  }

  void let_go(AttemptId attempt) {
    const auto task = tasks_.find(attempt);
    if (task != tasks_.end()) {
      // Whoever has agreed is let go in the turn of the commit, after the fact.
      const auto results = results_.find(task->second);
      if (results != results_.end()) results->second.erase(attempt);
    }
    for (auto& [id, running] : running_) running.erase(attempt);
    over_.insert(attempt);
  }

  static std::uint64_t share(const proto::ReplicaPolicy& policy, std::uint64_t tasks) {
    const std::uint64_t left_over = 1000 - policy.hedge_per_mille;
    return std::max<std::uint64_t>(1, (2 * left_over * tasks + 999) / 1000);
  }

  void check(const master::AttemptCommitted& fact) {
    running_.erase(fact.task);
    const ModelJob* job = facts().find(fact.task.job);
    if (job == nullptr || !job->submitted.replicas.votes()) return;
    if (fact.task.stage == Stage::kGather) return;
    const auto known = results_.find(fact.task);
    if (known == results_.end() || known->second.count(fact.attempt) == 0) {
      return violate("I29", fanfold::sim::text_of(fact.task) + " commits what nobody has given");
    }
    const std::string& counts = known->second.at(fact.attempt).text;
    std::set<WorkerId> voters;
    bool somebody_else = false;
    for (const auto& [attempt, result] : known->second) {
      if (result.text != counts) continue;
      voters.insert(result.worker);
      somebody_else = somebody_else || corrupt_.count(attempt) == 0;
    }
    if (voters.size() < job->submitted.replicas.votes_needed()) {
      violate("I29", fanfold::sim::text_of(fact.task) + " commits what " +
                         std::to_string(voters.size()) + " workers have given");
    }
    if (!somebody_else) {
      violate("I30", fanfold::sim::text_of(fact.task) + " commits what is wrong");
    }
    accepted_[fact.task] = counts;
  }

  void check(const master::DissentFound& fact) {
    const std::string what =
        fanfold::sim::text_of(fact.attempt) + " of " + fanfold::sim::text_of(fact.task);
    const auto known = results_.find(fact.task);
    if (known == results_.end() || known->second.count(fact.attempt) == 0) {
      return violate("I29", what + " is called a dissenter, and has given nothing");
    }
    const Result& result = known->second.at(fact.attempt);
    if (result.worker != fact.worker) {
      violate("I29", what + " is put down to another worker than gave it");
    }
    if (fact.decided && result.text == accepted_[fact.task]) {
      violate("I29", what + " is called a dissenter, and agrees");
    }
    if (fact.decided && corrupt_.count(fact.attempt) == 0 && !others_differ()) {
      violate("I30", what + " is called a dissenter, and is right");
    }
  }

  /// Results may differ without anybody computing wrongly.
  bool others_differ() {
    if (scene().cluster->config().nondeterministic != 0) return true;
    const auto& tape = scene().world.faults.tape();
    return std::any_of(tape.begin(), tape.end(), [](const Fault& fault) {
      return fault.kind == FaultKind::kSegmentMiscounted;
    });
  }

  std::map<AttemptId, TaskId> tasks_;  // Of replicas that are compared.
  std::map<std::uint32_t, WorkerId> names_;
  /// Of jobs with hedges: what this master gave out and has not heard the end of.
  std::map<TaskId, std::map<AttemptId, WorkerId>> running_;
  std::set<AttemptId> over_;
  std::map<std::tuple<std::uint64_t, JobId, bool>, std::set<AttemptId>> hedges_;  // By stage.
  std::map<TaskId, std::map<AttemptId, Result>> results_;
  std::map<TaskId, std::string> accepted_;  // The last one.
  std::map<std::uint32_t, std::uint32_t> lives_;
  std::set<AttemptId> corrupt_;  // That run where everything comes out wrong.
};

}  // namespace

std::unique_ptr<Checker> check_replicas(Scene& scene) { return std::make_unique<Replicas>(scene); }

}  // namespace fanfold::sim
