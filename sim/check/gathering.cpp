// I32: a gather task commits only when all that it brings together has, and a job that gathers is
// published only when the root of its tree has.
// L3: when all reduces that read map outputs have committed, none of these is made again.

#include <variant>

#include "sim/check/invariants.hpp"

namespace fanfold::sim {
namespace {

class Gathering final : public Checker {
 public:
  using Checker::Checker;

  void fact(const master::Fact& fact, std::uint64_t /*epoch*/) override {
    if (const auto* committed = std::get_if<master::AttemptCommitted>(&fact)) check(*committed);
    if (const auto* started = std::get_if<master::JobCommitStarted>(&fact)) check(*started);
    if (const auto* lost = std::get_if<master::MapOutputInvalidated>(&fact)) check(*lost);
  }

 private:
  void check(const master::AttemptCommitted& fact) {
    if (fact.task.stage != Stage::kGather) return;
    const ModelJob* job = facts().find(fact.task.job);
    if (job == nullptr) return;
    const proto::GatherTree tree = job->tree();
    if (fact.task.index >= tree.tasks()) {
      return violate("I32", text_of(fact.task) + " is none of its tree");
    }
    const proto::GatherTree::Inputs inputs = tree.inputs(fact.task.index);
    for (std::uint32_t i = inputs.begin; i < inputs.end; ++i) {
      const ModelTask* input = facts().find({fact.task.job, inputs.stage, i});
      if (input != nullptr && input->committed != AttemptId{}) continue;
      violate("I32", text_of(fact.task) + " committed before " +
                         text_of(TaskId{fact.task.job, inputs.stage, i}) + " had");
    }
  }

  void check(const master::JobCommitStarted& fact) {
    const ModelJob* job = facts().find(fact.job);
    if (job == nullptr || job->tree().tasks() == 0) return;
    const TaskId root{fact.job, Stage::kGather, job->tree().tasks() - 1};
    const ModelTask* task = facts().find(root);
    if (task == nullptr || task->committed == AttemptId{}) {
      violate("I32", text_of(fact.job) + " is published before its results are one");
    }
  }

  void check(const master::MapOutputInvalidated& fact) {
    const ModelJob* job = facts().find(fact.task.job);
    if (job == nullptr || !job->maps_are_read()) return;
    violate("L3", text_of(fact.task) + " was invalidated when all reduces had read it");
  }
};

}  // namespace

std::unique_ptr<Checker> check_gathering(Scene& scene) {
  return std::make_unique<Gathering>(scene);
}

}  // namespace fanfold::sim
