// The end of a run file, which a reader of any part of it needs first.

#pragma once

#include <cstdint>
#include <string>

#include "common/core/status.hpp"
#include "common/io/buffer.hpp"
#include "common/io/file_system.hpp"
#include "common/io/run_format.hpp"

namespace fanfold::io {

/// Footer decoded, entries not yet.
struct RunTail {
  Footer footer;
  Buffer bytes;              // With few partitions the whole index is among them.
  std::uint64_t offset = 0;  // Of `bytes` in the file.

  std::uint64_t offset_of_entry(std::uint32_t position) const {
    return footer.data_bytes + std::uint64_t{position} * kIndexEntryBytes;
  }
};

/// `path` is for errors.  kCorruption: no finished run file.
Result<RunTail> read_run_tail(ReadableFile& file, const std::string& path);

}  // namespace fanfold::io
