// I22: a job that has nothing running, and is not over, is next.  It may have to wait for a retry's
// delay, for a worker on which its task has not failed, or for the holders of its map outputs to
// come back; after that nobody else is given anything before it, unless his is the more urgent job
// or it is paused.

#include <algorithm>
#include <map>
#include <set>
#include <variant>

#include "sim/check/invariants.hpp"

namespace fanfold::sim {
namespace {

using namespace std::chrono_literals;

/// The longest delay of a retry, patience for another worker, and a turn or two.
constexpr Duration kPatience = 5s + 1s + 1s;

/// By the clock of a master that may be as slow as any.
Duration drifted(std::uint64_t ms) { return std::chrono::milliseconds(ms * 10 / 9 + 1); }

class Fairness final : public Checker {
 public:
  using Checker::Checker;

  void fact(const master::Fact& fact, std::uint64_t /*epoch*/) override {
    if (const auto* accepted = std::get_if<master::JobAccepted>(&fact)) {
      idle_since_[accepted->job.job] = scene().world.now();
    } else if (std::holds_alternative<master::JobControlled>(fact)) {
      for (auto& [job, since] : idle_since_) since = scene().world.now();
    } else if (const auto* ended = std::get_if<master::JobEnded>(&fact)) {
      idle_since_.erase(ended->job);
    } else if (const auto* begun = std::get_if<master::JobCommitStarted>(&fact)) {
      idle_since_.erase(begun->job);
    } else if (const auto* committed = std::get_if<master::AttemptCommitted>(&fact)) {
      let_go(committed->attempt);
    } else if (const auto* gone = std::get_if<master::WorkerGone>(&fact)) {
      std::set<AttemptId> lost;
      for (const auto& [attempt, one] : live_) {
        if (one.worker == gone->worker) lost.insert(attempt);
      }
      for (const AttemptId attempt : lost) let_go(attempt);
    }
  }

  void master_started(std::uint64_t /*epoch*/) override {
    // Workers may bring along what they run, and are not told to go on with it.
    for (auto& [attempt, one] : live_) one.sure = false;
    for (auto& [job, since] : idle_since_) since = scene().world.now();
  }

  void step() override {
    if (idle_since_.empty() || scene().cluster->master_acts()) return;
    for (auto& [job, since] : idle_since_) since = scene().world.now();
  }

  void master_hears(std::uint32_t /*from*/, const proto::WorkerMessage& message) override {
    if (const auto* lost = std::get_if<proto::InputsWanted>(&message))
      starved_.insert(lost->attempt);
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

 private:
  struct Live {
    JobId job;
    WorkerId worker;
    bool sure = true;  // Of an earlier master: who knows.
  };

  void begin(WorkerId worker, const proto::TaskAssignment& assignment) {
    const JobId job = assignment.task.job;
    // Sent again, because the first one was lost.
    if (!live_.emplace(assignment.attempt, Live{job, worker, true}).second) return;
    const bool busy = std::any_of(live_.begin(), live_.end(), [&](const auto& one) {
      return one.second.job == job && one.second.sure && one.first != assignment.attempt;
    });
    // Whose last turn is longer ago may go first, however long that turn took.
    const Instant had = busy ? scene().world.now() : turns_[job];
    turns_[job] = scene().world.now();
    ++counts_[job];
    const Duration patience =
        kPatience + std::chrono::milliseconds(scene().cluster->config().silence_ms);
    // A map in the slot of a reduce of the same job takes nothing from anybody.
    const bool lent = std::any_of(live_.begin(), live_.end(), [&](const auto& one) {
      return one.second.job == job && one.second.worker == worker && starved_.count(one.first) > 0;
    });
    if (lent) return;
    for (const auto& [other, since] : idle_since_) {
      // For those that its maps prefer it may wait, too.
      const Duration wait = drifted(facts().find(other)->submitted.locality_wait_ms);
      if (other == job || counts_[other] > 0 || had - since < patience + wait) continue;
      if (is_complete(other) || may_wait(other, job)) continue;
      violate("I22", text_of(job) + " is given " + text_of(assignment.task) + ", while " +
                         text_of(other) + " has had nothing for long");
    }
  }

  /// It waits for comparisons alone, which take what nobody else wants.
  bool is_complete(JobId id) const {
    const ModelJob* job = facts().find(id);
    return job->committed(Stage::kMap) == job->maps_to_read() &&
           job->committed(Stage::kReduce) == job->reduces() &&
           job->committed(Stage::kGather) == job->tree().tasks();
  }

  bool may_wait(JobId waiting, JobId given) const {
    // For slots of certain hosts, or to be fed.
    const master::JobSubmitted& job = facts().find(waiting)->submitted;
    if (!job.hosts.empty() || job.open) return true;
    const proto::JobControl& control = facts().find(waiting)->control;
    return control.paused || control.priority < facts().find(given)->control.priority;
  }

  void let_go(AttemptId attempt) {
    const auto known = live_.find(attempt);
    if (known == live_.end()) return;
    const JobId job = known->second.job;
    live_.erase(known);
    starved_.erase(attempt);
    const auto idle = idle_since_.find(job);
    if (--counts_[job] == 0 && idle != idle_since_.end()) idle->second = scene().world.now();
  }

  std::map<JobId, Instant> idle_since_;  // Of jobs that want more; old news while something runs.
  std::map<JobId, std::uint32_t> counts_;
  std::map<JobId, Instant> turns_;  // When it was last given something.
  std::map<AttemptId, Live> live_;
  std::map<std::uint32_t, WorkerId> names_;
  std::set<AttemptId> starved_;  // Have missed an input.
};

}  // namespace

std::unique_ptr<Checker> check_fairness(Scene& scene) { return std::make_unique<Fairness>(scene); }

}  // namespace fanfold::sim
