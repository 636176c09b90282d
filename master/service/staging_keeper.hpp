// Staging directories of ended jobs, until they may be removed.
//
// An attempt that was told to stop may still be writing, and so may the side thread that writes
// what the job is fed; a directory removed under them would be made again.  So a directory waits
// until nobody writes for its job, within a bound.

#pragma once

#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "common/core/ids.hpp"
#include "common/core/time.hpp"
#include "master/service/chores.hpp"

namespace fanfold::master {

class StagingKeeper {
 public:
  explicit StagingKeeper(Duration patience) : patience_(patience) {}

  void add(JobId job, Remains remains, Instant now);

  struct Removable {
    JobId job;
    Remains remains;
  };
  /// Those that nobody writes to any more, or that waited long enough.
  std::vector<Removable> take_removable(const std::function<bool(JobId)>& written_to, Instant now);
  /// All, whoever writes.
  std::vector<Removable> take_all();

  std::optional<Instant> next_deadline() const;
  bool empty() const { return waiting_.empty(); }

 private:
  struct Waiting {
    Remains remains;
    Instant deadline;
  };
  const Duration patience_;
  std::map<JobId, Waiting> waiting_;
};

}  // namespace fanfold::master
