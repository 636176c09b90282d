// Tasks and digests as people read them in a reason.

#pragma once

#include <cstdint>
#include <string>

#include "common/core/ids.hpp"
#include "common/proto/types.hpp"

namespace fanfold::master::scheduling {

/// "map task 3"
std::string describe(const TaskId& task);
/// "reduce task 5 (a share of partition 2)"
std::string describe(const TaskId& task, const proto::Shares& shares);
/// Sixteen digits.
std::string hexadecimal(std::uint64_t value);

}  // namespace fanfold::master::scheduling
