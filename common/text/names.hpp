// Names of tasks as people write and read them: "map-3", "reduce-0", "sample".

#pragma once

#include <string>

#include "common/core/ids.hpp"

namespace fanfold {

std::string name_of(const TaskId& task);

}  // namespace fanfold
