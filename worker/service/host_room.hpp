// Looks at what this host has and how much of it is free.

#pragma once

#include <cstdint>
#include <string>

#include "common/proto/host_room.hpp"

namespace fanfold::worker {

/// What cannot be found out is 0.  Any thread; as quick as the disk of `scratch` says how full it
/// is.
proto::HostRoom look_at_room(const std::string& scratch, std::uint64_t executor_bytes);

}  // namespace fanfold::worker
