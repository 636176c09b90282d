// Files that lie on the host of a worker, as it lists them.

#pragma once

#include <cstdint>
#include <string>

#include "common/io/piece_reader.hpp"

namespace fanfold::proto {

struct HostFile {
  std::uint32_t pattern = 0;  // Of those that were asked for.
  std::string path;           // Of the host.
  std::uint64_t size = 0;
  io::Compression compression = io::Compression::kNone;  // Of a file that was looked into.
};

}  // namespace fanfold::proto
