#include "worker/exec/part_place.hpp"

#include <bit>

#include "common/proto/gather.hpp"

namespace fanfold::worker {

using abi::Gather;

namespace {

/// Reduce and gather: what it makes is for another gather task to read.
bool feeds_gather(const proto::TaskAssignment& assignment) {
  const TaskId& task = assignment.task;
  if (task.stage == Stage::kReduce) return assignment.share.is_share() || is_gathered(assignment);
  return task.stage == Stage::kGather && !proto::GatherTree(assignment).is_root(task.index);
}

}  // namespace

bool is_gathered(const proto::TaskAssignment& assignment) {
  return proto::GatherTree(assignment).tasks() > 0;
}

bool joins(const proto::TaskAssignment& assignment) {
  const Gather how = assignment.spec.gather.how;
  // Parts of ranges follow each other: to merge them is to join them.
  return how == Gather::kConcat ||
         (how == Gather::kMergeSort && assignment.spec.partitioning == abi::Partitioning::kRange);
}

bool leaves_run(const proto::TaskAssignment& assignment) {
  return assignment.share.is_share() || (feeds_gather(assignment) && !joins(assignment));
}

bool has_branch(const proto::TaskAssignment& assignment) {
  return assignment.task.stage == Stage::kMap && assignment.spec.gather.how == Gather::kReduce &&
         is_gathered(assignment);
}

abi::Reduction reduction_of(const proto::TaskAssignment& assignment) {
  if (!leaves_run(assignment)) return abi::Reduction::kWrite;
  const bool folds = assignment.share.is_share() || assignment.spec.gather.how == Gather::kReduce;
  return folds ? abi::Reduction::kFold : abi::Reduction::kKeep;
}

std::uint64_t checksum_of_run(const abi::BlockSummary& summary) {
  return summary.sum ^ std::rotl(summary.exclusive_or, 1);
}

PartPlace place_of(const proto::TaskAssignment& assignment, std::string_view output) {
  const io::PartCompression compression = assignment.spec.output_compression;
  if (assignment.task.stage == Stage::kMap) {
    return {io::map_part_name(output, compression), compression, false};
  }
  const bool gather = assignment.task.stage == Stage::kGather;
  PartPlace place;
  // One file comes out of a tree.
  place.file = io::part_name(output.empty() ? "part" : output, gather ? 0 : assignment.task.index,
                             gather ? 1 : assignment.partitions, compression);
  // What is joined was compressed by those who wrote it; such pieces may follow each other.
  place.compression = gather && joins(assignment) ? io::PartCompression::kNone : compression;
  place.unseen = !output.empty() || !feeds_gather(assignment);
  return place;
}

}  // namespace fanfold::worker
