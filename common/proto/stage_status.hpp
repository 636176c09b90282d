// How far one stage of a job is, as clients are shown it.

#pragma once

#include <cstdint>

#include "common/core/ids.hpp"

namespace fanfold::proto {

struct StageStatus {
  Stage stage = Stage::kMap;
  std::uint32_t tasks = 0;
  std::uint32_t running = 0;
  std::uint32_t done = 0;
  std::uint64_t bytes_total = 0;  // 0: not known before the stage ends.
  std::uint64_t bytes_done = 0;
  std::uint64_t records_in = 0;
  std::uint64_t records_out = 0;
  std::uint64_t bytes_out = 0;
  std::uint64_t elapsed_ms = 0;
};

}  // namespace fanfold::proto
