// Where the files of an attempt go, and what a task of a job whose results are gathered does
// differently.  Works on the assignment alone.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/io/part_file.hpp"
#include "common/proto/types.hpp"
#include "fanfold/abi.hpp"

namespace fanfold::worker {

/// Its results are brought together in a tree that has inner nodes.
bool is_gathered(const proto::TaskAssignment& assignment);
/// Gather: the files of the tasks below are put one behind the other.
bool joins(const proto::TaskAssignment& assignment);
/// Reduce and gather: what it makes is a run for another task to read, not a part.
bool leaves_run(const proto::TaskAssignment& assignment);
/// Map: everything goes to one partition, the branch of its split.
bool has_branch(const proto::TaskAssignment& assignment);
/// What its reduce task makes of its segments.
abi::Reduction reduction_of(const proto::TaskAssignment& assignment);

/// What is committed of such a run in place of a checksum of its bytes: its blocks have one each.
std::uint64_t checksum_of_run(const abi::BlockSummary& summary);

/// One output file of an attempt.
struct PartPlace {
  std::string file;  // In the directory of the attempt.
  io::PartCompression compression = io::PartCompression::kNone;
  /// It is published as it is; else something in the staging directory is made of it first.
  bool unseen = false;
};
/// Of the output called `output`; empty: of the part itself.
PartPlace place_of(const proto::TaskAssignment& assignment, std::string_view output);

}  // namespace fanfold::worker
