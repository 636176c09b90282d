// I28: a commit of a map counts the failures of its split, no more and no less.  A job goes on with
// what it has because of them exactly when there are more than it tolerates now, and does so in the
// turn in which there are, unless all its maps are committed by then.

#include <set>
#include <utility>
#include <variant>

#include "common/proto/failures.hpp"
#include "sim/check/invariants.hpp"
#include "sim/check/plans.hpp"

namespace fanfold::sim {
namespace {

/// So many that the sum of all splits cannot overflow.
__extension__ using Sum = unsigned __int128;

class Tolerance final : public PlanChecker {
 public:
  using PlanChecker::PlanChecker;

  void fact(const master::Fact& fact, std::uint64_t /*epoch*/) override {
    if (const auto* committed = std::get_if<master::AttemptCommitted>(&fact)) {
      if (committed->task.stage == Stage::kMap) check(*committed);
    } else if (const auto* controlled = std::get_if<master::JobControlled>(&fact)) {
      changed_.insert(controlled->job);
    } else if (const auto* decided = std::get_if<master::CoverageDecided>(&fact)) {
      const ModelJob* job = facts().find(decided->job);
      if (job == nullptr || too_many_failed(*job)) return;
      if (decided->reason != proto::CompletionReason::kFailureToleranceExceeded) return;
      violate("I28", text_of(decided->job) + " goes on without all its maps because of failures" +
                         " that it tolerates");
    }
  }

  void step() override {
    for (const JobId id : std::exchange(changed_, {})) {
      const ModelJob* job = facts().find(id);
      if (job == nullptr || job->decided || job->ended || job->publishing) continue;
      if (!job->may_be_partial() || job->committed(Stage::kMap) == job->maps()) continue;
      if (job->committed(Stage::kMap) == 0) continue;
      if (too_many_failed(*job)) {
        violate("I28", text_of(id) + " has more failures than it tolerates, and goes on mapping");
      }
    }
  }

 private:
  void check(const master::AttemptCommitted& fact) {
    changed_.insert(fact.task.job);
    const JobPlan* plan = plan_of(fact.task.job);
    if (plan == nullptr) return;
    const std::uint64_t expected = failures_in(*plan, fact.task.index);
    if (fact.failures == expected) return;
    violate("I28", text_of(fact.task) + " counts " + std::to_string(fact.failures) +
                       " failures, of " + std::to_string(expected));
  }

  std::uint64_t failures_in(const JobPlan& plan, std::uint32_t split) {
    std::uint64_t count = 0;
    for (const auto& [number, failures] : plan.failing) {
      if (split_of(plan, number) != split) continue;
      if (failures >= static_cast<std::uint64_t>(proto::kNeverTolerated)) return proto::kAnyNumber;
      count += failures;
    }
    return count;
  }

  static bool too_many_failed(const ModelJob& job) {
    Sum failures = 0;
    for (const auto& [id, task] : job.tasks) {
      if (id.stage != Stage::kMap || job.given_up.count(id.index) > 0) continue;
      if (task.item_failures == proto::kAnyNumber) return true;
      failures += task.item_failures;
    }
    const proto::JobControl& control = job.control;
    if (failures > control.failures_max) return true;
    if (control.failures_per_million == proto::kWhole) return false;
    return failures * proto::kWhole > Sum{job.submitted.items} * control.failures_per_million;
  }

  std::set<JobId> changed_;  // In this step.
};

}  // namespace

std::unique_ptr<Checker> check_tolerance(Scene& scene) {
  return std::make_unique<Tolerance>(scene);
}

}  // namespace fanfold::sim
