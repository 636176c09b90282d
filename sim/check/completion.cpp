// I24: which maps a job covers is decided once, before any reduce is given out, as its policy says;
// no other map runs or commits from then on.
// I25: it is decided, or the job ends, in the turn in which its policy is met or cannot be met.
// I26: a job succeeded when it covers all its maps and is partial otherwise, and its output says
// which are missing.
// L9: as long as nothing goes wrong, whatever runs of a map that is not covered is told to stop
// within 100 ms.  How long that takes to arrive is the network's business, and L6 sees to the rest.

#include <map>
#include <set>
#include <utility>
#include <variant>

#include "common/io/manifest.hpp"
#include "master/scheduler/completion.hpp"
#include "sim/check/invariants.hpp"
#include "sim/doors/disk_view.hpp"

namespace fanfold::sim {
namespace {

using namespace std::chrono_literals;
using proto::CompletionReason;
using proto::CompletionRule;

class CompletionChecker final : public Checker {
 public:
  using Checker::Checker;

  void fact(const master::Fact& fact, std::uint64_t /*epoch*/) override {
    if (const auto* fed = std::get_if<master::InputFed>(&fact)) {
      changed_.insert(fed->job);
    } else if (const auto* decided = std::get_if<master::CoverageDecided>(&fact)) {
      check(*decided);
    } else if (const auto* committed = std::get_if<master::AttemptCommitted>(&fact)) {
      changed_.insert(committed->task.job);
      check(*committed);
    } else if (const auto* given_up = std::get_if<master::TaskGivenUp>(&fact)) {
      changed_.insert(given_up->task.job);
      check(*given_up);
    } else if (const auto* ended = std::get_if<master::JobEnded>(&fact)) {
      check(*ended);
    }
  }

  void master_says(std::uint32_t /*to*/, const proto::MasterMessage& message) override {
    if (const auto attempt = let_go_by(message)) told_.insert(*attempt);
    const auto* assign = std::get_if<proto::Assign>(&message);
    if (assign == nullptr) return;
    const TaskId& task = assign->assignment.task;
    const ModelJob* job = facts().find(task.job);
    if (job == nullptr) return;
    if (task.stage == Stage::kReduce && job->may_be_partial() && !job->decided) {
      violate("I24", text_of(task) + " was given out before it was decided what it reads");
    }
    // Decided in this very step it may have been given out before, and is taken back.
    if (task.stage != Stage::kMap || job->covers(task.index)) return;
    if (decided_now_.count(task.job) == 0) {
      violate("I24", text_of(task) + " was given out though it is not covered");
    }
  }

  void attempt_started(std::uint32_t process, const proto::TaskAssignment& assignment) override {
    running_[assignment.attempt] = {assignment.task, process};
  }
  void attempt_ended(std::uint32_t /*process*/, AttemptId attempt, bool /*good*/) override {
    running_.erase(attempt);
    stopping_.erase(attempt);
  }
  void worker_ended(std::uint32_t process) override {
    std::erase_if(running_, [&](const auto& one) {
      if (one.second.second != process) return false;
      stopping_.erase(one.first);
      return true;
    });
  }

  void step() override {
    for (const JobId id : std::exchange(changed_, {})) check_decided(id);
    for (const JobId id : std::exchange(decided_now_, {})) begin_stopping(id);
    for (const AttemptId attempt : std::exchange(told_, {})) stopping_.erase(attempt);
    if (stopping_.empty()) return;
    if (!scene().world.faults.tape().empty()) return stopping_.clear();
    for (const auto& [attempt, since] : stopping_) {
      if (scene().world.now() - since <= 100ms) continue;
      violate("L9", text_of(attempt) + " is of no use any more, and was not told to stop");
    }
  }

  void end() override {
    for (const auto& client : scene().cluster->clients()) {
      if (client->end() && is_published(client->end()->state)) check_manifest(*client);
    }
  }

 private:
  void check(const master::CoverageDecided& fact) {
    const ModelJob* job = facts().find(fact.job);
    if (job == nullptr || job->decided || job->ended || job->publishing) {
      return violate("I24", text_of(fact.job) + " decided at a wrong time what it covers");
    }
    decided_now_.insert(fact.job);
    changed_.erase(fact.job);
    if (!job->may_be_partial()) {
      violate("I24", text_of(fact.job) + " needs all its maps, and decided to do without some");
    }
    const std::uint32_t committed = job->committed(Stage::kMap);
    if (committed != fact.covered) {
      violate("I24", text_of(fact.job) + " decided to cover " + std::to_string(fact.covered) +
                         " maps, and " + std::to_string(committed) + " are committed");
    }
    if (committed == 0 && job->maps() > 0) {
      violate("I24", text_of(fact.job) + " goes on with nothing");
    }
    if (!fits(*job, fact)) {
      violate("I24", text_of(fact.job) + " covers " + std::to_string(committed) + " of " +
                         std::to_string(job->maps()) + " maps because of " +
                         proto::name_of(fact.reason));
    }
  }

  static bool fits(const ModelJob& job, const master::CoverageDecided& fact) {
    const proto::CompletionPolicy& policy = job.submitted.completion;
    const bool enough = fact.covered >= master::maps_needed(policy, job.maps());
    switch (fact.reason) {
      case CompletionReason::kAllCompleted:
        return (policy.rule == CompletionRule::kAll && enough) ||
               (policy.rule == CompletionRule::kAllCompleted &&
                fact.covered + job.given_up.size() == job.maps());
      case CompletionReason::kMinSuccessfulReached:
        return policy.rule == CompletionRule::kMinSuccessful && enough;
      case CompletionReason::kQuorumReached:
        return policy.rule == CompletionRule::kQuorum && enough;
      case CompletionReason::kFirstSuccessful:
        return policy.rule == CompletionRule::kFirst && enough;
      case CompletionReason::kDeadlineExceeded:
        return job.submitted.deadline_unix_us != 0 &&
               job.submitted.on_deadline == proto::OnDeadline::kPartial;
      case CompletionReason::kFailureToleranceExceeded:
        return true;  // check/tolerance.cpp
      case CompletionReason::kNone:
      case CompletionReason::kCancelled:
        return false;
    }
    return false;
  }

  void check(const master::AttemptCommitted& fact) {
    const ModelJob* job = facts().find(fact.task.job);
    if (job == nullptr) return;
    if (fact.task.stage == Stage::kMap &&
        (!job->covers(fact.task.index) || job->given_up.count(fact.task.index) > 0)) {
      violate("I24", text_of(fact.task) + " is not covered, and commits");
    }
  }

  void check(const master::TaskGivenUp& fact) {
    const ModelJob* job = facts().find(fact.task.job);
    const ModelTask* task = facts().find(fact.task);
    if (job == nullptr || job->decided || fact.task.stage != Stage::kMap ||
        job->submitted.completion.rule == CompletionRule::kAll) {
      violate("I24", text_of(fact.task) + " was given up, and its job needs it");
    }
    if (task != nullptr && task->committed != AttemptId{}) {
      violate("I24", text_of(fact.task) + " was given up, and is committed");
    }
  }

  void check(const master::JobEnded& fact) {
    const ModelJob* job = facts().find(fact.job);
    if (job == nullptr || !is_published(fact.state)) return;
    const bool whole = job->maps_to_read() == job->maps();
    if (whole != (fact.state == proto::JobState::kSucceeded)) {
      violate("I26", text_of(fact.job) + " covers " + std::to_string(job->maps_to_read()) + " of " +
                         std::to_string(job->maps()) + " maps, and is called " +
                         proto::name_of(fact.state));
    }
  }

  void check_decided(JobId id) {
    const ModelJob* job = facts().find(id);
    if (job == nullptr || job->decided || job->ended || !job->may_be_partial()) return;
    // More may come, whatever has become of what there is.
    if (job->submitted.open) return;
    const CompletionRule rule = job->submitted.completion.rule;
    const std::uint32_t committed = job->committed(Stage::kMap);
    const std::uint32_t needed = master::maps_needed(job->submitted.completion, job->maps());
    const bool all_over = committed + job->given_up.size() == job->maps();
    const bool met = rule == CompletionRule::kAllCompleted ? all_over : committed >= needed;
    if (met) violate("I25", text_of(id) + " has what it waits for, and goes on waiting");
    const bool hopeless =
        rule != CompletionRule::kAllCompleted && job->given_up.size() + needed > job->maps();
    if (hopeless) violate("I25", text_of(id) + " waits for what can never be");
  }

  void begin_stopping(JobId id) {
    const ModelJob* job = facts().find(id);
    if (job == nullptr) return;
    for (const auto& [attempt, one] : running_) {
      const TaskId& task = one.first;
      if (task.job != id || task.stage != Stage::kMap || job->covers(task.index)) continue;
      stopping_.emplace(attempt, scene().world.now());
    }
  }

  void check_manifest(const ClientNode& client) {
    const ModelJob* job = facts().find(client.end()->job);
    if (job == nullptr) return;
    const std::string name = client.plan().spec.job_name;
    Disks& disks = scene().cluster->disks();
    const std::string& output = client.plan().spec.output;
    const bool partial = client.end()->state == proto::JobState::kPartial;
    const char* const wanted = partial ? io::kPartialManifestName : io::kManifestName;
    const char* const other = partial ? io::kManifestName : io::kPartialManifestName;
    if (disks.find(output + "/" + other) != nullptr) {
      violate("I26", name + " is " + proto::name_of(client.end()->state) + ", and has " + other);
    }
    const Disks::Entry* file = disks.find(output + "/" + wanted);
    if (file == nullptr) return violate("I26", name + " has no " + wanted);
    const auto manifest = io::parse_manifest(file->file->bytes);
    if (!manifest.ok()) return violate("I26", name + ": " + manifest.status().message());
    std::set<std::uint32_t> missing;
    if (manifest->coverage) {
      for (const io::MissingTask& one : manifest->coverage->missing) missing.insert(one.task);
    }
    for (std::uint32_t i = 0; i < job->maps(); ++i) {
      if (job->covers(i) == (missing.count(i) == 0)) continue;
      violate("I26",
              name + " says something else of map " + std::to_string(i) + " than what it covers");
    }
  }

  std::map<AttemptId, std::pair<TaskId, std::uint32_t>> running_;  // And in which process.
  std::map<AttemptId, Instant> stopping_;
  std::set<AttemptId> told_;     // In this step.
  std::set<JobId> changed_;      // In this step.
  std::set<JobId> decided_now_;  // In this step.
};

}  // namespace

std::unique_ptr<Checker> check_completion(Scene& scene) {
  return std::make_unique<CompletionChecker>(scene);
}

}  // namespace fanfold::sim
