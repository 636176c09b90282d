// L6: a job whose cancellation the master has heard in time is over within the grace that attempts
// have and two seconds more, unless its publication had begun; and an attempt that is to stop is
// dead after the same time.  Time in which the process that has to act is paused does not count.

#include <map>
#include <variant>

#include "common/core/limits.hpp"
#include "sim/check/invariants.hpp"

namespace fanfold::sim {
namespace {

constexpr Duration kBound = limits::kKillGrace + std::chrono::seconds(2);

class Cancelling final : public Checker {
 public:
  using Checker::Checker;

  void client_says(const proto::ClientMessage& message) override {
    const auto* cancel = std::get_if<proto::CancelJob>(&message);
    if (cancel == nullptr) return;
    const ModelJob* job = facts().find(cancel->job);
    if (job == nullptr || job->ended || job->publishing) return;
    asked_.emplace(cancel->job, scene().world.now());
  }

  void fact(const master::Fact& fact, std::uint64_t /*epoch*/) override {
    if (const auto* ended = std::get_if<master::JobEnded>(&fact)) asked_.erase(ended->job);
    if (const auto* begun = std::get_if<master::JobCommitStarted>(&fact)) asked_.erase(begun->job);
  }
  // Whoever was not answered asks the next one.
  void master_started(std::uint64_t /*epoch*/) override { asked_.clear(); }
  void master_ended() override { asked_.clear(); }

  void attempt_started(std::uint32_t process, const proto::TaskAssignment& assignment) override {
    running_[assignment.attempt] = process;
  }
  void attempt_ended(std::uint32_t /*process*/, AttemptId attempt, bool /*good*/) override {
    running_.erase(attempt);
    stopping_.erase(attempt);
  }
  void worker_ended(std::uint32_t process) override {
    for (auto one = running_.begin(); one != running_.end();) {
      if (one->second == process) stopping_.erase(one->first);
      one = one->second == process ? running_.erase(one) : std::next(one);
    }
  }
  void worker_hears(std::uint32_t /*process*/, const proto::MasterMessage& message) override {
    const auto* cancel = std::get_if<proto::CancelAttempt>(&message);
    if (cancel == nullptr || running_.count(cancel->attempt) == 0) return;
    stopping_.emplace(cancel->attempt, scene().world.now());
  }

  void step() override {
    const Instant now = scene().world.now();
    if (!asked_.empty()) check_jobs(now);
    for (auto& [attempt, since] : stopping_) {
      const auto& worker = scene().cluster->workers()[running_.at(attempt) - 1];
      if (worker->paused()) since = now;
      if (now - since > kBound) violate("L6", text_of(attempt) + " was to stop, and still runs");
    }
  }

 private:
  void check_jobs(Instant now) {
    const MasterNode* master = scene().cluster->only_master();
    for (auto& [job, since] : asked_) {
      if (master == nullptr || master->paused()) since = now;
      if (now - since > kBound) violate("L6", text_of(job) + " was cancelled, and is not over");
    }
  }

  std::map<JobId, Instant> asked_;
  std::map<AttemptId, std::uint32_t> running_;  // And where.
  std::map<AttemptId, Instant> stopping_;
};

}  // namespace

std::unique_ptr<Checker> check_cancelling(Scene& scene) {
  return std::make_unique<Cancelling>(scene);
}

}  // namespace fanfold::sim
