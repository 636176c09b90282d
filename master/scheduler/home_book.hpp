// The homes of a job's partitions: workers that may bring what maps made to their hosts before it
// is reduced, and what they have been told of.  Data; homes.cpp decides.

#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "common/core/ids.hpp"
#include "common/proto/types.hpp"

namespace fanfold::master::scheduling {

struct HomeBook {
  proto::ShuffleMode mode = proto::ShuffleMode::kPull;
  bool over_network = false;               // What lies on a host is fetched there, too.
  std::vector<WorkerId> of = {};           // By partition; empty before any was chosen.
  std::vector<std::uint32_t> splits = {};  // As their maps committed; again when they ran again.
  std::size_t chosen_among = 0;            // Workers that could be homes then.
  std::size_t told = 0;                    // Of them, those that somebody was to be told of.
  std::map<WorkerId, std::size_t> heard = {};  // Of them, those that each home was told of.

  bool wanted() const { return mode != proto::ShuffleMode::kPull; }
  std::size_t entries() const { return of.size() + splits.size() + heard.size(); }
};

}  // namespace fanfold::master::scheduling
