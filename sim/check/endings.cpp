// L1: a job that was healed ends, and ends well unless its tasks failed as often as they may, its
// infrastructure gave up within the bounds, its disk refused the output, or somebody cancelled it.
// L7: a worker that was told to leave has left.

#include <algorithm>

#include "common/core/limits.hpp"
#include "sim/check/invariants.hpp"

namespace fanfold::sim {
namespace {

class Endings final : public Checker {
 public:
  using Checker::Checker;

  void end() override {
    for (const auto& worker : scene().cluster->workers()) {
      if (worker->leaving()) violate("L7", worker->name() + " was told to leave, and is there");
    }
    for (const auto& client : scene().cluster->clients()) {
      if (!client->end()) continue;
      const proto::JobStatus& status = *client->end();
      if (status.state == proto::JobState::kCancelled && !client->cancel_asked()) {
        violate("L1", text_of(status.job) + " is cancelled, and nobody asked for it");
      }
      if (status.state == proto::JobState::kFailed) check_failure(status);
    }
  }

 private:
  void check_failure(const proto::JobStatus& status) {
    const ModelJob* job = facts().find(status.job);
    if (job == nullptr || !job->ended) return;
    if (job->publishing) return check_publishing(status);
    // A broken mapper is found out, not published.
    if (job->nondeterministic && scene().cluster->config().nondeterministic != 0) return;
    if (job->no_majority && may_differ()) return;
    // A reduce that left something out, or counted it twice, was found out as well.
    if (status.reason.starts_with("CONSERVATION") && miscounted()) return;
    if (job->submitted.deadline_unix_us != 0 &&
        job->ended->completion == proto::CompletionReason::kDeadlineExceeded) {
      return;
    }
    if (too_many_bad_records(status)) return;
    // Without a fault every host has its workers.
    const bool waited = status.reason.find(" for a worker on host ") != std::string::npos;
    if (waited && !scene().world.faults.tape().empty()) return;
    const ModelTask* task = facts().find(job->ended->failed_task);
    const std::uint32_t failures = task != nullptr ? task->failures : 0;
    if (failures >= job->submitted.attempts_max) return;
    // One kind of failure may have used up what its retrier allows.
    if (failures > 0 && !job->submitted.retry.empty()) return;
    if (status.reason.find(" met ") != std::string::npos && status.lost_attempts >= kLostMin) {
      return;
    }
    violate("L1", text_of(status.job) + " failed without a reason that counts: " + status.reason);
  }

  /// It has more than it may, if all its maps are counted.
  bool too_many_bad_records(const proto::JobStatus& status) {
    const ModelJob* job = facts().find(status.job);
    if (job->ended->completion != proto::CompletionReason::kFailureToleranceExceeded) return false;
    for (const auto& client : scene().cluster->clients()) {
      const JobPlan& plan = client->plan();
      if (plan.spec.job_name != status.job_name) continue;
      const proto::BadRecordPolicy& policy = plan.spec.bad_records;
      const std::uint64_t bad = plan.poison.size();
      return (policy.records_max != 0 && bad > policy.records_max) ||
             (policy.per_million != 0 && bad > 0);
    }
    return false;
  }

  /// Replicas may give different things: one of two, or two of three, is wrong.
  bool may_differ() {
    const Config& config = scene().cluster->config();
    const bool must_agree = config.accept == static_cast<std::uint64_t>(proto::AcceptRule::kAll);
    return config.nondeterministic != 0 || miscounted() || (must_agree && config.corrupt != 0);
  }

  bool miscounted() {
    const auto& tape = scene().world.faults.tape();
    return std::any_of(tape.begin(), tape.end(), [](const Fault& fault) {
      return fault.kind == FaultKind::kSegmentMiscounted;
    });
  }

  void check_publishing(const proto::JobStatus& status) {
    // Whatever broke the disk or the master; an output that was in the way is nobody's but ours.
    if (scene().world.faults.tape().empty()) {
      violate("L1", text_of(status.job) + " could not publish: " + status.reason);
    }
  }

  static constexpr std::uint32_t kLostMin = limits::kStorageFailuresPerTask;
};

}  // namespace

std::unique_ptr<Checker> check_endings(Scene& scene) { return std::make_unique<Endings>(scene); }

}  // namespace fanfold::sim
