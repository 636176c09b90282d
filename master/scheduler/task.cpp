#include "master/scheduler/task.hpp"

#include <array>

namespace fanfold::master::scheduling {
namespace {

using Row = std::array<bool, kTaskStates>;
constexpr std::array<Row, kTaskStates> kLegalMoves = {{
    // to: ready, delayed, assigned, committed
    {{false, false, true, true}},   // ready -> committed: a fact replayed after a restart.
    {{true, false, false, false}},  // delayed
    {{true, true, false, true}},    // assigned -> ready: the worker was lost, nobody's fault.
    {{true, false, false, false}},  // committed -> ready: the map output was lost.
}};

}  // namespace

bool is_legal(TaskState from, TaskState to) {
  return kLegalMoves[static_cast<std::size_t>(from)][static_cast<std::size_t>(to)];
}

const char* name_of(TaskState state) {
  switch (state) {
    case TaskState::kReady:
      return "ready";
    case TaskState::kDelayed:
      return "delayed";
    case TaskState::kAssigned:
      return "assigned";
    case TaskState::kCommitted:
      return "committed";
  }
  return "unknown";
}

}  // namespace fanfold::master::scheduling
