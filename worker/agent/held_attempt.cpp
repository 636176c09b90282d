#include "worker/agent/held_attempt.hpp"

#include <array>

#include "common/core/check.hpp"

namespace fanfold::worker::agency {
namespace {

using Row = std::array<bool, kAttemptPhases>;
// An attempt may be dropped from any phase; that is not a move.
constexpr std::array<Row, kAttemptPhases> kLegalMoves = {{
    // to: fetching, queued, running, killing, committing, failing
    {{false, true, false, false, false, true}},  // fetching
    {{false, false, true, false, false, true}},  // queued -> failing: given back by a drain.
    {{true, false, false, true, true, true}},    // running -> fetching: an input is lost.
    // killing -> running: it hung at a record and goes on after it; committing: it was done.
    {{false, false, true, false, true, true}},
    {{false, false, false, false, false, false}},  // committing
    {{false, false, false, false, false, false}},  // failing
}};

}  // namespace

bool is_legal(AttemptPhase from, AttemptPhase to) {
  return kLegalMoves[static_cast<std::size_t>(from)][static_cast<std::size_t>(to)];
}

const char* name_of(AttemptPhase phase) {
  switch (phase) {
    case AttemptPhase::kFetching:
      return "fetching";
    case AttemptPhase::kQueued:
      return "queued";
    case AttemptPhase::kRunning:
      return "running";
    case AttemptPhase::kKilling:
      return "killing";
    case AttemptPhase::kCommitting:
      return "committing";
    case AttemptPhase::kFailing:
      return "failing";
  }
  return "unknown";
}

void HeldAttempt::move_to(AttemptPhase to) {
  FANFOLD_CHECK(is_legal(phase, to));
  phase = to;
}

}  // namespace fanfold::worker::agency
