// Which facts of the past a next master still needs.  Of an ended job only its end, of very old
// ones nothing; of a worker that is gone nothing, unless a job that still runs is older than its
// going: that job's facts may name the worker.

#pragma once

#include <cstdint>
#include <map>
#include <set>

#include "common/core/ids.hpp"
#include "master/scheduler/fact.hpp"

namespace fanfold::master {

class History {
 public:
  /// All facts, in order; then close().
  void add(std::uint64_t sequence, const Fact& fact);
  void close();

  bool needs(const Fact& fact) const;

 private:
  std::map<JobId, std::uint64_t> unfinished_;  // Since which fact.
  std::set<JobId> ended_;
  std::set<JobId> old_;
  std::map<WorkerId, std::uint64_t> gone_;
  std::uint64_t oldest_unfinished_ = 0;
};

}  // namespace fanfold::master
