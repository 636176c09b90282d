#include "master/scheduler/task.hpp"

#include <array>

namespace fanfold::master::scheduling {
namespace {

using Row = std::array<bool, kTaskStates>;
constexpr std::array<Row, kTaskStates> kLegalMoves = {{
    // to: ready, delayed, assigned, committed, given up
    // ready -> committed, ready -> delayed: after a restart, what facts say.
    {{false, true, true, true, true}},
    {{true, false, false, false, true}},    // delayed
    {{true, true, false, true, true}},      // assigned -> ready: the worker was lost.
    {{true, false, false, false, false}},   // committed -> ready: the map output was lost.
    {{false, false, false, false, false}},  // given up absorbs
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
    case TaskState::kGivenUp:
      return "given up";
  }
  return "unknown";
}

}  // namespace fanfold::master::scheduling
