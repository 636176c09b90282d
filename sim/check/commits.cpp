// I1: of each task one attempt commits; a map may commit again only after its output was lost.
// I12: a task fails at most as often as its job allows, and is then never run again.  Of several
// replicas the others may still settle it, and fail as well (attempts.cpp).
// L3: nothing is invalidated that nobody needs.
// I20: a reduce commits only when every map has, if only once: an output that is lost after a
// reduce has read it is no loss to that reduce.

#include <variant>

#include "sim/check/invariants.hpp"

namespace fanfold::sim {
namespace {

class Commits final : public Checker {
 public:
  using Checker::Checker;

  void fact(const master::Fact& fact, std::uint64_t /*epoch*/) override {
    if (const auto* committed = std::get_if<master::AttemptCommitted>(&fact)) check(*committed);
    if (const auto* lost = std::get_if<master::MapOutputInvalidated>(&fact)) check(*lost);
    if (const auto* failure = std::get_if<master::TaskFailureCounted>(&fact)) check(*failure);
  }

 private:
  void check(const master::AttemptCommitted& fact) {
    const ModelJob* job = facts().find(fact.task.job);
    if (job == nullptr) return violate("I1", text_of(fact.task) + " of an unknown job committed");
    if (job->ended) violate("I1", text_of(fact.task) + " committed after its job had ended");
    const ModelTask* task = facts().find(fact.task);
    if (task != nullptr && task->committed != AttemptId{}) {
      violate("I1", text_of(fact.task) + " committed twice: " + text_of(task->committed) + " and " +
                        text_of(fact.attempt));
    }
    if (facts().commits.count(fact.attempt) > 0) {
      violate("I1", text_of(fact.attempt) + " committed twice");
    }
    const bool all_read = job->decided || job->maps_ever() == job->maps();
    if (fact.task.stage == Stage::kReduce && !all_read) {
      violate("I20", text_of(fact.task) + " committed before all maps had");
    }
  }

  void check(const master::MapOutputInvalidated& fact) {
    const ModelTask* task = facts().find(fact.task);
    if (fact.task.stage != Stage::kMap) {
      violate("I1", text_of(fact.task) + " is no map and was invalidated");
    }
    const ModelJob* job = facts().find(fact.task.job);
    if (job == nullptr || job->publishing || job->ended) {
      violate("L3", text_of(fact.task) + " was invalidated, and nobody needs it any more");
    }
    if (task == nullptr || task->committed != fact.attempt) {
      violate("I1", "what was invalidated of " + text_of(fact.task) + " was not committed");
    }
  }

  void check(const master::TaskFailureCounted& fact) {
    const ModelJob* job = facts().find(fact.task.job);
    const ModelTask* task = facts().find(fact.task);
    const std::uint32_t before = task != nullptr ? task->failures : 0;
    if (job == nullptr || job->ended) {
      violate("I12", text_of(fact.task) + " failed after its job had ended");
    } else if (before + 1 > job->submitted.attempts_max && !job->submitted.replicas.replicated()) {
      violate("I12", text_of(fact.task) + " failed more often than it may");
    }
  }
};

}  // namespace

std::unique_ptr<Checker> check_commits(Scene& scene) { return std::make_unique<Commits>(scene); }

}  // namespace fanfold::sim
