// Neighbouring small segments of a reduce as one source.  A reduce of a thousand segments of some
// hundred bytes would spend its time on opening, buffering and merging them; together they fit the
// processor's cache, and are sorted there at once.

#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <span>

#include "common/io/buffer.hpp"
#include "common/io/kept_runs.hpp"
#include "fanfold/abi.hpp"
#include "worker/exec/run_task.hpp"

namespace fanfold::worker {

/// What is kept of the files that a reduce reads: map outputs for the next reduce as well, those
/// that were fetched for this one.
struct InputRuns {
  io::KeptRuns& local;
  io::KeptRuns& fetched;
};

/// An input whose place is known, and which is not empty.
struct FoundSegment {
  const LocalSegment* input = nullptr;
  std::size_t file = 0;  // Its number among the kept runs.
  io::Segment segment;
};

/// How many of `segments`, from the first, are so small that they are better gathered than read one
/// by one.  Less than 2: the first is not.
std::size_t count_to_gather(std::span<const FoundSegment> segments);

/// Reads them all at the first next() and lets them go at the end.  Within memory that a task sets
/// aside for any source.
class GatheredSegments final : public abi::RunSource {
 public:
  struct Options {
    bool ordered_values = false;  // Records of one key come in the order of their value bytes.
    /// What could not be read, and why.  Must not return.
    std::function<void(const LocalSegment&, const Status&)> on_failure;
    std::atomic<std::uint64_t>* bytes_read = nullptr;  // Stored bytes are added; may be left out.
  };
  /// `segments` and `runs` outlive this.
  GatheredSegments(InputRuns runs, std::span<const FoundSegment> segments, Options options)
      : runs_(runs), segments_(segments), options_(std::move(options)) {}
  std::string_view next() override;

 private:
  struct Entry;
  void read();
  io::KeptRuns& runs_of(const FoundSegment& found) const {
    return found.input->fetched ? runs_.fetched : runs_.local;
  }
  void note_records(std::string_view bytes, const FoundSegment& found, Entry** to) const;
  void sort_and_copy(Entry* entries, std::size_t count);

  const InputRuns runs_;
  const std::span<const FoundSegment> segments_;
  const Options options_;
  io::Buffer raw_;     // One segment after the other.
  io::Buffer sorted_;  // All records in order.
  bool done_ = false;
};

}  // namespace fanfold::worker
