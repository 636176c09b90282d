// The tree by which the results of a job's reduces become one: its leaves are the parts that
// reduces write, each inner node is a gather task, the last task is the root and writes the output.
//
//   parts   0 1 2 3 4 5 6        arity 3
//           |_|_| |_| |_|
//   tasks     0    1   2         a level begins when the one before it is whole
//             |____|___|
//                  3             the root
//
// Everybody who needs to know works it out of the same two numbers.

#pragma once

#include <cstdint>
#include <vector>

#include "common/core/ids.hpp"
#include "common/proto/types.hpp"

namespace fanfold::proto {

class GatherTree {
 public:
  /// An arity of less than 2: results are not brought together.
  GatherTree(std::uint32_t parts, std::uint32_t arity);
  explicit GatherTree(const TaskAssignment& assignment)
      : GatherTree(assignment.partitions, assignment.spec.gather.arity) {}

  /// Gather tasks; 0: there is nothing to do, as with a single part.
  std::uint32_t tasks() const { return ends_.empty() ? 0 : ends_.back(); }
  std::uint32_t levels() const { return static_cast<std::uint32_t>(ends_.size()); }
  bool is_root(std::uint32_t task) const { return task + 1 == tasks(); }
  /// How many tasks may run, from the first on, when so many are done.
  std::uint32_t open_after(std::uint32_t done) const;

  struct Inputs {
    Stage stage = Stage::kReduce;  // Of these tasks: parts of reduces, or what gather tasks made.
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
  };
  /// Neighbours, shared out evenly.
  Inputs inputs(std::uint32_t task) const;

 private:
  std::uint32_t parts_;
  std::vector<std::uint32_t> ends_;  // Of each level: the number behind its last task.
};

/// Of a job that gathers by reducing, with as many branches as partitions: where map `split` of
/// `maps` goes, so that each branch has neighbours.
std::uint32_t branch_of(std::uint32_t split, std::size_t maps, std::uint32_t partitions);

/// "concat", "merge-sort", "reduce", "none".
const char* name_of(abi::Gather gather);

/// What a task leaves for the one above it in the tree, where that needs the keys: a run file with
/// the one segment of partition 0.
inline constexpr const char* kGatherRunName = "gather.run";

/// Of what a reduce or gather task left, the file that is gathered; null: it left none.
const io::PartInfo* gathered_file(const std::vector<io::PartInfo>& files);

}  // namespace fanfold::proto
