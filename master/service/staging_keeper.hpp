// Staging directories of ended jobs, until they may be removed.
//
// An attempt that was told to stop may still be writing; a directory removed under it would be made
// again.  So a directory waits until no worker holds an attempt of its job, within a bound.

#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/core/ids.hpp"
#include "common/core/time.hpp"
#include "master/service/attempt_book.hpp"

namespace fanfold::master {

class StagingKeeper {
 public:
  explicit StagingKeeper(Duration patience) : patience_(patience) {}

  void add(JobId job, std::string staging, Instant now);

  struct Removable {
    JobId job;
    std::string staging;
  };
  /// Those that nobody writes to any more, or that waited long enough.
  std::vector<Removable> take_removable(const AttemptBook& attempts, Instant now);
  /// All, whoever writes.
  std::vector<Removable> take_all();

  std::optional<Instant> next_deadline() const;
  bool empty() const { return waiting_.empty(); }

 private:
  struct Waiting {
    std::string staging;
    Instant deadline;
  };
  const Duration patience_;
  std::map<JobId, Waiting> waiting_;
};

}  // namespace fanfold::master
