// What a task of a job is told: the frame for its worker, and the capsule of an attempt that
// failed.

#include <utility>

#include "common/core/check.hpp"
#include "common/proto/codec.hpp"
#include "common/proto/gather.hpp"
#include "master/service/job_record.hpp"

namespace fanfold::master {
namespace {

/// Of a list of map outputs that goes into a capsule: a megabyte or two.
constexpr std::size_t kCapsulePages = 8;

}  // namespace

proto::Encoded JobRecord::assignment_frame(const AssignAttempt& action, std::uint32_t protocol) {
  proto::TaskAssignment& assignment = message_.assignment;
  assignment.attempt = action.attempt;
  assignment.task = action.task;
  assignment.attempt_number = action.attempt_number;
  assignment.generation = action.generation;
  assignment.list_version = action.list_version;
  assignment.split = {};
  assignment.branch = 0;
  if (action.task.stage == Stage::kSample) assignment.split = sample_;
  if (action.task.stage == Stage::kGather) {
    assignment.gather_inputs = gather_inputs(action.task.index);
  }
  assignment.share = {};
  if (action.task.stage == Stage::kReduce) {
    assignment.gather_inputs = shared_inputs(action.task.index);
    assignment.share = shares_.share(action.task.index);
  }
  if (action.task.stage != Stage::kMap) {
    // Splitters tell maps where to write.
    std::vector<std::string> kept = std::exchange(assignment.splitters, {});
    const proto::BadRecordPolicy policy = assignment.spec.bad_records;
    if (action.task.stage == Stage::kReduce) {
      assignment.spec.bad_records = policy_of_reduces(action.task.index);
    }
    proto::Encoded frame = proto::encode_for(message_, protocol);
    assignment.spec.bad_records = policy;
    assignment.splitters = std::move(kept);
    assignment.gather_inputs = {};
    return frame;
  }
  FANFOLD_CHECK(action.task.index < splits_.size());
  assignment.branch = branch_of(action.task.index);
  // Lent for one encoding: a split of many small files is large.
  std::swap(assignment.split, splits_[action.task.index]);
  proto::Encoded frame = proto::encode_for(message_, protocol);
  std::swap(assignment.split, splits_[action.task.index]);
  return frame;
}

std::uint32_t JobRecord::branch_of(std::uint32_t split) const {
  if (spec().gather.how != abi::Gather::kReduce) return 0;
  return proto::branch_of(split, splits_.size(), message_.assignment.partitions);
}

/// They have none; what they read is kept when there is something to be added to it.
proto::BadRecordPolicy JobRecord::policy_of_reduces(std::uint32_t task) const {
  const bool share = shares_.share(task).is_share();
  const bool letters = totals_[slot_of(Stage::kMap)].dead_letters > 0 && !share;
  return letters ? spec().bad_records : proto::BadRecordPolicy();
}

proto::Capsule JobRecord::capsule(AttemptId attempt, const TaskId& task,
                                  std::uint32_t attempt_number,
                                  const proto::FailureReport& failure) const {
  proto::Capsule capsule;
  capsule.assignment = message_.assignment;
  capsule.assignment.attempt = attempt;
  capsule.assignment.task = task;
  capsule.assignment.attempt_number = attempt_number;
  capsule.assignment.split = {};
  if (task.stage == Stage::kSample) capsule.assignment.split = sample_;
  // Of a job that is over nothing is left.
  if (task.stage == Stage::kMap && task.index < splits_.size()) {
    capsule.assignment.split = splits_[task.index];
    capsule.assignment.branch = branch_of(task.index);
  }
  if (task.stage == Stage::kGather && contains(task)) {
    capsule.assignment.gather_inputs = gather_inputs(task.index);
  }
  if (task.stage == Stage::kReduce) {
    capsule.assignment.spec.bad_records = policy_of_reduces(task.index);
    capsule.assignment.share = shares_.share(task.index);
    if (contains(task)) capsule.assignment.gather_inputs = shared_inputs(task.index);
    // One that is folded reads no map outputs.
    if (shares_.find(task.index) == nullptr) {
      capsule.assignment.list_version = listing_.version();
      if (listing_.frames().size() <= kCapsulePages) capsule.list_pages = listing_.frames();
    }
  }
  capsule.failure = failure;
  return capsule;
}

std::vector<proto::GatherInput> JobRecord::gather_inputs(std::uint32_t task) const {
  std::vector<proto::GatherInput> inputs;
  const proto::GatherTree::Inputs wanted = tree().inputs(task);
  const std::vector<Commit>& commits = commits_[slot_of(wanted.stage)];
  for (std::uint32_t i = wanted.begin; i < wanted.end; ++i) {
    FANFOLD_CHECK(commits[i].attempt != AttemptId{});
    const io::PartInfo* file = proto::gathered_file(commits[i].report.files);
    if (file != nullptr) inputs.push_back({commits[i].attempt, *file});
  }
  return inputs;
}

}  // namespace fanfold::master
