// Tasks that run several times, on different workers, and which of their results counts.
//
// A result that has to be compared is a vote.  Its worker keeps it and asks to commit again and
// again until it is answered; the attempt stays live, out of its slot.  The vote that settles it is
// the one that commits: all that agree are alike.

#include "master/scheduler/replicas.hpp"

#include <algorithm>
#include <iterator>

#include "common/core/check.hpp"
#include "common/core/planted.hpp"
#include "master/scheduler/machine.hpp"
#include "master/scheduler/policy.hpp"
#include "master/scheduler/task_text.hpp"

namespace fanfold::master::scheduling {

namespace {

/// A status names so many: lists of jobs have to fit into a frame.
constexpr std::size_t kDissentersTold = 20;

}  // namespace

std::uint32_t Ballot::votes_for(std::uint64_t digest) const {
  return static_cast<std::uint32_t>(std::count_if(
      votes.begin(), votes.end(), [digest](const auto& vote) { return vote.second == digest; }));
}

std::uint32_t Ballot::votes_most() const {
  std::uint32_t most = 0;
  for (const auto& [attempt, digest] : votes) most = std::max(most, votes_for(digest));
  return most;
}

bool may_settle(const proto::ReplicaPolicy& policy, const Ballot& ballot) {
  return ballot.live() - ballot.voted() + ballot.votes_most() >= policy.votes_needed();
}

bool wants_more(const proto::ReplicaPolicy& policy, const Ballot& ballot) {
  if (ballot.live() >= policy.replicas) return false;
  return !ballot.troubled || !may_settle(policy, ballot);
}

bool is_hopeless(const proto::ReplicaPolicy& policy, const Ballot& ballot) {
  const std::uint32_t to_come = policy.replicas - std::min(policy.replicas, ballot.voted());
  return ballot.votes_most() + to_come < policy.votes_needed();
}

std::uint32_t hedges_max(const proto::ReplicaPolicy& policy, std::uint32_t tasks) {
  // Whoever names a time knows what is slow.
  if (policy.hedge_ms != 0 || planted(Bug::kHedgeEverything)) return tasks;
  const std::uint64_t share = std::min<std::uint64_t>(2 * (1000 - policy.hedge_per_mille), 1000);
  return std::max<std::uint32_t>(1, static_cast<std::uint32_t>((tasks * share + 999) / 1000));
}

std::uint32_t Machine::live_max(const Job& job, Stage stage) {
  return job.replicates(stage) ? std::max<std::uint32_t>(2, job.replicas.replicas) : 2;
}

void Machine::join_ballot(Job& job, Attempt& attempt) {
  if (!job.replicates(attempt.task.stage) || attempt.audit) return;
  const auto [found, fresh] = job.ballots.try_emplace({attempt.task.stage, attempt.task.index});
  Ballot& ballot = found->second;
  if (fresh) {
    ++job.stage(attempt.task.stage).ballots;
    if (job.replicas.votes()) ++open_ballots_;
    // What may not fail any more runs no more often than it takes.
    const Trouble* trouble = job.find_trouble(attempt.task.stage, attempt.task.index);
    ballot.troubled = trouble != nullptr && trouble->failures >= job.attempts_max;
  }
  attempt.replica = true;
  attempt.further = !ballot.attempts.empty();
  if (attempt.further) ++job.tally.started;
  ballot.attempts.push_back(attempt.id);
  file_ballot(job, attempt.task);
}

void Machine::leave_ballot(Job& job, const Attempt& attempt) {
  if (!attempt.replica) return;
  if (attempt.voted) --job.voted;
  Ballot& ballot = job.ballots.at({attempt.task.stage, attempt.task.index});
  std::erase(ballot.attempts, attempt.id);
  ballot.votes.erase(attempt.id);
  file_ballot(job, attempt.task);
  if (!ballot.attempts.empty()) return;
  job.ballots.erase({attempt.task.stage, attempt.task.index});
  --job.stage(attempt.task.stage).ballots;
  if (job.replicas.votes()) --open_ballots_;
}

void Machine::file_ballot(Job& job, const TaskId& task) {
  StageTasks& stage = job.stage(task.stage);
  Ballot& ballot = job.ballots.at({task.stage, task.index});
  if (ballot.filed) stage.wanting.erase({*ballot.filed, ~task.index});
  ballot.filed.reset();
  const bool undecided = stage.at(task.index).state == TaskState::kAssigned;
  if (!undecided || ballot.attempts.empty() || !wants_more(job.replicas, ballot)) return;
  // Those of workers that leave take no place that another one could have.
  const auto on_active = [this](AttemptId id) {
    return pool_.find(attempts_.at(id).worker)->state == WorkerState::kActive;
  };
  ballot.filed = static_cast<std::uint32_t>(
      std::count_if(ballot.attempts.begin(), ballot.attempts.end(), on_active));
  stage.wanting.emplace(*ballot.filed, ~task.index);
}

void Machine::file_replicated_jobs() {
  for (auto& [id, job] : jobs_) {
    if (job.replicas.replicated()) file(job);
  }
}

bool Machine::may_get_replica(const StageTasks& stage) const {
  // The one with the fewest: it may lack nothing but workers on which it does not run yet.
  return !stage.wanting.empty() && stage.wanting.begin()->first < pool_.active();
}

std::uint32_t Machine::open_ballots_max() const {
  return std::clamp(kOpenBallotsPerSlot * pool_.slots(), kOpenBallotsLeast, kOpenBallotsMost);
}

bool Machine::has_room_for_ballot(const Job& job) const {
  if (!job.replicas.votes() || !job.replicates(job.open_stage().stage())) return true;
  return job.open_stage().ballots == 0 || open_ballots_ < 2 * open_ballots_max();
}

bool Machine::may_open_ballot(const Job& job) const {
  if (!job.replicas.votes()) return true;
  // Those of a stage that is not open wait for it, and must not hold it up.
  const StageTasks& open = job.open_stage();
  if (!job.replicates(open.stage())) return true;
  return pool_.active() >= job.replicas.votes_needed() && open.ballots < open_ballots_max();
}

std::vector<JobRank> Machine::choosy_to_serve() {
  std::vector<JobRank> ranks;
  auto next = ready_choosy_.begin();
  while (next != ready_choosy_.end() && ranks.size() < kChoosyJobsExamined) {
    ranks.push_back(*next++);
  }
  if (next == ready_choosy_.end()) return ranks;
  // The first ones may wait for workers that are busy for long: the others have their turns.
  auto turn = ready_choosy_.upper_bound(choosy_seen_);
  if (turn == ready_choosy_.end() || *turn < *next) turn = next;
  while (turn != ready_choosy_.end() && ranks.size() < 2 * kChoosyJobsExamined) {
    choosy_seen_ = *turn;
    ranks.push_back(*turn++);
  }
  return ranks;
}

std::optional<Choice> Machine::choose_replica(
    StageTasks& stage, JobId job, const std::function<Worker*(std::uint32_t)>& somebody_for) const {
  using Place = std::set<std::pair<std::uint32_t, std::uint32_t>>::const_reverse_iterator;
  const auto try_at = [&](Place place) -> std::optional<Choice> {
    const std::uint32_t index = ~place->second;
    Worker* worker = somebody_for(index);
    if (worker == nullptr) return std::nullopt;
    return Choice{{job, stage.stage(), index}, worker, std::nullopt};
  };
  // What lacks least comes first: every result that waits for others takes up a disk.
  const auto& wanting = stage.wanting;
  const Place end = wanting.rend();
  Place next = std::make_reverse_iterator(wanting.lower_bound({pool_.active(), 0}));
  for (std::size_t examined = 0; next != end && examined < kReplicasExamined; ++examined) {
    if (auto choice = try_at(next++)) return choice;
  }
  if (next == end) return std::nullopt;
  // All of these wait for workers that are busy, or for a delay: they must not hide the others, who
  // are looked at in turn.
  Place turn = std::make_reverse_iterator(wanting.lower_bound(stage.wanting_seen));
  if (turn == end || *turn > *next) turn = next;
  for (std::size_t examined = 0; turn != end && examined < kReplicasExamined; ++examined) {
    stage.wanting_seen = *turn;
    if (auto choice = try_at(turn++)) return choice;
  }
  if (turn == end) stage.wanting_seen = {};
  return std::nullopt;
}

std::vector<WorkerId> Machine::taken_by_replicas(const Job& job, const TaskId& task) const {
  std::vector<WorkerId> taken;
  const auto ballot = job.ballots.find({task.stage, task.index});
  if (ballot == job.ballots.end() || planted(Bug::kReplicasOnOneWorker)) return taken;
  for (const AttemptId id : ballot->second.attempts) taken.push_back(attempts_.at(id).worker);
  return taken;
}

bool Machine::is_delayed_replica(const Job& job, const TaskId& task) const {
  const auto ballot = job.ballots.find({task.stage, task.index});
  return ballot != job.ballots.end() && now_ < ballot->second.not_before;
}

Worker* Machine::worker_for_replica(Job& job, const TaskId& task) {
  if (is_delayed_replica(job, task)) return nullptr;
  const std::vector<WorkerId> taken = taken_by_replicas(job, task);
  std::vector<std::string> hosts;
  for (const WorkerId one : taken) {
    const Worker* worker = pool_.find(one);
    // A host that is wrong is wrong for all its workers.
    if (job.replicas.votes() && worker != nullptr) hosts.push_back(worker->host);
  }
  std::vector<WorkerId> avoid = taken;
  const Trouble* trouble = job.find_trouble(task.stage, task.index);
  if (trouble != nullptr) {
    for (const WorkerId one : trouble->avoid) {
      if (std::find(taken.begin(), taken.end(), one) == taken.end()) avoid.push_back(one);
    }
  }
  if (Worker* worker = pool_.free_worker(avoid, hosts)) return worker;
  if (Worker* worker = pool_.free_worker(avoid)) return worker;
  if (trouble == nullptr) return nullptr;
  if (now_ >= trouble->patient_until || !pool_.anybody_but(avoid)) return pool_.free_worker(taken);
  task_deadlines_.set(task, trouble->patient_until);
  return nullptr;
}

void Machine::delay_replica(Job& job, const TaskId& task, Duration wait) {
  const auto ballot = job.ballots.find({task.stage, task.index});
  // Without a wait it was only given back.
  if (ballot != job.ballots.end() && wait > Duration(0)) {
    ballot->second.troubled = true;
    ballot->second.not_before = now_ + wait;
    job.trouble_of(task).patient_until = now_ + wait + kElsewherePatience;
    task_deadlines_.set(task, now_ + wait);
    file_ballot(job, task);
    file(job);
  }
}

bool Machine::is_left_to_others(Job& job, const TaskId& task) {
  const auto found = job.ballots.find({task.stage, task.index});
  if (found == job.ballots.end() || !may_settle(job.replicas, found->second)) return false;
  found->second.troubled = true;
  file_ballot(job, task);
  file(job);
  return true;
}

bool Machine::is_decided_by(Attempt& attempt, const CommitRequested& event) {
  Job& job = jobs_.at(attempt.task.job);
  if (!attempt.replica || !job.replicas.votes()) return true;
  Ballot& ballot = job.ballots.at({attempt.task.stage, attempt.task.index});
  // It asks again because it was not answered, and is not until there is a decision.
  if (attempt.voted && !planted(Bug::kCountVotesTwice)) return false;
  ballot.votes[attempt.id] = event.digest;
  const std::uint32_t again = attempt.voted ? 1 : 0;  // Never, without the bug.
  const std::uint32_t votes = ballot.votes_for(event.digest) + again;
  if (votes >= job.replicas.votes_needed() || planted(Bug::kAcceptFirstVote)) return true;
  if (is_hopeless(job.replicas, ballot)) {
    end_vote_without_majority(job, attempt.task);
  } else if (!attempt.voted) {
    await_decision(job, attempt);
  }
  return false;
}

void Machine::await_decision(Job& job, Attempt& attempt) {
  Worker& worker = *pool_.find(attempt.worker);
  const TaskId task = attempt.task;
  attempt.voted = true;
  ++job.voted;
  stop_starving(job, attempt);
  if (!planted(Bug::kVotersKeepSlots)) {
    if (attempt.running) stop_running(job, attempt);
    attempt.running = false;
    if (const std::optional<AttemptId> next = pool_.set_aside(now_, worker, attempt.id)) {
      Attempt& promoted = attempts_.at(*next);
      begin_running(promoted);
      file(jobs_.at(promoted.task.job));
    }
  }
  file_ballot(job, task);
  // Who leaves does not wait for others.
  if (worker.state == WorkerState::kDraining) withdraw_votes(worker);
  file(job);
}

void Machine::withdraw_votes(Worker& worker) {
  const std::vector<AttemptId> voters(worker.voted.begin(), worker.voted.end());
  for (const AttemptId id : voters) withdraw_vote(id);
}

void Machine::withdraw_vote(AttemptId id) {
  const Attempt attempt = attempts_.at(id);
  Job& job = jobs_.at(attempt.task.job);
  act(AnswerCommit{attempt.worker, id, false});
  end_attempt(id);
  if (job.stage(attempt.task.stage).at(attempt.task.index).live == 0) requeue(job, attempt.task);
}

std::optional<Ballot> Machine::ballot_of(const Job& job, const Attempt& attempt) {
  if (!attempt.replica) return std::nullopt;
  return job.ballots.at({attempt.task.stage, attempt.task.index});
}

void Machine::close_ballot(Job& job, const Ballot& ballot, const Attempt& winner,
                           std::uint64_t accepted) {
  for (const AttemptId id : ballot.attempts) {
    if (id == winner.id) continue;
    const Attempt attempt = attempts_.at(id);
    if (!attempt.voted) {
      ++job.tally.stopped;
      cancel_attempt(id);
      continue;
    }
    const std::uint64_t digest = ballot.votes.at(id);
    if (digest == accepted) {
      ++job.tally.discarded;
    } else {
      Worker& worker = *pool_.find(attempt.worker);
      record(DissentFound{attempt.task, id, worker.id, worker.name, digest, true, accepted});
      pool_.blame(now_, worker, kDemeritsOfDissent);
    }
    act(AnswerCommit{attempt.worker, id, false});
    end_attempt(id);
  }
}

void Machine::end_vote_without_majority(Job& job, const TaskId& task) {
  const Ballot ballot = job.ballots.at({task.stage, task.index});
  std::map<std::uint64_t, std::string> voters;
  for (const auto& [id, digest] : ballot.votes) {
    const Worker& worker = *pool_.find(attempts_.at(id).worker);
    std::string& names = voters[digest];
    if (!names.empty()) names += ", ";
    names += worker.name.empty() ? "worker " + std::to_string(worker.id.value) : worker.name;
    record(DissentFound{task, id, worker.id, worker.name, digest, false, 0});
  }
  std::string text = describe(task) + " gave different results, and ";
  text += job.replicas.accept == proto::AcceptRule::kAll
              ? "all " + std::to_string(job.replicas.replicas) + " must agree"
              : "no " + std::to_string(job.replicas.votes_needed()) + " of its " +
                    std::to_string(job.replicas.replicas) + " replicas can agree any more";
  const char* separator = ": ";
  for (const auto& [digest, names] : voters) {
    text += separator + hexadecimal(digest) + " by " + names;
    separator = "; ";
  }
  fail_for_good(job, {task, ballot.votes.begin()->first, proto::FailureKind::kNonDeterministic,
                      "NO_MAJORITY: " + text});
}

void Machine::apply(const DissentFound& fact) {
  Job* job = find_job(fact.task.job);
  FANFOLD_CHECK(job != nullptr && job->contains(fact.task));
  if (!begun_) {
    job->ledger.add(fact.attempt, fact.task);
    ++job->stage(fact.task.stage).at(fact.task.index).attempts;
  }
  if (!fact.decided) return;
  ++job->tally.dissents;
  proto::Dissenter& dissenter = job->tally.dissenters[fact.worker];
  dissenter.worker = fact.worker;
  dissenter.name = fact.worker_name;
  ++dissenter.results;
}

proto::ReplicaStatus Machine::describe_replicas(const Job& job) const {
  proto::ReplicaStatus status;
  status.policy = job.replicas;
  status.started = job.tally.started;
  status.discarded = job.tally.discarded;
  status.stopped = job.tally.stopped;
  status.hedges = job.tally.hedges;
  status.hedges_won = job.tally.hedges_won;
  status.dissents = job.tally.dissents;
  status.votes = job.voted;
  for (const auto& [worker, dissenter] : job.tally.dissenters) {
    if (status.dissenters.size() == kDissentersTold) break;
    status.dissenters.push_back(dissenter);
  }
  for (const StageTasks* stage : {&job.sample, &job.map, &job.reduce}) {
    const auto first = stage->wanting.lower_bound({pool_.active(), 0});
    status.waiting += static_cast<std::uint32_t>(std::distance(first, stage->wanting.end()));
  }
  if (proto::is_final(job.state) || pool_.active() >= job.replicas.votes_needed()) return status;
  // Nothing new begins.
  const StageTasks& open = job.open_stage();
  if (!job.replicates(open.stage())) return status;
  status.waiting = open.size() - open.done() - open.given_up();
  return status;
}

}  // namespace fanfold::master::scheduling
