#include "tests/scheduler/invariants.hpp"

#include <algorithm>
#include <variant>

#include "master/scheduler/policy.hpp"
#include "tests/scheduler/text.hpp"

namespace fanfold::master {

void Invariants::before(const Event& event) {
  if (const auto* joined = std::get_if<WorkerJoined>(&event)) {
    workers_[joined->worker].slots = joined->slots;
  } else if (const auto* draining = std::get_if<WorkerDraining>(&event)) {
    if (workers_.count(draining->worker) > 0) workers_[draining->worker].draining = true;
  } else if (const auto* failed = std::get_if<AttemptFailed>(&event)) {
    const auto task = live_.find(failed->attempt);
    if (task == live_.end()) return;
    const TaskBook& book =
        jobs_.at(task->second.job).tasks[{task->second.stage, task->second.index}];
    if (book.live.at(failed->attempt) == failed->worker) release(failed->attempt);
  }
}

void Invariants::after(const Output& output) {
  for (const Fact& fact : output.facts) check(fact);
  for (const Action& action : output.actions) check(action);
  for (const auto& [attempt, worker] : to_cancel_) {
    report("left running after the end of its job: " + name_of(attempt));
  }
  to_cancel_.clear();
  for (const auto& [id, worker] : workers_) {
    const std::size_t most = std::size_t{worker.slots} * (1 + scheduling::kQueuedPerSlotMax);
    if (worker.live.size() > most) report("worker holds more than slots and queue");
  }
}

void Invariants::restart() {
  for (auto& [id, job] : jobs_) {
    for (auto& [task, book] : job.tasks) book.live.clear();
  }
  workers_.clear();
  live_.clear();
}

bool Invariants::is_committed(AttemptId attempt) const {
  for (const auto& [id, job] : jobs_) {
    for (const auto& [task, book] : job.tasks) {
      if (book.committed == attempt) return true;
    }
  }
  return false;
}

Invariants::JobBook* Invariants::job_of(const TaskId& task, const char* what) {
  const auto job = jobs_.find(task.job);
  if (job != jobs_.end()) return &job->second;
  report(std::string(what) + " for a job that is not there: " + name_of(task));
  return nullptr;
}

std::uint32_t Invariants::committed_tasks(const JobBook& job, Stage stage) const {
  std::uint32_t count = 0;
  for (const auto& [task, book] : job.tasks) {
    if (task.first == stage && book.committed != AttemptId{}) ++count;
  }
  return count;
}

void Invariants::check(const Fact& fact) {
  if (const auto* accepted = std::get_if<JobAccepted>(&fact)) {
    accept(accepted->job);
  } else if (const auto* committed = std::get_if<AttemptCommitted>(&fact)) {
    commit(*committed);
  } else if (const auto* invalidated = std::get_if<MapOutputInvalidated>(&fact)) {
    invalidate(*invalidated);
  } else if (const auto* failed = std::get_if<TaskFailureCounted>(&fact)) {
    ++failures_charged_;
    JobBook* job = job_of(failed->task, "failure counted");
    if (job == nullptr) return;
    TaskBook& task = job->tasks[{failed->task.stage, failed->task.index}];
    if (!proto::charged_to_task(failed->kind)) report("charged for what is not its fault");
    // Replicas that run at the same time may all fail.
    const bool replicated = job->submitted.replicas.replicas > 1;
    if (++task.failures > job->submitted.attempts_max && !replicated) {
      report("budget overrun: " + to_text(fact));
    }
  } else if (const auto* started = std::get_if<JobCommitStarted>(&fact)) {
    JobBook& job = jobs_.at(started->job);
    if (job.commit_started) report("commit started twice");
    if (committed_tasks(job, Stage::kReduce) != job.reduces()) {
      report("commit started before every reduce was committed");
    }
    if (committed_tasks(job, Stage::kGather) != tree_of(job).tasks()) {
      report("commit started before everything was gathered");
    }
    job.commit_started = true;
  } else if (const auto* ended = std::get_if<JobEnded>(&fact)) {
    end(*ended);
  } else if (const auto* given_up = std::get_if<TaskGivenUp>(&fact)) {
    give_up(*given_up);
  } else if (const auto* decided = std::get_if<CoverageDecided>(&fact)) {
    decide(*decided);
  } else if (const auto* fed = std::get_if<InputFed>(&fact)) {
    feed(*fed);
  } else if (const auto* weighed = std::get_if<PartitionsWeighed>(&fact)) {
    weigh(*weighed);
  }
}

void Invariants::decide(const CoverageDecided& fact) {
  JobBook& job = jobs_.at(fact.job);
  if (job.decided) report("coverage decided twice");
  if (committed_tasks(job, Stage::kReduce) > 0) report("coverage decided after a reduce");
  if (committed_tasks(job, Stage::kMap) != fact.covered) report("covers what is not committed");
  job.decided = true;
  for (std::uint32_t i = 0; i < job.submitted.split_bytes.size(); ++i) {
    TaskBook& task = job.tasks[{Stage::kMap, i}];
    if (task.committed != AttemptId{}) continue;
    task.given_up = true;
    task.last_committed = AttemptId{};
    // By this very step.
    for (const auto& [attempt, worker] : task.live) to_cancel_[attempt] = worker;
  }
}

std::uint32_t Invariants::given_up_tasks(const JobBook& job) const {
  std::uint32_t count = 0;
  for (const auto& [task, book] : job.tasks) count += book.given_up ? 1 : 0;
  return count;
}

void Invariants::accept(const JobSubmitted& job) {
  if (jobs_.count(job.job) > 0 || ended_.count(job.job) > 0) report("job accepted twice");
  jobs_[job.job].submitted = job;
}

void Invariants::commit(const AttemptCommitted& fact) {
  JobBook* job = job_of(fact.task, "commit");
  if (job == nullptr) return;
  TaskBook& task = job->tasks[{fact.task.stage, fact.task.index}];
  if (task.committed != AttemptId{}) report("I1: second commit: " + to_text(fact));
  if (task.given_up) report("commit of what was given up: " + to_text(fact));
  const auto live = task.live.find(fact.attempt);
  if (live == task.live.end() || live->second != fact.worker) {
    report("I9: commit by an attempt that is not live there: " + to_text(fact));
  }
  if (job->commit_started) report("commit while publishing: " + to_text(fact));
  task.committed = fact.attempt;
  task.last_committed = fact.attempt;
  task.holder = fact.worker;
  task.output_empty = fact.output_empty;
  ever_committed_.insert(fact.attempt);
  release(fact.attempt);
}

void Invariants::invalidate(const MapOutputInvalidated& fact) {
  JobBook* job = job_of(fact.task, "invalidation");
  if (job == nullptr) return;
  TaskBook& task = job->tasks[{fact.task.stage, fact.task.index}];
  if (fact.task.stage != Stage::kMap) report("only map outputs can be lost");
  if (task.committed != fact.attempt) report("invalidated what is not committed");
  if (task.output_empty) report("invalidated an empty output");
  if (job->commit_started) report("invalidated while publishing");
  if (committed_tasks(*job, Stage::kReduce) == job->reduces()) {
    report("invalidated an output that nobody needs");
  }
  task.committed = AttemptId{};
}

void Invariants::end(const JobEnded& fact) {
  const auto job = jobs_.find(fact.job);
  if (job == jobs_.end()) {
    report("job ended twice");
    return;
  }
  if (!proto::is_final(fact.state)) report("ended in a state that is not final");
  if (fact.state == proto::JobState::kSucceeded && !job->second.commit_started) {
    report("succeeded without publication");
  }
  if (fact.state == proto::JobState::kPartial && !job->second.commit_started) {
    report("partial without publication");
  }
  const bool lacks = given_up_tasks(job->second) > 0;
  if (fact.state == proto::JobState::kSucceeded && lacks) report("success without all maps");
  if (fact.state == proto::JobState::kPartial && !lacks) report("partial with all maps");
  if (fact.state == proto::JobState::kCancelled && job->second.commit_started) {
    report("I21: cancelled while publishing");
  }
  ended_[fact.job] = fact.state;
  // What is live now must be cancelled, or lost, by this very step.
  for (auto& [id, task] : job->second.tasks) {
    for (const auto& [attempt, worker] : task.live) {
      to_cancel_[attempt] = worker;
      live_.erase(attempt);
      workers_[worker].live.erase(attempt);
    }
  }
  jobs_.erase(job);
}

void Invariants::check(const Action& action) {
  if (const auto* assigned = std::get_if<AssignAttempt>(&action)) {
    assign(*assigned);
  } else if (const auto* listed = std::get_if<ListOutputs>(&action)) {
    list(*listed);
  } else if (const auto* told = std::get_if<TellOutputs>(&action)) {
    tell(*told);
  } else if (const auto* homes = std::get_if<TellHomes>(&action)) {
    tell_homes(*homes);
  } else if (const auto* adopted = std::get_if<AdoptAttempt>(&action)) {
    adopt(*adopted);
  } else if (const auto* cancelled = std::get_if<CancelAttempt>(&action)) {
    if (is_committed(cancelled->attempt)) report("cancelled a committed attempt");
    to_cancel_.erase(cancelled->attempt);
    release(cancelled->attempt);
  } else if (const auto* answer = std::get_if<AnswerCommit>(&action)) {
    if (answer->granted && ever_committed_.count(answer->attempt) == 0) {
      report("granted without a fact: " + to_text(action));
    }
    if (!answer->granted && is_committed(answer->attempt)) {
      report("denied a committed attempt: " + to_text(action));
    }
    if (!answer->granted) {
      // A second run that was only compared; its worker drops it.
      to_cancel_.erase(answer->attempt);
      release(answer->attempt);
    }
  } else if (const auto* published = std::get_if<PublishJob>(&action)) {
    publish(*published);
  } else if (const auto* finished = std::get_if<FinishJob>(&action)) {
    if (ended_.count(finished->job) == 0) report("finished before it ended");
  } else if (const auto* forgotten = std::get_if<ForgetWorker>(&action)) {
    forget(forgotten->worker);
  }
}

void Invariants::assign(const AssignAttempt& action) {
  const std::string text = to_text(action);
  JobBook* job = job_of(action.task, "I21: assignment");
  if (job == nullptr) return;
  if (job->commit_started) report("assignment while publishing: " + text);
  TaskBook& task = job->tasks[{action.task.stage, action.task.index}];
  const bool compared = action.task.stage == Stage::kMap && job->submitted.verify_per_million > 0;
  if (task.committed != AttemptId{} && !compared) report("assignment of a committed task: " + text);
  if (task.given_up) report("assignment of what was given up: " + text);
  // Of several replicas another one may be left to settle it, and be lost.
  const bool spent = task.failures >= job->submitted.attempts_max;
  if (spent && job->submitted.replicas.replicas == 1) report("I12: no budget left: " + text);
  const auto worker = workers_.find(action.worker);
  if (worker == workers_.end()) {
    report("assignment to a worker that is not there: " + text);
    return;
  }
  const auto known = task.live.find(action.attempt);
  if (known == task.live.end()) {
    if (!seen_.insert(action.attempt).second) report("attempt id used twice: " + text);
    if (worker->second.draining) report("assignment to a draining worker: " + text);
    for (const auto& [other, where] : task.live) {
      if (where == action.worker) report("I13: both attempts on one worker: " + text);
    }
    if (!task.live.empty()) ++backups_;
    const std::uint32_t replicas = job->submitted.replicas.replicas;
    if (replicas == 1 && task.live.empty() == action.speculative) {
      report("I13: not a backup, or unsaid: " + text);
    }
    task.live[action.attempt] = action.worker;
    live_[action.attempt] = action.task;
    worker->second.live.insert(action.attempt);
    const bool many = task.live.size() > std::max<std::uint32_t>(2, replicas);
    if (many) report("I13: too many live attempts: " + text);
  } else if (known->second != action.worker) {
    report("attempt moved: " + text);
  }
  if (action.task.stage == Stage::kReduce) check_inputs(*job, action);
  if (action.task.stage == Stage::kGather && !has_gather_inputs(*job, action.task.index)) {
    report("is to gather what is not committed: " + text);
  }
  if (action.task.stage == Stage::kMap && job->submitted.sample &&
      committed_tasks(*job, Stage::kSample) == 0) {
    report("map before the sample: " + text);
  }
}

void Invariants::adopt(const AdoptAttempt& action) {
  const std::string text = to_text(action);
  JobBook* job = job_of(action.task, "adoption");
  if (job == nullptr) return;
  if (job->commit_started) report("adoption while publishing: " + text);
  TaskBook& task = job->tasks[{action.task.stage, action.task.index}];
  if (task.committed != AttemptId{}) report("adoption for a committed task: " + text);
  if (ever_committed_.count(action.attempt) > 0) report("adoption of what committed: " + text);
  for (const auto& [other, where] : task.live) {
    if (where == action.worker) report("I13: adopted beside another on one worker: " + text);
  }
  const std::size_t most = std::max<std::uint32_t>(2, job->submitted.replicas.replicas);
  if (task.live.size() >= most) report("I13: too many live attempts: " + text);
  if (live_.count(action.attempt) > 0) report("I9: adopted though it is live: " + text);
  seen_.insert(action.attempt);
  task.live[action.attempt] = action.worker;
  live_[action.attempt] = action.task;
  workers_[action.worker].live.insert(action.attempt);
}

void Invariants::list(const ListOutputs& action) {
  const auto known = jobs_.find(action.job);
  if (known == jobs_.end()) return report("a list for a job that is not there");
  JobBook& job = known->second;
  if (action.version <= job.list.version) report("a list that is not newer: " + to_text(action));
  if (action.outputs.empty()) report("an empty list: " + to_text(action));
  job.list = action;
  check_list(job);
}

void Invariants::check_list(const JobBook& job) {
  const std::vector<CommittedOutput>& outputs = job.list.outputs;
  const std::string text = to_text(job.list);
  if (committed_tasks(job, Stage::kMap) + given_up_tasks(job) != job.submitted.split_bytes.size()) {
    report("I20: reduces are to read before every map is committed: " + text);
  }
  std::size_t next = 0;
  for (const auto& [id, task] : job.tasks) {
    if (id.first != Stage::kMap || task.output_empty || task.given_up) continue;
    if (next == outputs.size() || outputs[next].split != id.second ||
        outputs[next].attempt != task.committed || outputs[next].worker != task.holder) {
      return report("I3: what is listed are not the committed outputs: " + text);
    }
    ++next;
  }
  if (next != outputs.size()) report("I3: more is listed than outputs: " + text);
}

void Invariants::tell(const TellOutputs& action) {
  const auto job = jobs_.find(action.job);
  if (job == jobs_.end() || job->second.list.version == 0) {
    return report("told of a list that is not there: " + to_text(action));
  }
  check_list(job->second);
}

void Invariants::publish(const PublishJob& action) {
  const auto job = jobs_.find(action.job);
  if (job == jobs_.end() || !job->second.commit_started) {
    report("published without the fact");
    return;
  }
  for (std::size_t i = 0; i < action.reduces.size(); ++i) {
    const auto index = static_cast<std::uint32_t>(i);
    if (job->second.tasks[{Stage::kReduce, index}].committed != action.reduces[i]) {
      report("published a reduce attempt that is not the committed one");
    }
  }
  for (std::size_t i = 0; i < action.maps.size(); ++i) {
    const auto index = static_cast<std::uint32_t>(i);
    if (job->second.tasks[{Stage::kMap, index}].last_committed != action.maps[i]) {
      report("published a map attempt that is not the last committed one");
    }
  }
}

void Invariants::release(AttemptId attempt) {
  const auto task = live_.find(attempt);
  if (task == live_.end()) return;
  TaskBook& book = jobs_.at(task->second.job).tasks[{task->second.stage, task->second.index}];
  workers_[book.live.at(attempt)].live.erase(attempt);
  book.live.erase(attempt);
  live_.erase(task);
}

void Invariants::forget(WorkerId worker) {
  std::erase_if(to_cancel_, [worker](const auto& entry) { return entry.second == worker; });
  const auto it = workers_.find(worker);
  if (it == workers_.end()) return;
  const std::set<AttemptId> live = it->second.live;
  for (const AttemptId attempt : live) release(attempt);
  workers_.erase(worker);
}

}  // namespace fanfold::master
