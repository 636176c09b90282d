// I27: of a job that is paused nothing new is given to anybody, and of one that has a limit no more
// attempts are in slots than that, unless reduces wait for maps that run in their place.

#include <algorithm>
#include <map>
#include <set>
#include <variant>

#include "sim/check/invariants.hpp"

namespace fanfold::sim {
namespace {

/// So many attempts may have been decided on before the pause, and be sent after it because the
/// first message was lost inside the master.
constexpr std::uint64_t kDecidedBefore = 8;

class Control final : public Checker {
 public:
  using Checker::Checker;

  void fact(const master::Fact& fact, std::uint64_t epoch) override {
    const auto* changed = std::get_if<master::JobControlled>(&fact);
    if (changed == nullptr) return;
    // This master may have given nothing yet.
    const AttemptId none_of_epoch{epoch << kAttemptEpochShift};
    changed_[changed->job] = {scene().world.now(), std::max(newest_, none_of_epoch)};
  }

  // What workers held may be more than a master has given who did not know of it.
  void master_started(std::uint64_t /*epoch*/) override { ++masters_; }

  void master_says(std::uint32_t /*to*/, const proto::MasterMessage& message) override {
    const auto* assign = std::get_if<proto::Assign>(&message);
    // One that was lost on its way is sent again.
    if (assign == nullptr) return;
    const JobId id = assign->assignment.task.job;
    if (!given_.emplace(assign->assignment.attempt, id).second) return;
    newest_ = std::max(newest_, assign->assignment.attempt);
    const ModelJob* job = facts().find(id);
    if (job == nullptr || !job->control.paused) return;
    // Facts of a whole turn come before the messages of its beginning.
    const Change& change = changed_[id];
    if (change.when == scene().world.now()) return;
    if (assign->assignment.attempt.value <= change.newest.value + kDecidedBefore) return;
    violate("I27", text_of(id) + " is paused, and is given " + text_of(assign->assignment.task));
  }

  void master_hears(std::uint32_t /*from*/, const proto::WorkerMessage& message) override {
    const auto* wanted = std::get_if<proto::InputsWanted>(&message);
    if (wanted == nullptr) return;
    if (const auto known = given_.find(wanted->attempt); known != given_.end()) {
      lent_.insert(known->second);
    }
  }

  void client_is_told(const proto::ClientReply& reply) override {
    const auto* told = std::get_if<proto::JobReply>(&reply);
    if (told == nullptr || masters_ > 1) return;
    const std::uint32_t most = told->status.control.max_concurrency;
    std::uint32_t running = 0;
    for (const proto::StageStatus& stage : told->status.stages) running += stage.running;
    if (most == 0 || running <= most || lent_.count(told->status.job) > 0) return;
    violate("I27", text_of(told->status.job) + " runs " + std::to_string(running) +
                       " attempts, and may run " + std::to_string(most));
  }

 private:
  struct Change {
    Instant when;
    AttemptId newest;
  };
  AttemptId newest_;  // That was given out.
  std::map<JobId, Change> changed_;
  std::map<AttemptId, JobId> given_;
  std::set<JobId> lent_;
  int masters_ = 0;
};

}  // namespace

std::unique_ptr<Checker> check_control(Scene& scene) { return std::make_unique<Control>(scene); }

}  // namespace fanfold::sim
