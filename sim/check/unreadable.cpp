// L4: a map output of which a reduce says that it cannot be read is given up by the master within
// 10 s, although the worker that keeps it is heard; and its map runs again within 10 s more (and
// the longest rest of a worker) once a slot is free.

#include <algorithm>
#include <map>
#include <utility>
#include <variant>

#include "sim/check/invariants.hpp"

namespace fanfold::sim {
namespace {

using namespace std::chrono_literals;

constexpr Duration kGivenUpWithin = 10s;
constexpr Duration kBegunWithin = 10s + 5s;

class Unreadable final : public Checker {
 public:
  using Checker::Checker;

  // Readers say it again to the next one.
  void master_started(std::uint64_t /*epoch*/) override { forget_all(); }
  void master_ended() override { forget_all(); }

  void master_says(std::uint32_t to, const proto::MasterMessage& message) override {
    if (const auto* assign = std::get_if<proto::Assign>(&message)) {
      const proto::TaskAssignment& assignment = assign->assignment;
      readers_[assignment.attempt] = to;
      waiting_.erase(assignment.task);
    } else if (const auto attempt = let_go_by(message)) {
      forget(*attempt);
    } else if (const auto* page = std::get_if<proto::ListPage>(&message)) {
      // The reader finds in it what it missed, or says it again.
      std::erase_if(named_, [&](const auto& one) {
        const auto& [reader, map] = one.first;
        return facts().commits.at(map).job == page->job && readers_.at(reader) == to;
      });
    }
  }

  void master_hears(std::uint32_t /*from*/, const proto::WorkerMessage& message) override {
    if (const auto* lost = std::get_if<proto::InputsWanted>(&message)) {
      if (readers_.count(lost->attempt) == 0) return;
      for (const AttemptId map : lost->lost) {
        if (is_committed(map)) named_.emplace(std::pair(lost->attempt, map), scene().world.now());
      }
    } else if (std::holds_alternative<proto::Heartbeat>(message) && !waiting_.empty()) {
      look_at_slots_ = true;
    }
  }

  void fact(const master::Fact& fact, std::uint64_t /*epoch*/) override {
    if (const auto* lost = std::get_if<master::MapOutputInvalidated>(&fact)) {
      std::erase_if(named_, [&](const auto& one) { return one.first.second == lost->attempt; });
      waiting_[lost->task] = scene().world.now();
    } else if (const auto* committed = std::get_if<master::AttemptCommitted>(&fact)) {
      waiting_.erase(committed->task);
    } else if (const auto* given_up = std::get_if<master::TaskGivenUp>(&fact)) {
      waiting_.erase(given_up->task);
    } else if (const auto* decided = std::get_if<master::CoverageDecided>(&fact)) {
      // What is not committed now is never made again.
      forget_job(decided->job);
    } else if (const auto* ended = std::get_if<master::JobEnded>(&fact)) {
      forget_job(ended->job);
    } else if (const auto* begun = std::get_if<master::JobCommitStarted>(&fact)) {
      forget_job(begun->job);
    } else if (std::holds_alternative<master::WorkerGone>(fact)) {
      // Its attempts are not readers any more; those that live say it again.
      named_.clear();
    }
  }

  void step() override {
    if (named_.empty() && waiting_.empty()) return;
    const Instant now = scene().world.now();
    if (!scene().cluster->master_acts()) {
      for (auto& [which, since] : named_) since = now;
      for (auto& [task, since] : waiting_) since = now;
      return;
    }
    for (const auto& [which, since] : named_) {
      if (now - since > kGivenUpWithin) {
        violate("L4", text_of(which.first) + " cannot read what " + text_of(which.second) +
                          " wrote, and the master keeps it");
      }
    }
    if (std::exchange(look_at_slots_, false)) check_waiting(now);
  }

 private:
  void check_waiting(Instant now) {
    const MasterNode* master = scene().cluster->only_master();
    bool free = false;
    std::size_t active = 0;
    if (master != nullptr) {
      const std::vector<proto::WorkerStatus> workers = master->workers();
      free = std::any_of(workers.begin(), workers.end(), [](const proto::WorkerStatus& worker) {
        return !worker.draining && worker.busy < worker.slots &&
               worker.standing == proto::WorkerStanding::kGood;
      });
      active = static_cast<std::size_t>(
          std::count_if(workers.begin(), workers.end(),
                        [](const proto::WorkerStatus& worker) { return !worker.draining; }));
    }
    for (auto& [task, since] : waiting_) {
      const ModelJob& job = *facts().find(task.job);
      // A slot of another host is none for what lies on this one.
      const bool elsewhere = !job.submitted.hosts.empty();
      const bool limited = job.control.paused || job.control.max_concurrency != 0;
      // Nothing is begun that could not be settled by those who are there.
      const proto::ReplicaPolicy& policy = job.submitted.replicas;
      const bool too_few = policy.votes() && active < policy.votes_needed();
      if (!free || elsewhere || limited || too_few) since = now;
      if (now - since > kBegunWithin) {
        violate("L4", text_of(task) + " must run again and does not, beside free slots");
      }
    }
  }

  bool is_committed(AttemptId attempt) const {
    const auto known = facts().commits.find(attempt);
    if (known == facts().commits.end() || known->second.stage != Stage::kMap) return false;
    const ModelTask* task = facts().find(known->second);
    const ModelJob* job = facts().find(known->second.job);
    return task->committed == attempt && !job->ended && !job->publishing;
  }
  void forget(AttemptId reader) {
    readers_.erase(reader);
    std::erase_if(named_, [reader](const auto& one) { return one.first.first == reader; });
  }
  void forget_job(JobId job) {
    std::erase_if(waiting_, [job](const auto& one) { return one.first.job == job; });
    std::erase_if(named_,
                  [&](const auto& one) { return facts().commits.at(one.first.second).job == job; });
  }
  void forget_all() {
    readers_.clear();
    named_.clear();
    waiting_.clear();
  }

  /// Attempts that this master gave out and has not taken back, and to which process.
  std::map<AttemptId, std::uint32_t> readers_;
  std::map<std::pair<AttemptId, AttemptId>, Instant> named_;  // Reader and map, since when.
  std::map<TaskId, Instant> waiting_;                         // Maps that are to run again.
  bool look_at_slots_ = false;
};

}  // namespace

std::unique_ptr<Checker> check_unreadable(Scene& scene) {
  return std::make_unique<Unreadable>(scene);
}

}  // namespace fanfold::sim
