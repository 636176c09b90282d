// Tasks and digests as people read them in a reason.

#pragma once

#include <cstdint>
#include <string>

#include "common/core/ids.hpp"

namespace fanfold::master::scheduling {

/// "map task 3"
std::string describe(const TaskId& task);
/// Sixteen digits.
std::string hexadecimal(std::uint64_t value);

}  // namespace fanfold::master::scheduling
