// What the master says.  Messages come late, twice and in any order; each handler says what an
// unexpected one means.

#include <algorithm>
#include <variant>
#include <vector>

#include "common/core/planted.hpp"
#include "worker/agent/machine.hpp"

namespace fanfold::worker::agency {
namespace {

Duration milliseconds_or(std::uint64_t value, Duration otherwise) {
  return value != 0 ? Duration(std::chrono::milliseconds(value)) : otherwise;
}

}  // namespace

void Machine::on(const MasterSaid& event) {
  std::visit([this](const auto& message) { obey(message); }, event.message);
}

void Machine::obey(const proto::Welcome& message) {
  const bool other = is_other_state(state_id_, message.state_id);
  if (other && !planted(Bug::kForgetState)) return begin_anew();
  if (message.epoch < epoch_) return;  // Of a master that is gone.
  heard_ = now_;
  // Each Hello is answered, and several may have been on their way: this master was told.
  const bool again = welcome_ && message.worker == worker_ && message.epoch == epoch_;
  worker_ = message.worker;
  epoch_ = message.epoch;
  if (message.state_id != 0) state_id_ = message.state_id;
  welcome_ = true;
  hello_said_ = false;
  died_.clear();
  heartbeat_interval_ = milliseconds_or(message.heartbeat_ms, limits::kHeartbeatInterval);
  silence_max_ = milliseconds_or(message.silence_ms, limits::kWorkerSilence);
  // The list lets the master take back or cancel what it no longer wants of us.
  send_heartbeat();
  if (again) return;
  for (auto& [id, held] : held_) {
    held.told = 0;
    resend(held);
  }
}

void Machine::obey(const proto::Unknown&) {
  heard_ = now_;
  // Attempts go on: a master that does not want them any more cancels them by heartbeat.
  if (welcome_) lose_master();
}

void Machine::obey(const proto::HeartbeatEcho& message) {
  if (message.epoch < epoch_) return;
  heard_ = now_;
  if (message.epoch > epoch_ && welcome_) lose_master();
}

void Machine::obey(const proto::Assign& message) {
  const proto::TaskAssignment& assignment = message.assignment;
  // A master that gave this before it restarted does not know it any more; one that has not
  // welcomed us will say it again.
  if (!welcome_ || epoch_of(assignment.attempt) < epoch_) return;
  heard_ = now_;
  newest_ = std::max(newest_, assignment.attempt);
  if (find(assignment.attempt) != nullptr) return;
  if (past_.knows(assignment.task.job, assignment.attempt)) return;
  hold(assignment);
}

void Machine::obey(const proto::CancelAttempt& message) {
  heard_ = now_;
  newest_ = std::max(newest_, message.attempt);
  if (HeldAttempt* held = find(message.attempt)) {
    abandon(*held);
  } else {
    past_.note_cancelled_unseen(message.attempt);
  }
  // The master keeps the job's directories until it hears that nothing writes there.
  if (find(message.attempt) == nullptr) hasten_heartbeat();
}

void Machine::obey(const proto::CommitAnswer& message) {
  heard_ = now_;
  HeldAttempt* held = find(message.attempt);
  if (held == nullptr) return;
  if (message.granted) {
    // Its files stay: map outputs until ForgetJob, parts for the publication.
    if (held->phase != AttemptPhase::kCommitting) return;
    const bool kept = held->task.stage == Stage::kMap && !held->report.output_empty;
    if (kept) past_.note_kept(held->job, held->id);
    drop(held->id);
  } else {
    abandon(*held);
  }
}

void Machine::obey(const proto::FailureNoted& message) {
  heard_ = now_;
  HeldAttempt* held = find(message.attempt);
  if (held != nullptr && held->phase == AttemptPhase::kFailing) drop(held->id);
}

void Machine::obey(const proto::ForgetJob& message) {
  heard_ = now_;
  if (past_.is_forgotten(message.job)) return;
  std::vector<AttemptId> of_job;
  for (const auto& [id, held] : held_) {
    if (held.job == message.job) of_job.push_back(id);
  }
  past_.note_forgotten(message.job);
  lists_.forget(message.job);
  // An executor that is being killed may still write: the last attempt to go drops the files.
  if (of_job.empty()) act(DropJobFiles{message.job});
  for (const AttemptId id : of_job) abandon(*find(id));
}

void Machine::obey(const proto::Goodbye&) {
  exited_ = true;
  act(Exit{});
}

}  // namespace fanfold::worker::agency
