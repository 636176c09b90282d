// I9: an attempt commits only for the worker it was given to, and only while it is its; a worker
// obeys no master older than the newest it has heard.

#include <map>
#include <set>
#include <variant>

#include "sim/check/invariants.hpp"

namespace fanfold::sim {
namespace {

class Fencing final : public Checker {
 public:
  using Checker::Checker;

  void master_started(std::uint64_t /*epoch*/) override {
    // What an earlier master took back it may not have told anybody.
    revoked_.clear();
    names_.clear();
  }
  void worker_started(std::uint32_t process, std::uint32_t /*slots*/) override {
    heard_epoch_.erase(process);
  }

  void master_says(std::uint32_t to, const proto::MasterMessage& message) override {
    if (const auto* welcome = std::get_if<proto::Welcome>(&message)) {
      names_[to] = welcome->worker;
    } else if (const auto* assign = std::get_if<proto::Assign>(&message)) {
      give(to, assign->assignment);
    } else if (const auto* cancel = std::get_if<proto::CancelAttempt>(&message)) {
      revoked_.insert(cancel->attempt);
    }
  }

  void worker_hears(std::uint32_t process, const proto::MasterMessage& message) override {
    if (const auto* welcome = std::get_if<proto::Welcome>(&message)) {
      std::uint64_t& heard = heard_epoch_[process];
      heard = std::max(heard, welcome->epoch);
      // Frames wait in the worker's inbox: what began before they are read is no disobedience.
      heard_at_[process] = scene().world.now();
    }
  }

  void attempt_started(std::uint32_t process, const proto::TaskAssignment& assignment) override {
    // It may go on after a bad record, in another executor.
    if (!begun_.emplace(process, assignment.attempt).second) return;
    const auto given = given_at_.find({process, assignment.attempt});
    const bool heard_before = given != given_at_.end() && heard_at_[process] < given->second;
    if (epoch_of(assignment.attempt) < heard_epoch_[process] && heard_before) {
      violate("I9", "worker " + std::to_string(process) + " began " + text_of(assignment.attempt) +
                        " of a master that it knows to be gone");
    }
  }

  void fact(const master::Fact& fact, std::uint64_t epoch) override {
    const auto* committed = std::get_if<master::AttemptCommitted>(&fact);
    if (committed == nullptr) return;
    const auto lease = leases_.find(committed->attempt);
    if (lease == leases_.end()) {
      violate("I9", text_of(committed->attempt) + " committed, and was never given to anybody");
    } else if (facts().gone.count(committed->worker) > 0) {
      violate("I9", text_of(committed->attempt) + " committed for a worker that was given up");
    } else if (lease->second.epoch == epoch && lease->second.worker != committed->worker) {
      violate("I9", text_of(committed->attempt) + " committed for another worker");
    } else if (revoked_.count(committed->attempt) > 0) {
      violate("I9", text_of(committed->attempt) + " committed after it was taken back");
    } else if (lease->second.task != committed->task) {
      violate("I9", text_of(committed->attempt) + " committed another task than it was given");
    }
  }

 private:
  struct Lease {
    WorkerId worker;
    TaskId task;
    std::uint64_t epoch = 0;
  };

  void give(std::uint32_t to, const proto::TaskAssignment& assignment) {
    const AttemptId attempt = assignment.attempt;
    given_at_[{to, attempt}] = scene().world.now();
    const Lease lease{names_[to], assignment.task, scene().epoch};
    const auto [known, fresh] = leases_.emplace(attempt, lease);
    if (fresh) {
      if (epoch_of(attempt) != scene().epoch) {
        violate("I9", text_of(attempt) + " was given out by a master of another epoch");
      }
      return;
    }
    if (known->second.task != assignment.task) {
      violate("I9", text_of(attempt) + " was given to two tasks");
    }
    if (known->second.epoch == lease.epoch && known->second.worker != lease.worker) {
      violate("I9", text_of(attempt) + " was given to two workers");
    }
  }

  using Held = std::pair<std::uint32_t, AttemptId>;
  std::map<AttemptId, Lease> leases_;
  std::map<std::uint32_t, WorkerId> names_;
  std::map<std::uint32_t, std::uint64_t> heard_epoch_;
  std::map<std::uint32_t, Instant> heard_at_;
  std::set<Held> begun_;
  std::map<Held, Instant> given_at_;
  std::set<AttemptId> revoked_;
};

}  // namespace

std::unique_ptr<Checker> check_fencing(Scene& scene) { return std::make_unique<Fencing>(scene); }

}  // namespace fanfold::sim
