// The results of an item job as the ResultWriter of the States Language writes them:
//
//   manifest.json        which files there are, how it went, how many items there are of each kind
//   SUCCEEDED_0.json     what children gave, FAILED_0.json: those that failed, with their error and
//   FAILED_0.json        attempts, PENDING_0.json: those that were not run to their end
//   PENDING_0.json
//   _DEAD_LETTERS        the failed ones once more, for `fanfold dlq`
//
// docs/patterns/item_jobs.md shows what is in them.  The directory appears whole or not at all.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/items/map_state.hpp"
#include "common/core/status.hpp"
#include "common/io/file_system.hpp"
#include "common/proto/types.hpp"

namespace fanfold::cli {

/// Items, not children: a batch counts as many as it holds.
struct ItemCounts {
  std::uint64_t total = 0;
  std::uint64_t succeeded = 0;
  std::uint64_t failed = 0;
  std::uint64_t skipped = 0;
  std::uint64_t pending = 0;
};

struct ItemResults {
  ItemCounts counts;
  std::uint64_t retries = 0;
  bool intolerable = false;  // Too many failed, or one that may not.
  /// "SUCCEEDED", "PARTIAL" (some are missing, as tolerated) or "FAILED".
  const char* state() const;
  /// As of a completion policy: "ALL_COMPLETED" or "FAILURE_TOLERANCE_EXCEEDED".
  const char* reason() const;
};

/// Results that others are added to.
struct EarlierFiles {
  std::string directory;
  std::vector<std::string> succeeded;  // Names of files, in order.
  ItemCounts counts;
  std::uint64_t generation = 0;
};

struct ResultPlan {
  const MapState* state = nullptr;
  std::string run;            // Names it, in the keys that children get.
  std::string job_output;     // Of the item job; empty: there were no children, so no job.
  std::string children;       // Its input.
  std::uint64_t items = 0;    // Of all generations.
  proto::JobControl control;  // What may fail, at the end of the job.
  std::string staging;        // Where the directory is made: on the file system of `output`.
  std::string output;
  bool replace = false;
  std::string job_text;  // What the output says of the job, for redrive.
  EarlierFiles earlier;  // Without a generation: there are none.
};

/// Makes and publishes the directory.
Result<ItemResults> write_item_results(io::FileSystem& files, const ResultPlan& plan);

}  // namespace fanfold::cli
