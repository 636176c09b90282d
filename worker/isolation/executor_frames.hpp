// What worker and executor say to each other over a SOCK_STREAM pair: a length, then a frame.
// Task and outcome are encoded by common/proto; what only this host needs is added beside them.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/status.hpp"
#include "common/inputs/host_input.hpp"
#include "worker/blobs/file_wanted.hpp"
#include "worker/exec/bad_records.hpp"
#include "worker/exec/run_task.hpp"

namespace fanfold::worker {

/// A reduce task with as many segments as there may be (limits::kSplits) fits.
inline constexpr std::size_t kTaskFrameBytes = 256u << 20;
/// What comes back is small, and its sender runs foreign code.
inline constexpr std::size_t kOutcomeFrameBytes = 32u << 20;

/// One attempt, ready to run: its inputs are on this host.
struct ExecutorTask {
  proto::TaskAssignment assignment;
  SegmentList segments;  // Reduce.
  std::string scratch;   // <worker scratch>/<job>/<attempt>
  std::uint64_t memory_bytes = 0;
  std::uint32_t threads = 1;                // That its user code may use at once.
  std::vector<BadRecord> bad_records = {};  // Sample and map: to be passed over.
  bool plugin_is_listed = false;            // Nothing but these very bytes may be loaded.
  inputs::HostInputs host_inputs = {};
};

/// `before`: the list of the task that this executor was given last.  The reduces of a job mostly
/// share one, which is sent once.
std::string encode_task(const ExecutorTask& task, const SegmentList& before);
Result<ExecutorTask> decode_task(std::string_view frame, const SegmentList& before);

std::string encode_outcome(AttemptId attempt, const RunOutcome& outcome);
/// Total: the sender runs foreign code.
Result<RunOutcome> decode_outcome(std::string_view frame, AttemptId attempt);

/// What an executor asks in the midst of an attempt: for a file that is not on this host.
std::string encode_wanted(const FileWanted& wanted);
/// Total, as decode_outcome(); nullopt: the frame is something else.
std::optional<FileWanted> decode_wanted(std::string_view frame);
/// Where it is, or why it cannot be had.
std::string encode_brought(const Result<std::string>& path);
Result<std::string> decode_brought(std::string_view frame);

/// Collects bytes of a stream until frames are whole.
class FrameCollector {
 public:
  explicit FrameCollector(std::size_t frame_bytes_max) : frame_bytes_max_(frame_bytes_max) {}

  void add(std::string_view bytes) { buffer_.append(bytes); }
  /// The next whole frame; kNotFound: more bytes are needed; kCorruption: a length beyond the
  /// limit.
  Result<std::string> next();

 private:
  const std::size_t frame_bytes_max_;
  std::string buffer_;
};

/// Reads frames with tasks from a blocking socket, by as few calls as there are.
class FrameReader {
 public:
  explicit FrameReader(int socket) : socket_(socket) {}
  /// kNotFound at the end of the stream, kCorruption for a length beyond the limit.
  Result<std::string> next();

 private:
  int socket_;
  FrameCollector collector_{kTaskFrameBytes};
};

/// Blocking; kUnavailable when the other end is gone.
Status write_frame(int socket, std::string_view frame);

}  // namespace fanfold::worker
