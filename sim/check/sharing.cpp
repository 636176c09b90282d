// I37: a partition that is shared is read by its shares, each by its own splits and nothing else;
// its reduce is given out, and commits, only when all of them have committed, and it reads what
// these have left, all of it.

#include <map>
#include <set>
#include <variant>

#include "sim/check/invariants.hpp"

namespace fanfold::sim {
namespace {

class Sharing final : public Checker {
 public:
  using Checker::Checker;

  void master_says(std::uint32_t /*to*/, const proto::MasterMessage& message) override {
    const auto* assign = std::get_if<proto::Assign>(&message);
    if (assign == nullptr || assign->assignment.task.stage != Stage::kReduce) return;
    const proto::TaskAssignment& assignment = assign->assignment;
    const ModelJob* job = facts().find(assignment.task.job);
    if (job == nullptr) return;
    if (assignment.share != job->shares.share(assignment.task.index)) {
      violate("I37", text_of(assignment.task) + " is told of another share than its own");
    }
    shares_[assignment.attempt] = assignment.share;
    const proto::Shares::Folded* folded = job->shares.find(assignment.task.index);
    if (folded == nullptr) {
      if (assignment.gather_inputs.empty()) return;
      return violate("I37", text_of(assignment.task) + " is to read runs of shares it has not");
    }
    check_committed(assignment.task, *folded);
    if (assignment.list_version != 0) {
      violate("I37", text_of(assignment.task) + " is to read map outputs beside its shares");
    }
    check_complete(assignment, *folded);
    for (const proto::GatherInput& input : assignment.gather_inputs) {
      const auto task = facts().commits.find(input.attempt);
      const bool own = task != facts().commits.end() && task->second.job == assignment.task.job &&
                       task->second.index >= folded->begin && task->second.index < folded->end;
      if (!own) violate("I37", text_of(assignment.task) + " is to read what is no share of it");
    }
  }

  void fact(const master::Fact& fact, std::uint64_t /*epoch*/) override {
    const auto* committed = std::get_if<master::AttemptCommitted>(&fact);
    if (committed == nullptr || committed->task.stage != Stage::kReduce) return;
    if (committed->flow.records > 0) read_something_.insert(committed->attempt);
    const ModelJob* job = facts().find(committed->task.job);
    if (job == nullptr) return;
    const proto::Shares::Folded* folded = job->shares.find(committed->task.index);
    if (folded != nullptr) check_committed(committed->task, *folded);
  }

  void output_read(AttemptId reader, const proto::MapOutput& output,
                   std::uint64_t /*content*/) override {
    const auto share = shares_.find(reader);
    if (share == shares_.end() || share->second.reads(output.split)) return;
    violate("I37", text_of(reader) + " read map " + std::to_string(output.split) +
                       ", which another share reads");
  }

 private:
  void check_committed(const TaskId& reduce, const proto::Shares::Folded& folded) {
    for (std::uint32_t index = folded.begin; index < folded.end; ++index) {
      const TaskId share{reduce.job, Stage::kReduce, index};
      const ModelTask* task = facts().find(share);
      if (task != nullptr && task->committed != AttemptId{}) continue;
      violate("I37", text_of(reduce) + " goes ahead of " + text_of(share));
    }
  }

  void check_complete(const proto::TaskAssignment& reduce, const proto::Shares::Folded& folded) {
    std::set<AttemptId> given;
    for (const proto::GatherInput& input : reduce.gather_inputs) given.insert(input.attempt);
    for (std::uint32_t index = folded.begin; index < folded.end; ++index) {
      const TaskId share{reduce.task.job, Stage::kReduce, index};
      const ModelTask* task = facts().find(share);
      if (task == nullptr || !read_something_.contains(task->committed)) continue;
      if (given.contains(task->committed)) continue;
      violate("I37", text_of(reduce.task) + " is not to read what " + text_of(share) + " has left");
    }
  }

  std::map<AttemptId, proto::PartitionShare> shares_;
  std::set<AttemptId> read_something_;
};

}  // namespace

std::unique_ptr<Checker> check_sharing(Scene& scene) { return std::make_unique<Sharing>(scene); }

}  // namespace fanfold::sim
