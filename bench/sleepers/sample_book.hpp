// What reduce attempts of this worker were told to read, and how much of it they really read.

#pragma once

#include <cstddef>
#include <map>

#include "common/core/ids.hpp"

namespace fanfold::bench {

struct SampleBook {
  struct Share {
    std::size_t listed = 0;
    std::size_t sampled = 0;
  };
  std::map<AttemptId, Share> shares;
};

}  // namespace fanfold::bench
