// The run file: one map task's output (or one spill): R sorted segments and an index.
// docs/disk_format.md holds the picture.  Segments are sequences of blocks; each block is stored
// as it is or LZ4-compressed when that pays, with its raw size, stored size and an XXH3 checksum of
// the stored bytes; the index at the end lists every non-empty segment with its offset, stored
// size, raw size and abi::BlockSummary, and has a checksum and a magic number itself.
//
// Decoding is total: any bytes give records or kCorruption, never a crash or a huge allocation.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/status.hpp"
#include "common/io/file_system.hpp"
#include "fanfold/abi.hpp"

namespace fanfold::io {

enum class BlockCompression : std::uint8_t {
  kNone = 0,
  kLz4 = 1,        // Blocks that lose an eighth.
  kLz4IfSlow = 2,  // The same while writing is slow: into the page cache raw blocks are faster.
};

struct Segment {
  std::uint32_t partition = 0;
  std::uint64_t offset = 0;  // Of its first block in the file.
  std::uint64_t stored_bytes = 0;
  std::uint64_t raw_bytes = 0;
  std::uint32_t largest_block = 0;  // Raw bytes: what a reader must be able to hold.
  abi::BlockSummary summary;
};

/// Writes a run front to back.  Partitions must not decrease.  Call finish() once; an unfinished
/// file is not readable.  Not thread-safe.
class RunFileWriter {
 public:
  virtual ~RunFileWriter() = default;
  virtual Status write(std::uint32_t partition, std::string_view block,
                       const abi::BlockSummary& summary) = 0;
  /// Writes the index.  No fsync: a map output can be recomputed.
  virtual Status finish() = 0;
  /// The index, after finish(): non-empty segments, by partition.
  virtual const std::vector<Segment>& segments() const = 0;
  virtual std::uint64_t file_bytes() const = 0;
};

Result<std::unique_ptr<RunFileWriter>> create_run_file(FileSystem& files, const std::string& path,
                                                       BlockCompression compression);
/// One that finish() makes durable: what commits for good.
Result<std::unique_ptr<RunFileWriter>> create_durable_run_file(FileSystem& files,
                                                               const std::string& path,
                                                               BlockCompression compression);

/// The same to a file that has just been created.
std::unique_ptr<RunFileWriter> make_run_file_writer(std::unique_ptr<WritableFile> file,
                                                    BlockCompression compression);

/// The index of a finished run file.  kCorruption when it is damaged or unfinished.
Result<std::vector<Segment>> read_run_index(FileSystem& files, const std::string& path);

/// One entry of the index, without reading the rest; a Segment with no records when the partition
/// is empty.
Result<Segment> find_segment(FileSystem& files, const std::string& path, std::uint32_t partition);

/// Reads the blocks of one segment, verifying each.  Not thread-safe.
class SegmentReader {
 public:
  virtual ~SegmentReader() = default;
  /// Raw bytes of the next block, valid until the next call; empty at the end.
  virtual Result<std::string_view> next() = 0;
  /// Of the segment's stored bytes, those that were read so far.
  virtual std::uint64_t bytes_read() const = 0;
};

/// `segment` as found in the index of `path`.  For a segment fetched from another worker the file
/// holds just the stored blocks and segment.offset is 0.
Result<std::unique_ptr<SegmentReader>> open_segment(FileSystem& files, const std::string& path,
                                                    const Segment& segment);

}  // namespace fanfold::io
