// The actions of the scheduler, done.  Their facts are durable by now.

#include <chrono>
#include <utility>

#include "common/core/check.hpp"
#include "common/core/limits.hpp"
#include "common/proto/messages.hpp"
#include "common/proto/output_list.hpp"
#include "master/service/chores.hpp"
#include "master/service/service.hpp"

namespace fanfold::master {
namespace {

std::string why_unsendable(const proto::Encoded& encoded, const std::string& worker) {
  // Jobs are refused while there are workers that do not know what they need, and the other way
  // round: this is the last resort.
  if (!encoded.unknown.empty()) {
    return "worker " + worker + " is of a version that does not know " + encoded.unknown;
  }
  // The plan was checked, so only splitters (long keys) lead here.
  return "the description of this task has " + std::to_string(encoded.frame.size()) +
         " bytes, more than the " + std::to_string(limits::kControlFrameBytes) +
         " of a message: choose fewer reducers or larger splits";
}

}  // namespace

template <class Message>
void MasterService::tell_worker(WorkerId worker, const Message& message) {
  // A worker that was forgotten in this very turn has nobody to tell.
  if (const KnownWorker* known = state_.workers.find(worker)) {
    state_.outbox.add(known->peer, message);
  }
}

void MasterService::perform(AssignAttempt&& action) {
  JobRecord* record = state_.jobs.find(action.task.job);
  FANFOLD_CHECK(record != nullptr && record->phase() == JobPhase::kActive);
  const KnownWorker* worker = state_.workers.find(action.worker);
  if (worker == nullptr) return;
  // It was missing in a heartbeat, and has asked to commit in this very turn: it is over.
  if (state_.reports.contains(action.attempt)) return;
  state_.event_log.assigned(state_.now, {.attempt = action.attempt,
                                         .task = action.task,
                                         .number = action.attempt_number,
                                         .worker = action.worker,
                                         .hello = &worker->hello,
                                         .speculative = action.speculative});
  state_.measures.assigned(state_.now, {.attempt = action.attempt,
                                        .task = action.task,
                                        .number = action.attempt_number,
                                        .speculative = action.speculative});
  proto::Encoded encoded = record->assignment_frame(action, state_.versions.of(worker->peer));
  if (!encoded.unknown.empty() || encoded.frame.size() > limits::kControlFrameBytes) {
    proto::FailureReport failure;
    failure.kind = proto::FailureKind::kInput;
    failure.message = why_unsendable(encoded, worker->hello.name);
    state_.event_log.failed(state_.now, action.attempt, failure);
    state_.measures.failed(action.attempt, failure.kind);
    record->note_failure(action.attempt, std::move(failure));
    events_for_next_turn_.push_back(AttemptFailed{.worker = action.worker,
                                                  .attempt = action.attempt,
                                                  .kind = proto::FailureKind::kInput,
                                                  .lost_outputs = {},
                                                  .delay = {}});
    return;
  }
  doors_.log.debug("attempt.assigned", {{"attempt", action.attempt.value},
                                        {"job", action.task.job.value},
                                        {"stage", static_cast<unsigned>(action.task.stage)},
                                        {"task", action.task.index},
                                        {"worker", action.worker.value},
                                        {"speculative", action.speculative}});
  state_.attempts.add({.attempt = action.attempt,
                       .task = action.task,
                       .worker = action.worker,
                       .number = action.attempt_number});
  state_.followers.touch(action.task.job);
  // Before it, so that the worker need not ask.
  if (action.list_version != 0 && record->listing().tell(action.worker, state_.now)) {
    tell_listing(action.worker, record->listing());
  }
  state_.outbox.add_frame(worker->peer, std::move(encoded.frame));
}

void MasterService::perform(ListOutputs&& action) {
  JobRecord* record = state_.jobs.find(action.job);
  FANFOLD_CHECK(record != nullptr && record->phase() == JobPhase::kActive);
  record->listing().set(action, state_.workers);
  doors_.log.info("outputs.listed", {{"job", action.job.value},
                                     {"version", action.version},
                                     {"outputs", action.outputs.size()},
                                     {"pages", record->listing().frames().size()}});
}

void MasterService::perform(TellOutputs&& action) {
  JobRecord* record = state_.jobs.find(action.job);
  FANFOLD_CHECK(record != nullptr && record->phase() == JobPhase::kActive);
  if (!record->listing().tell_again(action.worker, state_.now)) return;
  state_.measures.resent(Resend::kOutputs);
  doors_.log.info("outputs.told", {{"job", action.job.value},
                                   {"version", record->listing().version()},
                                   {"worker", action.worker.value}});
  tell_listing(action.worker, record->listing());
}

void MasterService::perform(TellHomes&& action) {
  const JobRecord* record = state_.jobs.find(action.job);
  FANFOLD_CHECK(record != nullptr && record->phase() == JobPhase::kActive);
  proto::HomeOutputs message;
  message.job = action.job;
  message.over_network = record->spec().shuffle == proto::ShufflePath::kNetwork;
  message.segment_bytes_max = action.segment_bytes_max;
  std::vector<std::string> pages = {""};
  if (!action.outputs.empty()) {
    pages = proto::pack_outputs(with_addresses(action.outputs, state_.workers));
  }
  for (TellHomes::Home& home : action.homes) {
    message.partitions = std::move(home.partitions);
    for (const std::string& page : pages) {
      message.packed = page;
      tell_worker(home.worker, message);
    }
  }
  doors_.log.debug("homes.told", {{"job", action.job.value},
                                  {"homes", action.homes.size()},
                                  {"outputs", action.outputs.size()}});
}

void MasterService::tell_listing(WorkerId worker, const Listing& listing) {
  const KnownWorker* known = state_.workers.find(worker);
  if (known == nullptr) return;
  for (const std::string& frame : listing.frames()) state_.outbox.add_frame(known->peer, frame);
}

void MasterService::perform(AdoptAttempt&& action) {
  doors_.log.info("attempt.adopted", {{"attempt", action.attempt.value},
                                      {"job", action.task.job.value},
                                      {"stage", static_cast<unsigned>(action.task.stage)},
                                      {"task", action.task.index},
                                      {"worker", action.worker.value}});
  state_.followers.touch(action.task.job);
  // It has asked to commit in this very turn, and is over.
  if (state_.reports.contains(action.attempt)) return;
  const KnownWorker* worker = state_.workers.find(action.worker);
  state_.event_log.assigned(state_.now, {.attempt = action.attempt,
                                         .task = action.task,
                                         .number = action.attempt_number,
                                         .worker = action.worker,
                                         .hello = worker == nullptr ? nullptr : &worker->hello,
                                         .adopted = true});
  state_.attempts.add({.attempt = action.attempt,
                       .task = action.task,
                       .worker = action.worker,
                       .number = action.attempt_number});
}

void MasterService::perform(CancelAttempt&& action) {
  if (!state_.attempts.mark_cancelled(action.attempt)) {
    state_.measures.resent(Resend::kCancellation);
  }
  state_.event_log.cancelled(state_.now, action.attempt);
  state_.measures.cancelled(action.attempt);
  tell_worker(action.worker, proto::CancelAttempt{.attempt = action.attempt});
}

void MasterService::perform(AnswerCommit&& action) {
  if (!action.granted) {
    state_.logs.set_outcome(action.attempt, "abandoned");
    state_.event_log.abandoned(state_.now, action.attempt);
    state_.measures.abandoned(action.attempt);
  }
  tell_worker(action.worker,
              proto::CommitAnswer{.attempt = action.attempt, .granted = action.granted});
}

void MasterService::perform(NoteFailure&& action) {
  // Adopted in this very turn, it would be in the book for ever.
  state_.attempts.remove(action.attempt);
  state_.event_log.abandoned(state_.now, action.attempt);
  state_.measures.abandoned(action.attempt);
  tell_worker(action.worker, proto::FailureNoted{.attempt = action.attempt});
}

void MasterService::perform(PublishJob&& action) {
  const JobRecord* record = state_.jobs.find(action.job);
  FANFOLD_CHECK(record != nullptr && record->phase() == JobPhase::kActive);
  doors_.log.info("job.publishing", {{"job", action.job.value}});
  state_.event_log.publication_started(state_.now, action.job);
  const bool started = publishing_->start(
      [&files = doors_.files,
       request = record->publish_request(action, state_.settings.epoch)]() -> SideResult {
        return publish_job(files, request);
      });
  // Not more than unfinished jobs, whose number is bounded.
  FANFOLD_CHECK(started);
}

void MasterService::perform(FinishJob&& action) {
  JobRecord* record = state_.jobs.find(action.job);
  FANFOLD_CHECK(record != nullptr && record->phase() == JobPhase::kActive);
  proto::JobStatus status = std::move(ended_.at(action.job));
  ended_.erase(action.job);
  const auto elapsed = status.elapsed_ms;
  state_.event_log.ended(state_.now, status);
  state_.measures.job_ended(state_.now, status);
  stagings_.add(action.job, record->remains(action.state), state_.now);
  client_desk_.feeds().forget(action.job);
  state_.jobs.finish(*record, std::move(status));
  doors_.log.info("job.ended", {{"job", action.job.value},
                                {"state", proto::name_of(action.state)},
                                {"ms", elapsed},
                                {"reason", action.reason}});
  state_.followers.finish(action.job);
  std::vector<net::PeerId> peers;
  for (const auto& [worker, known] : state_.workers.all()) peers.push_back(known.peer);
  state_.outbox.add_all(peers, proto::ForgetJob{.job = action.job});
}

void MasterService::perform(ForgetWorker&& action) {
  worker_desk_.forget_worker(action.worker, true);
}

}  // namespace fanfold::master
