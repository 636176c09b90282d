// Turns a piece of an input file into blocks of whole records.
//
// A piece is a byte range [begin, end).  The records of a piece are those that *start* in it, so
// the pieces of a file together give each record exactly once, however the file is cut: the reader
// skips the record that the previous piece began and reads past `end` to finish its own last one.
// Not thread-safe.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/core/status.hpp"
#include "common/io/file_system.hpp"
#include "fanfold/abi.hpp"

namespace fanfold::io {

/// kNone pieces may be ranges; the others always start at 0.  Files are recognised by their first
/// bytes: a kNone piece that starts at 0 and turns out to be compressed is read as a whole file, so
/// the planner need not open files that it does not cut.
enum class Compression : std::uint8_t { kNone = 0, kGzip = 1, kZstd = 2, kLz4 = 3 };

struct Piece {
  std::string path;  // Where to read; what messages name.
  std::string tag;   // Declared input it belongs to, or empty.
  std::uint64_t begin = 0;
  /// One past the last byte; compressed: the compressed size, or less to read just the records
  /// that are complete within so many compressed bytes (sampling).
  std::uint64_t end = 0;
  Compression compression = Compression::kNone;
  /// kCsv only: whether byte `begin` lies inside a quoted field (the planner counted the quotes).
  bool quoted_at_begin = false;
  /// Of the file when it was looked at, where its file system knows versions; else empty.
  std::string version;
};

struct ReadOptions {
  abi::RecordFormat format = abi::RecordFormat::kLines;
  std::uint64_t fixed_length = 0;
  bool csv_header = false;
  std::size_t block_bytes = 1u << 20;  // Blocks are about this large; one record may be larger.
  std::size_t record_bytes_max = 64u
                                 << 20;  // kExhausted names file, offset and limit when exceeded.
};

class PieceReader {
 public:
  virtual ~PieceReader() = default;
  /// The next block (file, tag, header and offset filled in), valid until the next call; nullopt
  /// at the end of the piece.  kCorruption: damaged compressed data or malformed records, by
  /// name and offset.
  virtual Result<std::optional<abi::InputBlock>> next() = 0;
  /// Bytes of the file (compressed where it is) consumed so far: for progress.
  virtual std::uint64_t bytes_read() const = 0;
};

/// Opens the piece's file.  `files` must outlive the reader.
Result<std::unique_ptr<PieceReader>> open_piece(FileSystem& files, const Piece& piece,
                                                const ReadOptions& options);

/// Looks at the first bytes of a file: gzip, zstd and lz4 frames by their magic numbers.
Compression detect_compression(std::string_view first_bytes);

}  // namespace fanfold::io
