// What the master's service stores beside the facts of the scheduler, so that the next master can
// go on: encode_struct() and decode_struct() turn them into bytes and back.  The other notes are
// structs of the protocol: Hello, AttemptReport, FailureReport, JobStatus.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/proto/types.hpp"

namespace fanfold::proto {

/// A job that runs: all that its tasks need.
struct StoredJob {
  JobSpec spec;
  std::string staging;
  std::uint32_t partitions = 1;
  std::vector<Split> splits;
  Split sample;
  std::vector<std::string> notes;
};

/// A job that ended: what is still asked about it, and what may be left to remove.
struct StoredEnd {
  JobStatus status;
  std::string client_id;
  std::string staging;
};

}  // namespace fanfold::proto
