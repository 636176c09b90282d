// Leaving in good order: nothing new starts, what waits is given back, what runs may finish and
// commit.  Then the worker says that it is finished and waits, not for ever, to be let go.

#include <utility>
#include <vector>

#include "worker/agent/machine.hpp"

namespace fanfold::worker::agency {

void Machine::on(const DrainRequested&) {
  if (draining_) return;
  draining_ = true;
  if (welcome_) send_bye();
  std::vector<AttemptId> waiting;
  for (const auto& [id, held] : held_) {
    if (held.phase == AttemptPhase::kFetching || held.phase == AttemptPhase::kQueued) {
      waiting.push_back(id);
    }
  }
  for (const AttemptId id : waiting) give_back(*find(id));
}

void Machine::give_back(HeldAttempt& held) {
  if (held.phase == AttemptPhase::kFetching) {
    if (!held.unlisted) act(KillAttempt{held.id, proto::FailureKind::kDrained});
  } else {
    queue_.erase({held.arrival, held.id});
  }
  proto::FailureReport failure;
  failure.kind = proto::FailureKind::kDrained;
  failure.message = "the worker is leaving";
  report_failure(held, std::move(failure), "");
}

void Machine::send_bye() {
  proto::Bye bye;
  bye.worker = worker_;
  bye.finished = held_.empty();
  said_finished_ = bye.finished;
  send(bye);
}

void Machine::pass_drain() {
  if (!draining_) return;
  if (!quiet_since_) {
    for (const auto& [id, held] : held_) {
      if (held.unfinished()) return;
    }
    quiet_since_ = now_;
  }
  if (held_.empty() && welcome_ && !said_finished_) send_bye();
  const bool stranger = worker_ == WorkerId{} && held_.empty();
  // A master that does not answer does not keep us.
  if (stranger || now_ >= *quiet_since_ + limits::kWorkerSilence) {
    exited_ = true;
    act(Exit{});
  }
}

}  // namespace fanfold::worker::agency
