// What a reduce has read, kept beside its part: the sorted pairs of one partition, as a run file
// with the one segment 0 (docs/disk_format.md).  From it and from what a redrive maps, the
// partition is reduced anew.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fanfold::io {

/// "_PAIRS-00003-of-00008".  Begins with '_', so that a job that reads the directory does not take
/// it for data.
std::string pairs_file_name(std::uint32_t partition, std::uint32_t partitions);

struct PairsFileName {
  std::uint32_t partition = 0;
  std::uint32_t partitions = 0;  // More than `partition`.
};
/// nullopt: it is the name of something else.
std::optional<PairsFileName> parse_pairs_file_name(std::string_view name);

}  // namespace fanfold::io
