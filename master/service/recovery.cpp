// What a restarted master makes of what it finds: the scheduler gets its facts back, the service
// what it had noted beside them.  notes.cpp is the reverse.
//
// Whatever does not fit together stops the start: a master that went on without a part of its past
// could run committed tasks again, or end a job twice.

#include <set>
#include <string>
#include <utility>
#include <variant>

#include "common/core/planted.hpp"
#include "common/proto/codec.hpp"
#include "master/service/chores.hpp"
#include "master/service/service.hpp"
#include "master/store/fact_codec.hpp"

namespace fanfold::master {
namespace {

Status damaged(const std::string& what) {
  return {StatusCode::kCorruption, "the master's state does not fit together: " + what +
                                       "; restore the state directory from a copy, or move it "
                                       "away to start with no jobs"};
}

std::string name_of(JobId job) { return "job " + std::to_string(job.value); }

/// Into `value`, or why not.
template <class Struct>
Status read_note(const std::string& note, const std::string& what, Struct* value) {
  Result<Struct> decoded = proto::decode_struct<Struct>(note);
  if (!decoded.ok()) return damaged(what + ": " + decoded.status().message());
  *value = *std::move(decoded);
  return {};
}

}  // namespace

struct MasterService::Recovery {
  MasterService& service;
  MasterState& state;

  /// The record of a job that goes on.
  Result<JobRecord*> record_of(JobId job) const {
    JobRecord* record = state.jobs.find(job);
    if (record != nullptr && record->phase() == JobPhase::kActive) return record;
    return damaged("there are facts about " + name_of(job) + ", but not that it was accepted");
  }

  Status take(const JobAccepted& fact, const std::string& note) const {
    proto::StoredJob stored;
    FANFOLD_RETURN_IF_ERROR(
        read_note(note, "the description of " + name_of(fact.job.job), &stored));
    if (stored.splits.size() != fact.job.split_bytes.size() ||
        stored.partitions != fact.job.partitions ||
        stored.spec.gather.arity != fact.job.gather_arity) {
      return damaged("the description of " + name_of(fact.job.job) + " is of another plan");
    }
    const proto::GatherTree tree(stored.partitions, stored.spec.gather.arity);
    state.jobs.add_active(fact.job.job, std::move(stored));
    state.event_log.restore(fact.job.job, fact.job.sample,
                            static_cast<std::uint32_t>(fact.job.split_bytes.size()),
                            fact.job.partitions, tree.tasks());
    if (fact.job.open) state.event_log.restore_open(fact.job.job);
    return {};
  }
  Status take(const AttemptCommitted& fact, const std::string& note) const {
    FANFOLD_ASSIGN_OR_RETURN(JobRecord* const record, record_of(fact.task.job));
    if (!record->contains(fact.task)) {
      return damaged("a task of " + name_of(fact.task.job) + " is none of its plan");
    }
    proto::AttemptReport report;
    FANFOLD_RETURN_IF_ERROR(
        read_note(note, "the report of an attempt of " + name_of(fact.task.job), &report));
    record->commit(fact, std::move(report));
    state.event_log.restore_done(fact.task, true);
    return {};
  }
  Status take(const MapOutputInvalidated& fact, const std::string& /*note*/) const {
    FANFOLD_ASSIGN_OR_RETURN(JobRecord* const record, record_of(fact.task.job));
    if (!record->contains(fact.task)) {
      return damaged("a task of " + name_of(fact.task.job) + " is none of its plan");
    }
    record->note_invalidated(fact.task);
    state.event_log.restore_done(fact.task, false);
    return {};
  }
  Status take(const TaskGivenUp& fact, const std::string& /*note*/) const {
    FANFOLD_ASSIGN_OR_RETURN(JobRecord* const record, record_of(fact.task.job));
    if (!record->contains(fact.task)) {
      return damaged("a task of " + name_of(fact.task.job) + " is none of its plan");
    }
    record->note_given_up(fact);
    return {};
  }
  Status take(const CoverageDecided& fact, const std::string& /*note*/) const {
    FANFOLD_ASSIGN_OR_RETURN(JobRecord* const record, record_of(fact.job));
    record->note_coverage(fact);
    state.event_log.restore_coverage(fact.job, fact.covered);
    return {};
  }
  Status take(const InputFed& fact, const std::string& note) const {
    FANFOLD_ASSIGN_OR_RETURN(JobRecord* const record, record_of(fact.job));
    proto::StoredFeed feed;
    FANFOLD_RETURN_IF_ERROR(read_note(note, "what " + name_of(fact.job) + " was fed", &feed));
    if (feed.splits.size() != fact.split_bytes.size() || !record->spec().open ||
        record->input_closed()) {
      return damaged(name_of(fact.job) + " was fed something else");
    }
    record->note_fed(fact, std::move(feed));
    state.event_log.restore_fed(fact.job, static_cast<std::uint32_t>(fact.split_bytes.size()),
                                fact.closed);
    return {};
  }
  Status take(const PartitionsWeighed& fact, const std::string& /*note*/) const {
    FANFOLD_ASSIGN_OR_RETURN(JobRecord* const record, record_of(fact.job));
    const auto splits = static_cast<std::uint32_t>(record->splits());
    if (!proto::Shares::are_possible(record->partitions(), splits, fact.heavy, fact.ends)) {
      return damaged("the hot partitions of " + name_of(fact.job) + " are none of its plan");
    }
    record->note_weighed(fact);
    state.event_log.restore_shares(fact.job, record->shares().tasks());
    return {};
  }
  Status take(const JobControlled& fact, const std::string& /*note*/) const {
    return record_of(fact.job).status();
  }
  Status take(const DissentFound& fact, const std::string& /*note*/) const {
    FANFOLD_ASSIGN_OR_RETURN(const JobRecord* const record, record_of(fact.task.job));
    if (record->contains(fact.task)) return {};
    return damaged("a task of " + name_of(fact.task.job) + " is none of its plan");
  }
  Status take(const TaskFailureCounted& fact, const std::string& note) const {
    FANFOLD_ASSIGN_OR_RETURN(JobRecord* const record, record_of(fact.task.job));
    if (note.empty()) return {};
    proto::FailureReport failure;
    FANFOLD_RETURN_IF_ERROR(
        read_note(note, "a failure of an attempt of " + name_of(fact.task.job), &failure));
    record->note_failure(fact.attempt, std::move(failure));
    return {};
  }
  Status take(const JobCommitStarted& fact, const std::string& note) const {
    FANFOLD_ASSIGN_OR_RETURN(JobRecord* const record, record_of(fact.job));
    proto::JobStatus status;
    FANFOLD_RETURN_IF_ERROR(read_note(note, "the publication of " + name_of(fact.job), &status));
    record->note_publishing(std::move(status));
    return {};
  }
  Status take(const JobEnded& fact, const std::string& note) const {
    proto::StoredEnd end;
    FANFOLD_RETURN_IF_ERROR(read_note(note, "the end of " + name_of(fact.job), &end));
    end.status.job = fact.job;
    // A crash may have come before it was removed.
    // What did not end well keeps what it was fed.
    const bool succeeded = fact.state == proto::JobState::kSucceeded;
    service.stagings_.add(
        fact.job, {end.staging, succeeded ? fed_directory(end.staging) : std::string()}, state.now);
    state.jobs.add_ended(std::move(end));
    return {};
  }
  Status take(const WorkerRegistered& fact, const std::string& note) const {
    if (note.empty()) return {};
    proto::Hello hello;
    FANFOLD_RETURN_IF_ERROR(read_note(note, "worker " + std::to_string(fact.worker.value), &hello));
    state.workers.remember(fact.worker, hello.uuid);
    return {};
  }
  Status take(const WorkerGone& fact, const std::string& /*note*/) const {
    state.workers.remove(fact.worker);
    return {};
  }
  static Status take(const NonDeterminismFound& /*fact*/, const std::string& /*note*/) {
    return {};
  }
};

Status MasterService::recover(const StoredState& stored) {
  std::set<JobId> ended;
  for (const StoredFact& one : stored.facts) {
    if (planted(Bug::kRunEndedJobsAgain)) break;
    if (const auto* end = std::get_if<JobEnded>(&one.fact)) ended.insert(end->job);
  }
  const Recovery recovery{*this, state_};
  for (const StoredFact& one : stored.facts) {
    const JobId job = job_of(one.fact);
    // Of ended jobs the end is all that counts, whatever else is left of them.
    const bool is_end = std::holds_alternative<JobEnded>(one.fact);
    if (is_end && planted(Bug::kRunEndedJobsAgain)) continue;
    if (!is_end && ended.contains(job)) continue;
    FANFOLD_RETURN_IF_ERROR(
        std::visit([&](const auto& fact) { return recovery.take(fact, one.note); }, one.fact));
    if (!is_end) state_.scheduler.restore(one.fact);
  }
  for (const JobId job : state_.jobs.list(JobPhase::kActive)) {
    doors_.log.info("job.resumed", {{"job", job.value}});
    state_.event_log.resumed(state_.now, job);
  }
  std::vector<proto::JobStatus> newest_first;
  for (auto job = ended.rbegin(); job != ended.rend(); ++job) {
    const JobRecord* record = state_.jobs.find(*job);
    if (record != nullptr) newest_first.push_back(record->final_status());
  }
  state_.event_log.complete(state_.now, newest_first);
  // The scheduler's first step does again what a crash may have left undone.
  events_for_next_turn_.push_back(Tick{});
  return {};
}

}  // namespace fanfold::master
