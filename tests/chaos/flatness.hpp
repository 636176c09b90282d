// Whether something grows: a number looked at again and again, and a verdict at the end.
//
// The verdict compares the middle of what was seen with its end, because the first jobs fill caches
// and pools that stay.  The slope is for people.

#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace fanfold::chaos {

struct Sample {
  double seconds = 0;
  double value = 0;
};

/// Of the second half, per hour; 0 for fewer than three samples.
double slope_per_hour(const std::vector<Sample>& samples);

struct Allowance {
  double share = 0;     // Of the middle's mean.
  double absolute = 0;  // What one look may differ from another without any growth.
};

/// False: the last quarter's mean is above the second quarter's by more than is allowed.
bool is_flat(const std::vector<Sample>& samples, const Allowance& allowance);

/// What a process holds; 0 where it is gone.
struct Holdings {
  double resident_bytes = 0;
  double descriptors = 0;
  double threads = 0;
};
Holdings holdings_of(int pid);

/// Files below `directory`, of all kinds but directories.
std::size_t files_below(const std::string& directory);

}  // namespace fanfold::chaos
