// Files -> splits: large files cut, small ones packed, both in input order.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/core/status.hpp"
#include "common/io/file_system.hpp"
#include "common/io/piece_reader.hpp"
#include "common/proto/types.hpp"
#include "master/planner/input_files.hpp"

namespace fanfold::master {

struct SplitSize {
  std::uint64_t bytes = 0;
  bool exact = false;  // The user chose it: cut at its multiples.  Else: in equal parts.
};

/// Adds a note about files that would better have been cut but are compressed.
Result<std::vector<proto::Split>> cut_into_splits(io::FileSystem& files,
                                                  std::vector<InputFile> inputs,
                                                  const proto::JobSpec& spec, const SplitSize& size,
                                                  std::vector<std::string>& notes);

/// By the first bytes; of a file on a host by what its worker saw.
Result<io::Compression> compression_of(io::FileSystem& files, const InputFile& input);

/// For ascending `positions` in a CSV file: whether each lies inside a quoted field.  Reads the
/// file up to the last of them.
Result<std::vector<bool>> quoted_at(io::FileSystem& files, const InputFile& input,
                                    const std::vector<std::uint64_t>& positions);

/// The pieces that a sampling task reads: evenly spread over the input, the same however it is
/// cut.
Result<proto::Split> choose_sample(io::FileSystem& files, const std::vector<InputFile>& inputs,
                                   const proto::JobSpec& spec);

/// "1.5 GiB"
std::string readable_bytes(std::uint64_t bytes);

}  // namespace fanfold::master
