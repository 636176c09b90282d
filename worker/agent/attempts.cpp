// The life of an attempt on this worker: queue, slot, limits, report, end.

#include <algorithm>
#include <string>
#include <utility>

#include "common/core/check.hpp"
#include "common/core/planted.hpp"
#include "worker/agent/machine.hpp"

namespace fanfold::worker::agency {
namespace {

using proto::FailureKind;

std::string seconds(Duration duration) {
  const std::int64_t tenths = duration.count() / 100'000'000;
  std::string text = std::to_string(tenths / 10);
  if (tenths % 10 != 0) text += "." + std::to_string(tenths % 10);
  return text + " s";
}

/// Why we killed it, whatever the corpse looks like.
std::string reason_of_kill(const HeldAttempt& held) {
  if (held.kill_kind == FailureKind::kTimeout) {
    return "ran longer than the task time-out of " + seconds(held.wall_time_max);
  }
  return "no progress for " + seconds(held.stall_max) +
         ": no record was finished and ctx.progress() was not called";
}

/// It ran, and found that something which it should read is not there, or damaged.
bool lost_inputs(const HeldAttempt& held, const AttemptEnded& event) {
  return held.phase == AttemptPhase::kRunning && held.task.stage == Stage::kReduce &&
         event.failure.kind == FailureKind::kFetch && !event.failure.lost_outputs.empty();
}

}  // namespace

HeldAttempt* Machine::find(AttemptId attempt) {
  const auto it = held_.find(attempt);
  return it != held_.end() ? &it->second : nullptr;
}

void Machine::hold(const proto::TaskAssignment& assignment) {
  HeldAttempt& held = held_[assignment.attempt];
  held.id = assignment.attempt;
  held.job = assignment.task.job;
  held.task = assignment.task;
  held.number = assignment.attempt_number;
  held.generation = assignment.generation;
  held.arrival = ++arrivals_;
  held.wall_time_max = std::chrono::milliseconds(assignment.spec.task_timeout_ms);
  held.stall_max = limits::kStallTimeout;
  if (assignment.spec.stall_timeout_ms != 0) {
    held.stall_max = std::chrono::milliseconds(assignment.spec.stall_timeout_ms);
  }
  held.assignment = assignment;
  ++held_by_job_[held.job];
  if (draining_) {
    give_back(held);
  } else if (assignment.task.stage == Stage::kReduce && assignment.list_version != 0) {
    held.phase = AttemptPhase::kFetching;
    held.unlisted = true;
    take_listed(held, Listed::kBefore);
    want_inputs(held);
  } else {
    queue_.emplace(held.arrival, held.id);
  }
}

void Machine::enqueue(HeldAttempt& held) {
  held.move_to(AttemptPhase::kQueued);
  queue_.emplace(held.arrival, held.id);
}

void Machine::start_queued() {
  while (!queue_.empty() && slots_busy_ < options_.hello.slots) {
    HeldAttempt& held = *find(queue_.begin()->second);
    queue_.erase(queue_.begin());
    held.move_to(AttemptPhase::kRunning);
    ++slots_busy_;
    held.started = now_;
    held.progressed = now_;
    watch(held);
    const bool again = held.starts++ > 0;
    if (held.task.stage == Stage::kReduce) {
      act(StartAttempt{held.assignment, again});
    } else {
      act(StartAttempt{std::move(held.assignment), again});
      held.assignment = {};
    }
  }
}

void Machine::watch(const HeldAttempt& held) {
  Instant limit = held.progressed + held.stall_max;
  if (held.wall_time_max > Duration(0)) limit = std::min(limit, held.started + held.wall_time_max);
  deadlines_.set(held.id, limit);
}

void Machine::on(const ProgressSeen& event) {
  for (const ProgressSeen::Entry& entry : event.entries) {
    HeldAttempt* held = find(entry.attempt);
    if (held == nullptr || held->phase != AttemptPhase::kRunning) continue;
    held->records = entry.records;
    held->bytes = entry.bytes;
    if (held->beat == entry.beat) continue;
    held->beat = entry.beat;
    held->progressed = now_;
    watch(*held);
  }
}

void Machine::pass_deadline(HeldAttempt& held) {
  if (held.phase == AttemptPhase::kRunning) {
    const bool too_long =
        held.wall_time_max > Duration(0) && now_ >= held.started + held.wall_time_max;
    kill(held, too_long ? FailureKind::kTimeout : FailureKind::kStalled);
  } else {
    resend(held);
  }
}

void Machine::kill(HeldAttempt& held, FailureKind kind) {
  held.move_to(AttemptPhase::kKilling);
  held.kill_kind = kind;
  deadlines_.clear(held.id);
  act(KillAttempt{held.id, kind});
}

void Machine::on(const AttemptEnded& event) {
  HeldAttempt* held = find(event.attempt);
  if (held == nullptr || !held->holds_slot()) return;
  const bool leaks = held->kill_kind == FailureKind::kCancelled && planted(Bug::kLeakSlotOnCancel);
  if (!leaks) --slots_busy_;
  if (held->kill_kind == FailureKind::kCancelled) {
    act(DropAttemptFiles{held->job, held->id});
    drop(held->id);
    // The master keeps the job's directories until it hears that nothing writes there any more.
    hasten_heartbeat();
  } else if (event.succeeded) {
    report_success(*held, event);
  } else if (lost_inputs(*held, event) && !draining_) {
    held->move_to(AttemptPhase::kFetching);
    note_missing(*held, event.failure.lost_outputs, event.failure.message);
  } else {
    proto::FailureReport failure = event.failure;
    if (held->phase == AttemptPhase::kKilling) {
      failure.kind = held->kill_kind;
      failure.message = reason_of_kill(*held);
    }
    held->log_bytes = event.log_bytes;
    report_failure(*held, std::move(failure), event.log_text);
  }
}

void Machine::on(const AttemptWentOn& event) {
  HeldAttempt* held = find(event.attempt);
  if (held == nullptr || !held->holds_slot()) return;
  if (held->phase == AttemptPhase::kKilling) {
    // It was given up after it had begun to hang: whoever kills it again has to say so.
    if (held->kill_kind != FailureKind::kStalled)
      return act(KillAttempt{held->id, held->kill_kind});
    held->move_to(AttemptPhase::kRunning);
    held->kill_kind = FailureKind::kNone;
  }
  held->progressed = now_;
  watch(*held);
}

void Machine::report_success(HeldAttempt& held, const AttemptEnded& event) {
  held.move_to(AttemptPhase::kCommitting);
  held.report = event.report;
  held.log_text = event.log_text;
  held.log_bytes = event.log_bytes;
  resend(held);
}

void Machine::report_failure(HeldAttempt& held, proto::FailureReport failure,
                             std::string log_text) {
  held.move_to(AttemptPhase::kFailing);
  held.failure = std::move(failure);
  held.log_text = std::move(log_text);
  act(DropAttemptFiles{held.job, held.id});
  resend(held);
}

void Machine::abandon(HeldAttempt& held) {
  switch (held.phase) {
    case AttemptPhase::kRunning:
      kill(held, FailureKind::kCancelled);
      return;
    case AttemptPhase::kKilling:
      held.kill_kind = FailureKind::kCancelled;
      return;
    case AttemptPhase::kFetching:
      if (!held.unlisted) act(KillAttempt{held.id, FailureKind::kCancelled});
      act(DropAttemptFiles{held.job, held.id});
      break;
    case AttemptPhase::kQueued:
      queue_.erase({held.arrival, held.id});
      act(DropAttemptFiles{held.job, held.id});
      break;
    case AttemptPhase::kCommitting:
      // A job that is over cleans up as a whole.
      if (!past_.is_forgotten(held.job)) act(DropAttemptFiles{held.job, held.id});
      break;
    case AttemptPhase::kFailing:
      break;
  }
  drop(held.id);
}

void Machine::drop(AttemptId attempt) {
  const auto it = held_.find(attempt);
  FANFOLD_CHECK(it != held_.end());
  const JobId job = it->second.job;
  past_.note_ended(job, attempt);
  deadlines_.clear(attempt);
  held_.erase(it);
  const auto count = held_by_job_.find(job);
  if (--count->second > 0) return;
  held_by_job_.erase(count);
  // Nothing of ours writes there any more.
  if (past_.is_forgotten(job)) act(DropJobFiles{job});
}

}  // namespace fanfold::worker::agency
