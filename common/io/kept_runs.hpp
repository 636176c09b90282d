// Many small segments of many run files, read partition after partition, as the reduces of a job
// read them.  A segment of a hundred bytes must not cost two opens and three reads: what lies
// behind it in its file is read along with it and kept for the next one, as is the index.
//
// No file stays open: one that is deleted gives back its space, and as many may be read as there
// are.  Finished run files never change, so what is kept needs no second look.  Not thread-safe.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/status.hpp"
#include "common/io/buffer.hpp"
#include "common/io/file_system.hpp"
#include "common/io/run_file.hpp"
#include "common/io/run_format.hpp"

namespace fanfold::io {

/// A stretch of a file that was read at once.  It grows while it is of use.
class FileWindow {
 public:
  /// The bytes, good until the next call.  kCorruption: the file ends before them.
  Result<std::string_view> get(FileSystem& files, const std::string& path, std::uint64_t offset,
                               std::size_t size, std::size_t most, Buffer* scratch);
  /// Has been read already.
  void put(std::uint64_t offset, std::string_view bytes);
  /// It is about to be asked for this.
  void prefetch(std::uint64_t offset) const {
    if (offset - begin_ < bytes_.size()) __builtin_prefetch(bytes_.data() + (offset - begin_));
  }

 private:
  Result<std::string_view> read(FileSystem& files, const std::string& path, std::uint64_t offset,
                                std::size_t size, std::size_t most);
  static Result<std::string_view> pass_through(FileSystem& files, const std::string& path,
                                               std::uint64_t offset, std::size_t size,
                                               Buffer* scratch);

  Buffer bytes_;
  std::uint64_t begin_ = 0;
  std::size_t served_ = 0;  // Requests, since it was read.
  std::size_t ahead_ = 0;   // Bytes to read next time, wanted or not.
};

class KeptRuns {
 public:
  /// Stored and raw, of a segment that append() takes.
  static constexpr std::uint64_t kSegmentBytesMax = 64u << 10;

  /// `files` outlives this.
  explicit KeptRuns(FileSystem& files) : files_(files) {}

  /// What follows reads segments of so many files, known by their numbers in `list`, and may keep
  /// so much memory.  Forgets what was kept of another list, or in larger pieces.
  void begin(std::shared_ptr<const void> list, std::size_t files, std::uint64_t memory_bytes);
  void clear();

  /// As find_segment() in file number `file`, which is at `path`.
  Result<Segment> find(std::size_t file, const std::string& path, std::uint32_t partition);
  /// Appends the raw bytes of all blocks of the segment, each verified.  Its stored bytes are
  /// held in memory meanwhile.
  Status append(std::size_t file, const std::string& path, const Segment& segment, Buffer* to);

  /// find() and append() will be called for it soon.
  void prefetch(std::size_t file, std::uint32_t partition) const;
  void prefetch(std::size_t file, const Segment& segment) const {
    runs_[file].data.prefetch(segment.offset);
  }

 private:
  struct Run {
    bool known = false;  // The footer has been read.
    Footer footer;
    FileWindow index;
    FileWindow data;
    // Where the last one was: the next is not far.
    bool found = false;
    std::uint32_t partition = 0;
    std::uint32_t position = 0;
  };
  /// Of entries that may be that of a partition.
  struct Range {
    std::uint32_t low = 0;
    std::uint32_t high = 0;
  };

  Status read_footer(const std::string& path, Run& run);
  Result<Segment> entry(const std::string& path, Run& run, std::uint32_t position, Range range);
  static Range range_of(const Run& run, std::uint32_t partition);

  FileSystem& files_;
  std::shared_ptr<const void> list_;
  std::size_t window_most_ = 0;
  std::vector<Run> runs_;
  Buffer scratch_;  // For what is too large to be kept.
};

}  // namespace fanfold::io
