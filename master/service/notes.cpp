// What the store keeps beside each fact, so that the next master can go on: see recovery.cpp for
// the reverse.  Also what else the service has to do when something has become a fact.

#include <utility>
#include <variant>

#include "common/core/check.hpp"
#include "common/proto/codec.hpp"
#include "master/service/service.hpp"

namespace fanfold::master {

std::string MasterService::note(const Fact& fact) {
  return std::visit([this](const auto& one) { return note_of(one); }, fact);
}

std::string MasterService::note_of(const JobAccepted& fact) {
  const JobRecord& record = *state_.jobs.find(fact.job.job);
  state_.event_log.accepted(state_.now, record.outline(fact.job));
  state_.measures.job_accepted(state_.now, fact.job.job,
                               static_cast<std::uint32_t>(fact.job.split_bytes.size()),
                               fact.job.partitions, record.tree().tasks());
  return record.description();
}

std::string MasterService::note_of(const AttemptCommitted& fact) {
  JobRecord* record = state_.jobs.find(fact.task.job);
  const auto report = state_.reports.find(fact.attempt);
  FANFOLD_CHECK(record != nullptr && report != state_.reports.end());
  state_.followers.touch(fact.task.job);
  report->second = record->as_counted(fact.task, std::move(report->second));
  proto::Emission emission = std::exchange(report->second.emission, kept(report->second.emission));
  std::string bytes = proto::encode_struct(report->second);
  report->second.emission = std::move(emission);
  const bool stage_done =
      state_.event_log.committed(state_.now, fact.task, fact.attempt, report->second);
  state_.measures.committed(state_.now, fact.task, fact.attempt, report->second);
  if (record->spec().replicas.votes()) state_.logs.set_outcome(fact.attempt, "committed");
  record->commit(fact, std::move(report->second));
  if (stage_done && fact.task.stage == Stage::kMap) {
    state_.event_log.keys_measured(state_.now, fact.task.job, record->emission());
  }
  return bytes;
}

std::string MasterService::note_of(const MapOutputInvalidated& fact) {
  state_.followers.touch(fact.task.job);
  state_.event_log.output_invalidated(state_.now, fact.task, fact.attempt);
  state_.measures.output_invalidated(fact.task);
  if (JobRecord* record = state_.jobs.find(fact.task.job)) record->note_invalidated(fact.task);
  doors_.log.info(
      "map_output.lost",
      {{"job", fact.task.job.value}, {"task", fact.task.index}, {"attempt", fact.attempt.value}});
  return {};
}

std::string MasterService::note_of(const TaskFailureCounted& fact) {
  const JobRecord* record = state_.jobs.find(fact.task.job);
  FANFOLD_CHECK(record != nullptr);
  const proto::FailureReport* failure = record->find_failure(fact.attempt);
  return failure == nullptr ? std::string() : proto::encode_struct(*failure);
}

std::string MasterService::note_of(const JobCommitStarted& fact) {
  JobRecord* record = state_.jobs.find(fact.job);
  FANFOLD_CHECK(record != nullptr);
  state_.followers.touch(fact.job);
  proto::JobStatus status = status_of(state_, *record);
  std::string bytes = proto::encode_struct(status);
  record->note_publishing(std::move(status));
  return bytes;
}

std::string MasterService::note_of(const JobEnded& fact) {
  const JobRecord* record = state_.jobs.find(fact.job);
  FANFOLD_CHECK(record != nullptr);
  proto::JobStatus status = record->ended_status(fact, status_of(state_, *record));
  std::string bytes = record->end_note(status);
  ended_.insert_or_assign(fact.job, std::move(status));
  return bytes;
}

std::string MasterService::note_of(const WorkerRegistered& fact) {
  const KnownWorker* worker = state_.workers.find(fact.worker);
  // It came and went within one turn.
  return worker == nullptr ? std::string() : proto::encode_struct(worker->hello);
}

std::string MasterService::note_of(const WorkerGone& /*fact*/) { return {}; }

std::string MasterService::note_of(const NonDeterminismFound& fact) {
  proto::FailureReport failure;
  failure.kind = proto::FailureKind::kNonDeterministic;
  failure.message =
      "the same input gave other records than before; map, combine and reduce must depend on their "
      "input alone: not on time, random numbers, addresses or the order of a hash table";
  state_.event_log.failed(state_.now, fact.attempt, failure);
  state_.measures.failed(fact.attempt, failure.kind);
  if (JobRecord* record = state_.jobs.find(fact.task.job)) {
    record->note_failure(fact.attempt, std::move(failure));
  }
  return {};
}

std::string MasterService::note_of(const DissentFound& fact) {
  state_.followers.touch(fact.task.job);
  EventRecorder::Dissent dissent{fact.task, fact.attempt, fact.worker_name, fact.digest, {}};
  if (fact.decided) dissent.accepted = fact.accepted;
  state_.event_log.dissented(state_.now, dissent);
  doors_.log.warn("result.dissented", {{"job", fact.task.job.value},
                                       {"stage", static_cast<unsigned>(fact.task.stage)},
                                       {"task", fact.task.index},
                                       {"worker", fact.worker_name},
                                       {"majority", fact.decided}});
  if (fact.decided) {
    state_.measures.dissented();
    return {};
  }
  JobRecord* record = state_.jobs.find(fact.task.job);
  FANFOLD_CHECK(record != nullptr);
  proto::FailureReport failure;
  failure.kind = proto::FailureKind::kNonDeterministic;
  failure.worker = fact.worker_name;
  failure.message =
      "replicas of this task gave different results, and none has a majority: either the code "
      "depends on more than its input, or workers compute wrongly";
  record->note_failure(fact.attempt, std::move(failure));
  return {};
}

std::string MasterService::note_of(const TaskGivenUp& fact) {
  JobRecord* record = state_.jobs.find(fact.task.job);
  FANFOLD_CHECK(record != nullptr);
  record->note_given_up(fact);
  state_.followers.touch(fact.task.job);
  state_.event_log.given_up(state_.now, fact.task, fact.first_failure, fact.kind);
  doors_.log.warn("task.given_up", {{"job", fact.task.job.value},
                                    {"task", fact.task.index},
                                    {"kind", proto::name_of(fact.kind)}});
  return {};
}

std::string MasterService::note_of(const CoverageDecided& fact) {
  JobRecord* record = state_.jobs.find(fact.job);
  FANFOLD_CHECK(record != nullptr);
  record->note_coverage(fact);
  state_.followers.touch(fact.job);
  state_.event_log.coverage_decided(state_.now, fact.job, fact.reason, fact.covered);
  doors_.log.info("coverage.decided", {{"job", fact.job.value},
                                       {"reason", proto::name_of(fact.reason)},
                                       {"covered", fact.covered}});
  return {};
}

std::string MasterService::note_of(const JobControlled& fact) {
  state_.followers.touch(fact.job);
  state_.event_log.controlled(state_.now, fact.job, fact.control);
  doors_.log.info("job.changed", {{"job", fact.job.value},
                                  {"max_concurrency", fact.control.max_concurrency},
                                  {"priority", fact.control.priority},
                                  {"weight", fact.control.weight},
                                  {"paused", fact.control.paused ? 1 : 0}});
  return {};
}

std::string MasterService::note_of(const PartitionsWeighed& fact) {
  JobRecord* record = state_.jobs.find(fact.job);
  FANFOLD_CHECK(record != nullptr);
  const std::vector<std::string> notes = record->note_weighed(fact);
  const std::uint32_t shares = record->shares().tasks();
  state_.followers.touch(fact.job);
  if (!notes.empty()) {
    state_.event_log.weighed(state_.now, fact.job, {fact.heavy, fact.ends, notes});
  }
  state_.measures.job_shared(fact.job, shares);
  for (const proto::HeavyPartition& one : fact.heavy) {
    if (!one.hot) break;
    doors_.log.info("partition.hot", {{"job", fact.job.value},
                                      {"partition", one.partition},
                                      {"bytes", one.bytes},
                                      {"shares", one.shares}});
  }
  return {};
}

std::string MasterService::note_of(const InputFed& fact) {
  JobRecord* record = state_.jobs.find(fact.job);
  FANFOLD_CHECK(record != nullptr);
  proto::StoredFeed feed = client_desk_.feeds().taken(fact, *record);
  std::string bytes = proto::encode_struct(feed);
  state_.followers.touch(fact.job);
  const auto splits = static_cast<std::uint32_t>(fact.split_bytes.size());
  state_.event_log.fed(state_.now, fact.job, splits, fact.closed);
  state_.measures.job_fed(fact.job, splits);
  record->note_fed(fact, std::move(feed));
  doors_.log.info("job.fed",
                  {{"job", fact.job.value}, {"splits", splits}, {"closed", fact.closed ? 1 : 0}});
  return bytes;
}

}  // namespace fanfold::master
