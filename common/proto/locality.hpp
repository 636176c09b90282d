// Where maps had better run, because their input is near; docs/patterns/locality.md has the rules.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace fanfold::proto {

/// Files that match are near these hosts.
struct Preference {
  std::string pattern;             // Of paths, or of directories with all that is below.
  std::vector<std::string> hosts;  // Names of hosts of workers.
};

/// What came of it.
struct LocalityStatus {
  std::uint32_t maps = 0;       // That prefer hosts.
  std::uint32_t there = 0;      // Of them, committed on such a host,
  std::uint32_t elsewhere = 0;  // and on others.
  std::uint64_t wait_ms = 0;
};

}  // namespace fanfold::proto
