#include "common/text/names.hpp"

namespace fanfold {

std::string name_of(const TaskId& task) {
  if (task.stage == Stage::kSample) return "sample";
  return std::string(name_of(task.stage)) + "-" + std::to_string(task.index);
}

}  // namespace fanfold
