#include "common/proto/gather.hpp"

#include <algorithm>

#include "common/core/check.hpp"
#include "common/io/part_file.hpp"

namespace fanfold::proto {

GatherTree::GatherTree(std::uint32_t parts, std::uint32_t arity) : parts_(parts) {
  if (arity < abi::kGatherArityLeast) return;
  for (std::uint32_t inputs = parts, end = 0; inputs > 1;) {
    inputs = inputs / arity + (inputs % arity != 0 ? 1 : 0);
    ends_.push_back(end += inputs);
  }
}

std::uint32_t GatherTree::open_after(std::uint32_t done) const {
  const auto level = std::upper_bound(ends_.begin(), ends_.end(), done);
  return level == ends_.end() ? tasks() : *level;
}

GatherTree::Inputs GatherTree::inputs(std::uint32_t task) const {
  FANFOLD_CHECK(task < tasks());
  const auto level = std::upper_bound(ends_.begin(), ends_.end(), task);
  const bool lowest = level == ends_.begin();
  const std::uint32_t level_begin = lowest ? 0 : *(level - 1);
  const std::uint64_t tasks = *level - level_begin;
  const std::uint64_t place = task - level_begin;
  // Where the inputs of this level begin: parts count for themselves.
  const std::uint32_t first = lowest || level - 1 == ends_.begin() ? 0 : *(level - 2);
  const std::uint64_t count = lowest ? parts_ : level_begin - first;
  return {lowest ? Stage::kReduce : Stage::kGather,
          first + static_cast<std::uint32_t>(place * count / tasks),
          first + static_cast<std::uint32_t>((place + 1) * count / tasks)};
}

std::uint32_t branch_of(std::uint32_t split, std::size_t maps, std::uint32_t partitions) {
  FANFOLD_CHECK(split < maps);
  return static_cast<std::uint32_t>(std::uint64_t{split} * partitions / maps);
}

const char* name_of(abi::Gather gather) {
  switch (gather) {
    case abi::Gather::kNone:
      return "none";
    case abi::Gather::kConcat:
      return "concat";
    case abi::Gather::kMergeSort:
      return "merge-sort";
    case abi::Gather::kReduce:
      return "reduce";
  }
  return "unknown";
}

const io::PartInfo* gathered_file(const std::vector<io::PartInfo>& files) {
  // Before all named outputs: the name of the part is the empty one.
  if (files.empty()) return nullptr;
  const std::string& name = files.front().name;
  return name == kGatherRunName || io::is_part_name(name) ? &files.front() : nullptr;
}

}  // namespace fanfold::proto
