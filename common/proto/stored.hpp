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

/// More input that an open job was given.
struct StoredFeed {
  std::string feeder;
  std::uint64_t digest = 0;  // Of the bytes of the batch.
  std::vector<Split> splits;
};

/// A job that ended: what is still asked about it, and what may be left to remove.
struct StoredEnd {
  JobStatus status;
  std::string client_id;
  std::string staging;
};

/// What a part of an input looked like.
struct InputMark {
  std::string path;
  std::uint64_t file_bytes = 0;
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
  std::uint64_t checksum = 0;  // XXH3 of them.
};

/// A failed attempt, as it can be run once more (common/capsule).
struct Capsule {
  TaskAssignment assignment;
  FailureReport failure;
  std::vector<std::string> list_pages;  // Reduce: frames of ListPage; of a very long list, none.
  std::vector<InputMark> marks;         // Of its split, when it failed.
  std::string record;                   // The beginning of the record it failed at, if it is known.
};

}  // namespace fanfold::proto
