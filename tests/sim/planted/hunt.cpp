#include "tests/sim/planted/hunt.hpp"

#include <array>

namespace fanfold {
namespace {

Bug planted_now = Bug::kNone;

// In the order of Bug.
constexpr std::array<const char*, kBugs> kNames = {"none",
                                                   "accept_stale_fence",
                                                   "commit_without_attempt",
                                                   "failure_clears_commit",
                                                   "loss_clears_commit",
                                                   "keep_outputs_of_the_lost",
                                                   "loss_restarts_reduces",
                                                   "answer_before_durable",
                                                   "replay_twice",
                                                   "replay_forgets_invalidation",
                                                   "keep_old_holder",
                                                   "compare_no_digests",
                                                   "loss_charges_task",
                                                   "retry_denied",
                                                   "back_up_on_same_worker",
                                                   "leak_slot_on_cancel",
                                                   "succeed_before_publishing",
                                                   "run_ended_jobs_again",
                                                   "cancel_while_publishing",
                                                   "no_epoch_check",
                                                   "truncate_at_damage",
                                                   "cancel_waits_for_tasks",
                                                   "oldest_job_first",
                                                   "keep_outputs_of_ended_jobs",
                                                   "keep_unreadable",
                                                   "wait_for_the_rest",
                                                   "replay_forgets_coverage",
                                                   "call_partial_success",
                                                   "go_on_behind_record",
                                                   "ignore_control",
                                                   "count_failures_again",
                                                   "keep_old_tolerance",
                                                   "publish_ungathered",
                                                   "accept_first_vote",
                                                   "count_votes_twice",
                                                   "voters_keep_slots",
                                                   "replicas_on_one_worker",
                                                   "hedge_everything",
                                                   "feed_twice",
                                                   "feed_answers_before_fact",
                                                   "read_elsewhere",
                                                   "prefer_nobody",
                                                   "wait_for_ever",
                                                   "forget_state"};

}  // namespace

Bug planted_bug() { return planted_now; }

namespace sim {

void plant(Bug bug) { planted_now = bug; }

std::string name_of(Bug bug) { return kNames.at(static_cast<std::size_t>(bug)); }

std::optional<Found> hunt(std::uint64_t first, std::uint64_t most) {
  for (std::uint64_t tried = 1; tried <= most; ++tried) {
    Scenario scenario;
    scenario.config = config_of(first + tried - 1);
    RunResult result = run_scenario(scenario);
    if (result.violation) return Found{tried, scenario.config.seed, *std::move(result.violation)};
  }
  return std::nullopt;
}

}  // namespace sim
}  // namespace fanfold
