// What is held of the maps that a job has and goes without: a part of the invariants.

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

}  // namespace fanfold::master
