// Where reduce input lies, as a worker is told: the scheduler knows workers by number, the
// directory knows their addresses.

#pragma once

#include <vector>

#include "common/proto/types.hpp"
#include "master/scheduler/action.hpp"
#include "master/service/worker_directory.hpp"

namespace fanfold::master {

struct ReadingList {
  std::vector<proto::Holder> holders;
  std::vector<proto::MapOutput> outputs;  // `holder` is an index into `holders`.
  bool complete = true;  // False: a holder just went away, and is named without an address.
};

ReadingList reading_list(const std::vector<CommittedOutput>& inputs,
                         const WorkerDirectory& workers);

}  // namespace fanfold::master
