// How the service ends: cancel, wait for attempts and files within a bound, let the workers go,
// answer.

#include <algorithm>

#include "common/core/limits.hpp"
#include "common/proto/messages.hpp"
#include "master/service/chores.hpp"
#include "master/service/service.hpp"

namespace fanfold::master {

void MasterService::stop(StopReason reason) {
  if (reason == StopReason::kSuspended) return suspend();
  const Duration patience =
      reason == StopReason::kRequested ? limits::kStopPatience : limits::kOrphanPatience;
  const Instant deadline = state_.now + patience;
  if (phase_ == Phase::kStopping) {
    // A second reason can only hurry.
    stop_deadline_ = std::min(stop_deadline_, deadline);
    return;
  }
  if (phase_ == Phase::kStopped) return;
  phase_ = Phase::kStopping;
  state_.stopping = true;
  stop_deadline_ = deadline;
  doors_.log.info("master.stopping",
                  {{"reason", reason == StopReason::kRequested ? "requested" : "parent_gone"},
                   {"jobs", state_.jobs.unfinished()},
                   {"workers", state_.workers.all().size()}});
  for (const JobId job : state_.jobs.list(JobPhase::kActive)) {
    events_for_next_turn_.push_back(JobCancelled{.job = job});
  }
}

void MasterService::suspend() {
  // All that was promised is in the store, and workers keep what they run.
  if (phase_ != Phase::kServing) return;
  state_.event_log.flush();
  phase_ = Phase::kStopped;
  doors_.log.info("master.suspended", {{"jobs", state_.jobs.unfinished()}});
}

bool MasterService::nothing_left() const {
  return state_.jobs.unfinished() == 0 && stagings_.empty() && idle();
}

Status MasterService::advance_stop() {
  return nothing_left() || state_.now >= stop_deadline_ ? finish_stop() : Status();
}

Status MasterService::finish_stop() {
  // What could not be waited for: directories under somebody's hands, jobs that would not end.
  for (const StagingKeeper::Removable& one : stagings_.take_all()) {
    const Status removed = remove_remains(doors_.files, one.job, one.remains).outcome;
    if (!removed.ok()) {
      doors_.log.error("staging.left_behind",
                       {{"job", one.job.value}, {"reason", removed.message()}});
    }
  }
  for (const JobId job : state_.jobs.list(JobPhase::kActive)) {
    doors_.log.error("job.left_unfinished", {{"job", job.value}});
  }
  for (const auto& [worker, known] : state_.workers.all()) {
    state_.outbox.add(known.peer, proto::Goodbye{});
  }
  for (const net::PeerId& peer : stop_requesters_) client_desk_.answer(peer, {});
  FANFOLD_RETURN_IF_ERROR(send_outbox());
  state_.event_log.flush();
  phase_ = Phase::kStopped;
  doors_.log.info("master.stopped", {});
  return {};
}

}  // namespace fanfold::master
