// What is held of the maps that a job has and goes without, and of who reads them: a part of the
// invariants.

#include "tests/scheduler/invariants.hpp"
#include "tests/scheduler/text.hpp"

namespace fanfold::master {

void Invariants::give_up(const TaskGivenUp& fact) {
  JobBook* job = job_of(fact.task, "given up");
  if (job == nullptr) return;
  TaskBook& task = job->tasks[{fact.task.stage, fact.task.index}];
  if (fact.task.stage != Stage::kMap) report("a job cannot do without: " + to_text(Fact(fact)));
  if (job->decided) report("given up after the coverage was decided: " + to_text(Fact(fact)));
  if (task.committed != AttemptId{}) report("gave up what is committed: " + to_text(Fact(fact)));
  for (const auto& [attempt, worker] : task.live) to_cancel_[attempt] = worker;
  task.given_up = true;
  task.last_committed = AttemptId{};
}

void Invariants::feed(const InputFed& fact) {
  JobSubmitted& submitted = jobs_.at(fact.job).submitted;
  if (!submitted.open) report("fed a job that is closed: " + to_text(Fact(fact)));
  submitted.split_bytes.insert(submitted.split_bytes.end(), fact.split_bytes.begin(),
                               fact.split_bytes.end());
  submitted.open = !fact.closed;
}

void Invariants::tell_homes(const TellHomes& action) {
  const std::string text = to_text(Action(action));
  const auto known = jobs_.find(action.job);
  if (known == jobs_.end()) return report("homes for a job that is not there: " + text);
  JobBook& job = known->second;
  if (job.submitted.shuffle_mode == proto::ShuffleMode::kPull) report("homes in a pull: " + text);
  if (action.homes.empty()) report("tells nobody: " + text);
  for (const CommittedOutput& output : action.outputs) {
    const TaskBook& map = job.tasks[{Stage::kMap, output.split}];
    if (map.committed != output.attempt || map.holder != output.worker || map.output_empty) {
      report("tells of what is no committed output: " + text);
    }
  }
  std::set<std::uint32_t> partitions;
  for (const TellHomes::Home& home : action.homes) {
    if (workers_.count(home.worker) == 0) report("a home that is not there: " + text);
    for (const std::uint32_t partition : home.partitions) {
      if (partition >= job.submitted.partitions || !partitions.insert(partition).second) {
        report("a partition with two homes, or none such: " + text);
      }
    }
  }
}

void Invariants::weigh(const PartitionsWeighed& fact) {
  JobBook& job = jobs_.at(fact.job);
  if (committed_tasks(job, Stage::kReduce) > 0) report("weighed after a reduce");
  const auto maps = static_cast<std::uint32_t>(job.submitted.split_bytes.size());
  if (committed_tasks(job, Stage::kMap) + given_up_tasks(job) != maps) {
    report("weighed before every map is committed");
  }
  if (!proto::Shares::are_possible(job.submitted.partitions, maps, fact.heavy, fact.ends)) {
    report("shares that are none: " + to_text(Fact(fact)));
  }
  job.shares = proto::Shares(job.submitted.partitions, fact.heavy, fact.ends);
}

void Invariants::check_inputs(JobBook& job, const AssignAttempt& action) {
  const std::string text = to_text(action);
  if (const auto* folded = job.shares.find(action.task.index)) {
    for (std::uint32_t task = folded->begin; task < folded->end; ++task) {
      if (job.tasks[{Stage::kReduce, task}].committed == AttemptId{}) {
        report("reduces before its shares are there: " + text);
      }
    }
    if (action.list_version != 0) report("reads what its shares have read: " + text);
    return;
  }
  if (action.list_version == 0) {
    for (const auto& [id, task] : job.tasks) {
      if (id.first != Stage::kMap || task.given_up) continue;
      if (!task.output_empty) report("I3: nothing to read: " + text);
    }
    return;
  }
  if (action.list_version != job.list.version || action.generation != job.list.generation) {
    report("I3: reads an old list: " + text);
  }
  check_list(job);
}

}  // namespace fanfold::master
