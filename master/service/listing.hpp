// Where the reduces of a job read, as workers are told: packed once for all of them.  The scheduler
// knows workers by number, the directory knows their addresses.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/core/ids.hpp"
#include "common/core/time.hpp"
#include "master/scheduler/action.hpp"
#include "master/service/worker_directory.hpp"

namespace fanfold::master {

/// A holder that is gone has no address.
proto::OutputList with_addresses(const std::vector<CommittedOutput>& outputs,
                                 const WorkerDirectory& workers);

class Listing {
 public:
  /// Nobody has been told of it yet.  A holder that just went away is named without an address: a
  /// worker reports its outputs as lost, and they are made again.
  void set(const ListOutputs& action, const WorkerDirectory& workers);

  /// Whether `worker` has yet to be told of this version; from now on it was.
  bool tell(WorkerId worker, Instant now) { return told_.emplace(worker, now).second; }
  /// It asks for it: whether it is told (again).  Each of many attempts there may ask, and the
  /// answer to the first is on its way to all of them.
  bool tell_again(WorkerId worker, Instant now);
  std::uint64_t version() const { return version_; }
  /// Of proto::ListPage.
  const std::vector<std::string>& frames() const { return frames_; }

 private:
  std::uint64_t version_ = 0;
  std::vector<std::string> frames_;
  std::map<WorkerId, Instant> told_;  // When last.
};

}  // namespace fanfold::master
