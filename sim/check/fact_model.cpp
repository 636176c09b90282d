#include "sim/check/fact_model.hpp"

#include <type_traits>
#include <variant>

namespace fanfold::sim {

std::uint32_t ModelJob::committed(Stage stage) const {
  std::uint32_t count = 0;
  for (const auto& [id, task] : tasks) {
    if (id.stage == stage && task.committed != AttemptId{}) ++count;
  }
  return count;
}

std::uint32_t ModelJob::maps_ever() const {
  std::uint32_t count = 0;
  for (const auto& [id, task] : tasks) {
    if (id.stage != Stage::kMap) continue;
    if (task.committed != AttemptId{} || task.invalidations > 0) ++count;
  }
  return count;
}

bool ModelJob::maps_are_read() const {
  for (std::uint32_t index = 0; index < reduces(); ++index) {
    if (shares.find(index) != nullptr) continue;
    const auto known = tasks.find({submitted.job, Stage::kReduce, index});
    if (known == tasks.end() || known->second.committed == AttemptId{}) return false;
  }
  return true;
}

const ModelJob* FactModel::find(JobId job) const {
  const auto known = jobs.find(job);
  return known == jobs.end() ? nullptr : &known->second;
}

const ModelTask* FactModel::find(const TaskId& task) const {
  const ModelJob* job = find(task.job);
  if (job == nullptr) return nullptr;
  const auto known = job->tasks.find(task);
  return known == job->tasks.end() ? nullptr : &known->second;
}

void FactModel::apply(const master::Fact& fact) {
  std::visit(
      [this](const auto& one) {
        using One = std::decay_t<decltype(one)>;
        if constexpr (std::is_same_v<One, master::JobAccepted>) {
          jobs[one.job.job].submitted = one.job;
          jobs[one.job.job].control = one.job.control;
        } else if constexpr (std::is_same_v<One, master::JobControlled>) {
          jobs[one.job].control = one.control;
        } else if constexpr (std::is_same_v<One, master::InputFed>) {
          ModelJob& job = jobs[one.job];
          std::vector<std::uint64_t>& splits = job.submitted.split_bytes;
          splits.insert(splits.end(), one.split_bytes.begin(), one.split_bytes.end());
          for (const std::uint64_t bytes : one.split_bytes) job.fed_bytes += bytes;
          if (one.closed) job.submitted.open = false;
        } else if constexpr (std::is_same_v<One, master::AttemptCommitted>) {
          ModelTask& task = jobs[one.task.job].tasks[one.task];
          task.committed = one.attempt;
          task.holder = one.worker;
          task.output_empty = one.output_empty;
          task.item_failures = one.failures;
          commits[one.attempt] = one.task;
        } else if constexpr (std::is_same_v<One, master::MapOutputInvalidated>) {
          ModelTask& task = jobs[one.task.job].tasks[one.task];
          task.committed = AttemptId{};
          ++task.invalidations;
        } else if constexpr (std::is_same_v<One, master::TaskFailureCounted>) {
          ++jobs[one.task.job].tasks[one.task].failures;
        } else if constexpr (std::is_same_v<One, master::JobCommitStarted>) {
          jobs[one.job].publishing = true;
        } else if constexpr (std::is_same_v<One, master::JobEnded>) {
          jobs[one.job].ended = one;
        } else if constexpr (std::is_same_v<One, master::WorkerGone>) {
          gone.insert(one.worker);
        } else if constexpr (std::is_same_v<One, master::TaskGivenUp>) {
          jobs[one.task.job].given_up.insert(one.task.index);
        } else if constexpr (std::is_same_v<One, master::CoverageDecided>) {
          ModelJob& job = jobs[one.job];
          job.decided = one;
          for (const auto& [id, task] : job.tasks) {
            if (id.stage == Stage::kMap && task.committed != AttemptId{}) {
              job.covered.insert(id.index);
            }
          }
        } else if constexpr (std::is_same_v<One, master::PartitionsWeighed>) {
          ModelJob& job = jobs[one.job];
          job.shares = proto::Shares(job.submitted.partitions, one.heavy, one.ends);
        } else if constexpr (std::is_same_v<One, master::NonDeterminismFound>) {
          jobs[one.task.job].nondeterministic = true;
        } else if constexpr (std::is_same_v<One, master::DissentFound>) {
          ModelJob& job = jobs[one.task.job];
          if (one.decided) ++job.dissents;
          if (!one.decided) job.no_majority = true;
        }
      },
      fact);
}

}  // namespace fanfold::sim
