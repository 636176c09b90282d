// The way of the data through a job, as HTML: what it reads, its stages, what it writes, and the
// jobs before and after it, where somebody knows of them.

#pragma once

#include <string>
#include <vector>

#include "common/history/job_history.hpp"

namespace fanfold {

/// A job whose output this one reads, or that reads the output of this one.
struct NeighbourJob {
  std::string name;  // Any text.
  std::string path;  // Of its page; ours.
  std::string state;
};

struct Neighbours {
  std::vector<NeighbourJob> before;
  std::vector<NeighbourJob> after;
};

std::string stage_graph(const JobHistory& history, const Neighbours& neighbours);

}  // namespace fanfold
