// Runs one attempt to its end: reads pieces or segments, calls the plugin per block, writes runs
// and parts.  No network, no processes: the executor, `--in-process` and tests all call this.

#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/core/status.hpp"
#include "common/io/file_system.hpp"
#include "common/io/kept_runs.hpp"
#include "common/io/run_file.hpp"
#include "common/proto/types.hpp"
#include "fanfold/abi.hpp"

namespace fanfold::worker {

class SideFiles;

/// One reduce input, already on this host: a map output file, or a fetched segment.
struct LocalSegment {
  proto::MapOutput output;
  std::string path;
  bool fetched = false;  // The file holds only stored blocks, and `segment` says where.
  io::Segment segment;   // Set when fetched.
};

/// Owned by all that read it: a job's reduces on one host mostly read the same files.
/// Null: there are none.
using SegmentList = std::shared_ptr<const std::vector<LocalSegment>>;
inline SegmentList make_segment_list(std::vector<LocalSegment> segments) {
  return std::make_shared<const std::vector<LocalSegment>>(std::move(segments));
}
inline const std::vector<LocalSegment>& segments_of(const SegmentList& list) {
  static const std::vector<LocalSegment> none;
  return list != nullptr ? *list : none;
}
const std::vector<LocalSegment>& segments_of(SegmentList&& list) = delete;

/// A record that somebody wants to stop at: `reached` is called before user code gets it.
struct RecordStop {
  std::uint32_t piece = 0;   // Of the split.
  std::uint64_t offset = 0;  // In the (decompressed) file.
  void (*reached)() = nullptr;
};
struct BadRecord;

struct RunRequest {
  const proto::TaskAssignment* assignment = nullptr;
  const abi::JobInfo* job = nullptr;
  /// <worker scratch>/<job>/<attempt>: spills, output.run, fetched segments.  A reduce task that
  /// succeeds leaves nothing there.
  std::string scratch;
  SegmentList segments;  // Reduce.
  abi::ProgressSlot* progress = nullptr;
  std::atomic<std::uint64_t>* bytes_read = nullptr;  // Input bytes so far; may be left out.
  SideFiles* side_files = nullptr;    // Kept from task to task by an executor; may be left out.
  io::KeptRuns* kept_runs = nullptr;  // The same, from reduce to reduce.
  std::uint64_t memory_bytes = 0;     // Budget of the executor: this task keeps within it.
  std::uint32_t threads = 1;          // That its user code may use at once.
  const RecordStop* stop = nullptr;   // Sample and map; null: nobody.
  std::uint64_t records_max = 0;      // Sample and map: read no more than so many; 0: all.
  /// Sample and map: what to pass over.  May be left out.
  const std::vector<BadRecord>* bad_records = nullptr;
};

/// The report to commit, or why not.  Exceptions of user code end here.  The FailureReport has
/// kind, message and record; the caller adds stack, log and worker.
struct RunOutcome {
  bool succeeded = false;
  proto::AttemptReport report;
  proto::FailureReport failure;
};
RunOutcome run_task(io::FileSystem& files, const RunRequest& request);

}  // namespace fanfold::worker
