// I3: a reduce is sent to read what is committed at that moment, all of it, and nothing else.
// I4: reduces of a job that succeeded read the same attempt of a map, or attempts that agree.

#include <map>
#include <set>
#include <variant>

#include "sim/check/invariants.hpp"

namespace fanfold::sim {
namespace {

class Reads final : public Checker {
 public:
  using Checker::Checker;

  void master_says(std::uint32_t /*to*/, const proto::MasterMessage& message) override {
    if (const auto* replaced = std::get_if<proto::NewInputs>(&message)) {
      const auto task = tasks_.find(replaced->attempt);
      if (task == tasks_.end()) {
        violate("I3", text_of(replaced->attempt) + " is told what to read, and is no reduce");
      } else {
        check_committed(task->second, replaced->outputs, replaced->holders);
      }
      return;
    }
    const auto* assign = std::get_if<proto::Assign>(&message);
    if (assign == nullptr || assign->assignment.task.stage != Stage::kReduce) return;
    const proto::TaskAssignment& assignment = assign->assignment;
    tasks_[assignment.attempt] = assignment.task;
    check_committed(assignment.task, assignment.outputs, assignment.holders);
    std::set<std::uint32_t> listed;
    for (const proto::MapOutput& output : assignment.outputs) listed.insert(output.split);
    const ModelJob* job = facts().find(assignment.task.job);
    if (job == nullptr) return;
    for (const auto& [id, task] : job->tasks) {
      if (id.stage != Stage::kMap || task.output_empty || task.committed == AttemptId{}) continue;
      if (listed.count(id.index) == 0) {
        violate("I3",
                text_of(assignment.task) + " was not told of map " + std::to_string(id.index));
      }
    }
    if (lost_now_.empty() && job->committed(Stage::kMap) != job->maps()) {
      violate("I3", text_of(assignment.task) + " was sent out before all maps had committed");
    }
  }

  void fact(const master::Fact& fact, std::uint64_t /*epoch*/) override {
    const auto* lost = std::get_if<master::MapOutputInvalidated>(&fact);
    if (lost != nullptr) lost_now_.insert(lost->attempt);
  }
  void step() override { lost_now_.clear(); }

  void output_written(AttemptId writer, std::uint32_t partition, std::uint64_t content) override {
    written_[writer][partition] = content;
  }
  void output_read(AttemptId reader, const proto::MapOutput& output,
                   std::uint64_t /*content*/) override {
    read_[reader][output.split] = output.attempt;
  }

  void end() override {
    for (const auto& [id, job] : facts().jobs) {
      if (!job.ended || job.ended->state != proto::JobState::kSucceeded) continue;
      // Without a broken mapper all attempts of a map agree.
      if (scene().cluster->config().nondeterministic != 0) check_cut(id, job);
    }
  }

 private:
  void check_committed(const TaskId& reduce, const std::vector<proto::MapOutput>& outputs,
                       const std::vector<proto::Holder>& holders) {
    for (const proto::MapOutput& output : outputs) {
      const ModelTask* map = facts().find({reduce.job, Stage::kMap, output.split});
      if (lost_now_.count(output.attempt) > 0) continue;
      if (map == nullptr || map->committed != output.attempt) {
        violate("I3", text_of(reduce) + " was sent to " + text_of(output.attempt) + " of map " +
                          std::to_string(output.split) + ", which is not committed");
      } else if (holders.at(output.holder).worker != map->holder) {
        violate("I3", text_of(reduce) + " was sent to the wrong worker for map " +
                          std::to_string(output.split));
      }
    }
  }

  void check_cut(JobId id, const ModelJob& job) {
    std::map<std::uint32_t, AttemptId> used;
    for (const auto& [task, state] : job.tasks) {
      if (task.stage != Stage::kReduce) continue;
      for (const auto& [split, attempt] : read_[state.committed]) {
        const auto [known, fresh] = used.emplace(split, attempt);
        if (!fresh && written_[known->second] != written_[attempt]) {
          violate("I4", text_of(id) + " succeeded, and its reduces read " + text_of(known->second) +
                            " and " + text_of(attempt) + " of map " + std::to_string(split));
        }
      }
    }
  }

  std::map<AttemptId, TaskId> tasks_;                                    // Of reduces.
  std::map<AttemptId, std::map<std::uint32_t, AttemptId>> read_;         // Of which split which.
  std::map<AttemptId, std::map<std::uint32_t, std::uint64_t>> written_;  // By partition.
  /// In this step, maybe after the assignment was decided: all facts of a turn come before its
  /// messages.
  std::set<AttemptId> lost_now_;
};

}  // namespace

std::unique_ptr<Checker> check_reads(Scene& scene) { return std::make_unique<Reads>(scene); }

}  // namespace fanfold::sim
