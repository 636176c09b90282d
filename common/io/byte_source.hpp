// Where a piece reader's bytes come from: a stretch of a plain file, or a compressed file read
// through its decompressor.  Knows nothing of records.

#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "common/core/status.hpp"
#include "common/io/file_system.hpp"
#include "common/io/piece_reader.hpp"

namespace fanfold::io {

class ByteSource : public ReadableStream {
 public:
  /// Bytes of the file itself, compressed where it is, taken so far.
  virtual std::uint64_t file_bytes_read() const = 0;
  /// True when read() ended because the piece ends before its compressed file does: what came last
  /// may be half a record.
  virtual bool cut_short() const { return false; }
};

/// The bytes of `file` from `begin` to its end.  A file that ends before `end` has shrunk since it
/// was looked at: kCorruption.
std::unique_ptr<ByteSource> make_range_source(std::unique_ptr<ReadableFile> file, std::string path,
                                              std::uint64_t begin, std::uint64_t end);

/// The decompressed bytes of a whole file: all gzip members, or all frames.  With `end` less than
/// the file's size: as much as its first `end` bytes hold.  kCorruption says what is wrong with
/// the file, where, and what to do.
Result<std::unique_ptr<ByteSource>> open_decompressor(std::unique_ptr<ReadableFile> file,
                                                      std::string path, Compression compression,
                                                      std::uint64_t end);

}  // namespace fanfold::io
