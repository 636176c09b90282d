#include "master/scheduler/task_text.hpp"

namespace fanfold::master::scheduling {

std::string describe(const TaskId& task) {
  switch (task.stage) {
    case Stage::kSample:
      return "the sampling task";
    case Stage::kMap:
      return "map task " + std::to_string(task.index);
    case Stage::kReduce:
      return "reduce task " + std::to_string(task.index);
    case Stage::kGather:
      return "gather task " + std::to_string(task.index);
  }
  return "a task";
}

std::string describe(const TaskId& task, const proto::Shares& shares) {
  const bool reduce = task.stage == Stage::kReduce;
  const proto::PartitionShare share = reduce ? shares.share(task.index) : proto::PartitionShare();
  if (!share.is_share()) return describe(task);
  return describe(task) + " (a share of partition " + std::to_string(share.partition) + ")";
}

std::string hexadecimal(std::uint64_t value) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text(16, '0');
  for (std::size_t i = text.size(); i-- > 0; value >>= 4) text[i] = kDigits[value & 15];
  return text;
}

}  // namespace fanfold::master::scheduling
