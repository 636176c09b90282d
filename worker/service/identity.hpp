// Who a worker is: a name that no other process ever had.

#pragma once

#include <string>

namespace fanfold::worker {

/// 128 random bits as 32 hexadecimal digits.
std::string new_uuid();

}  // namespace fanfold::worker
