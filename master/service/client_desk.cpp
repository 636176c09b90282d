#include "master/service/client_desk.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include "common/core/check.hpp"
#include "common/core/limits.hpp"
#include "master/service/admission.hpp"
#include "master/service/chores.hpp"
#include "master/service/completion.hpp"
#include "master/service/older_workers.hpp"
#include "master/service/submission.hpp"

namespace fanfold::master {
namespace {

/// Lists and logs stay below a control frame, whatever they hold.
constexpr std::size_t kReplyBytes = limits::kControlFrameBytes / 2;

std::uint64_t milliseconds_of(Duration duration) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

/// What a row of a list needs.
proto::JobStatus row_of(proto::JobStatus status) {
  status.counters.clear();
  status.notes.clear();
  status.emission = {};
  status.first_cause.stack.clear();
  status.first_cause.log_tail.clear();
  return status;
}

Status unknown_job(JobId job) {
  return {StatusCode::kNotFound,
          "no job " + std::to_string(job.value) +
              " is known here; `fanfold list` shows the jobs of this master"};
}

}  // namespace

void ClientDesk::answer(const net::PeerId& peer, const Status& status, JobId job) {
  state_.outbox.add(peer, proto::Answer{.code = static_cast<std::uint8_t>(status.code()),
                                        .message = status.message(),
                                        .job = job});
}

void ClientDesk::refuse_unknown(const net::PeerId& peer, JobId job) {
  answer(peer, unknown_job(job), job);
}

Status ClientDesk::refuse_submission(const proto::JobSpec& spec) {
  if (state_.stopping) {
    return {StatusCode::kUnavailable,
            "the cluster at " + state_.settings.address + " is stopping; submit to another one"};
  }
  FANFOLD_RETURN_IF_ERROR(check_submission(spec));
  if (state_.plugins != nullptr) {
    FANFOLD_RETURN_IF_ERROR(state_.plugins->check(spec.plugin.name, spec.plugin.sha256));
  }
  if (state_.jobs.unfinished() >= limits::kJobsUnfinished) {
    return {StatusCode::kExhausted, std::to_string(limits::kJobsUnfinished) +
                                        " jobs have not ended yet; wait for one of them"};
  }
  if (const JobRecord* writer = state_.jobs.find_writer(spec.output)) {
    return {StatusCode::kAlreadyExists, "job " + std::to_string(writer->job().value) +
                                            " is writing to " + spec.output +
                                            "; choose another output or wait for it"};
  }
  FANFOLD_RETURN_IF_ERROR(check_workers_know(state_.workers, spec));
  return refuse_for_quota();
}

Status ClientDesk::refuse_for_quota() {
  const auto& holder = state_.sender.holder;
  if (!holder) return {};
  std::size_t unfinished = 0;
  for (const JobPhase phase : {JobPhase::kPlanning, JobPhase::kActive}) {
    for (const JobId job : state_.jobs.list(phase)) {
      if (state_.jobs.find(job)->spec().submitted_by == holder->name) ++unfinished;
    }
  }
  return quotas_.submit(*holder, unfinished, state_.now);
}

Status ClientDesk::refuse_for_size(const security::KeyHolder& holder, const JobSize& more) const {
  if (holder.quota.tasks == 0 && holder.quota.bytes == 0) return {};
  JobSize present;
  for (const JobId job : state_.jobs.list(JobPhase::kActive)) {
    const JobRecord& record = *state_.jobs.find(job);
    if (record.spec().submitted_by != holder.name) continue;
    const JobSize size = record.size();
    present.tasks += size.tasks;
    present.bytes += size.bytes;
  }
  return check_size(holder, more, present);
}

void ClientDesk::handle(const net::PeerId& peer, proto::GetJob message) {
  const JobRecord* record = state_.jobs.find_visible(message.job);
  if (record == nullptr) {
    refuse_unknown(peer, message.job);
    return;
  }
  if (message.follow && record->phase() == JobPhase::kActive &&
      !state_.followers.add(message.job, peer, state_.now)) {
    answer(peer,
           {StatusCode::kExhausted, "job " + std::to_string(message.job.value) +
                                        " is followed by too many clients; ask without following"},
           message.job);
    return;
  }
  state_.outbox.add(peer, proto::JobReply{.status = status_of(state_, *record),
                                          .state_id = state_.settings.state_id});
}

void ClientDesk::handle(const net::PeerId& peer, proto::ListJobs /*message*/) {
  std::vector<JobId> jobs = state_.jobs.list(JobPhase::kEnded);
  const std::vector<JobId> active = state_.jobs.list(JobPhase::kActive);
  jobs.insert(jobs.end(), active.begin(), active.end());
  std::sort(jobs.begin(), jobs.end());
  // Newest first until the reply is full, then turned round.
  proto::JobList reply;
  std::size_t bytes = 0;
  for (auto job = jobs.rbegin(); job != jobs.rend(); ++job) {
    proto::JobStatus row = row_of(status_of(state_, *state_.jobs.find(*job)));
    bytes += proto::encode(proto::JobReply{.status = row}).size();
    if (bytes > kReplyBytes) break;
    reply.jobs.push_back(std::move(row));
  }
  std::reverse(reply.jobs.begin(), reply.jobs.end());
  state_.outbox.add(peer, reply);
}

const JobRecord* ClientDesk::find_own(const net::PeerId& peer, JobId job, const char* what,
                                      std::uint64_t state_id) {
  const JobRecord* record = state_.jobs.find_visible(job);
  if (record == nullptr || is_other_state(state_id, state_.settings.state_id)) {
    refuse_unknown(peer, job);
    return nullptr;
  }
  const std::string& submitted_by = record->phase() == JobPhase::kActive
                                        ? record->spec().submitted_by
                                        : record->final_status().submitted_by;
  if (const Status refused = check_ownership(state_.sender, submitted_by, what); !refused.ok()) {
    const std::string name = "job " + std::to_string(job.value);
    state_.audit.refused(state_.sender, std::string("to ") + what + " " + name);
    answer(peer, std::move(Status(refused)).with_context(name), job);
    return nullptr;
  }
  return record;
}

void ClientDesk::handle(const net::PeerId& peer, proto::CancelJob message) {
  const JobRecord* record = find_own(peer, message.job, "cancel", message.state_id);
  if (record == nullptr) return;
  const std::string name = "job " + std::to_string(message.job.value);
  if (record->phase() == JobPhase::kActive) {
    state_.log.info("job.cancel_requested", {{"job", message.job.value}});
    state_.audit.cancelled(state_.sender, message.job);
    state_.events.push_back(JobCancelled{.job = message.job});
    answer(peer, {}, message.job);
    return;
  }
  // Asking twice is fine; asking too late is worth a word.
  const proto::JobState state = record->final_status().state;
  if (state == proto::JobState::kCancelled) {
    answer(peer, {}, message.job);
    return;
  }
  answer(peer,
         {StatusCode::kInvalidArgument,
          name + " is over (" + proto::name_of(state) + "): there is nothing to cancel"},
         message.job);
}

void ClientDesk::handle(const net::PeerId& peer, const proto::ChangeJob& message) {
  const JobRecord* record = find_own(peer, message.job, "change");
  if (record == nullptr) return;
  if (const Status refused = check_control(message.change.to); !refused.ok()) {
    answer(peer, refused, message.job);
    return;
  }
  if (record->phase() != JobPhase::kActive) {
    answer(peer,
           {StatusCode::kInvalidArgument,
            "job " + std::to_string(message.job.value) + " is over (" +
                proto::name_of(record->final_status().state) + "): there is nothing to change"},
           message.job);
    return;
  }
  state_.audit.changed(state_.sender, message.job);
  state_.events.push_back(JobChangeWanted{.job = message.job, .change = message.change});
  answer(peer, {}, message.job);
}

void ClientDesk::handle(const net::PeerId& peer, proto::Feed message) {
  const JobRecord* record = find_own(peer, message.job, "feed", message.state_id);
  if (record != nullptr) feeds_.take(peer, *record, std::move(message));
}

void ClientDesk::handle(const net::PeerId& peer, proto::GetLogs message) {
  const JobRecord* record = state_.jobs.find_visible(message.job);
  if (record == nullptr) {
    refuse_unknown(peer, message.job);
    return;
  }
  AttemptLogs::Query query{.job = message.job, .task = {}, .attempt_number = 0};
  if (message.one_task) {
    query.task = message.task;
    query.task->job = message.job;
    query.attempt_number = message.attempt_number;
  }
  proto::Logs reply{.entries = state_.logs.find(query, kReplyBytes)};
  for (const HeldAttempt& held : state_.attempts.of_job(message.job)) {
    if (query.task && held.task != *query.task) continue;
    if (query.attempt_number != 0 && held.number != query.attempt_number) continue;
    const KnownWorker* worker = state_.workers.find(held.worker);
    reply.entries.push_back({.task = held.task,
                             .attempt = held.attempt,
                             .attempt_number = held.number,
                             .worker = worker == nullptr ? std::string() : worker->hello.name,
                             .outcome = "running",
                             .text = {},
                             .failure = {}});
  }
  state_.outbox.add(peer, reply);
}

Result<EventRecorder::Part> ClientDesk::read_part(const proto::GetEvents& message) {
  if (message.attempt_number == 0) {
    return state_.event_log.read(message.job, message.offset, limits::kEventPartBytes);
  }
  TaskId task = message.task;
  task.job = message.job;
  Result<EventRecorder::Part> part = state_.event_log.read_capsule(
      task, message.attempt_number, message.offset, limits::kEventPartBytes);
  // It may be the one that is being written: nothing yet, but there may be more.
  if (!part.ok() && state_.capsules_under_way) return EventRecorder::Part{};
  return part;
}

void ClientDesk::handle(const net::PeerId& peer, const proto::GetEvents& message) {
  if (state_.jobs.find_visible(message.job) == nullptr) {
    refuse_unknown(peer, message.job);
    return;
  }
  Result<EventRecorder::Part> part = read_part(message);
  if (!part.ok()) {
    answer(peer, part.status(), message.job);
    return;
  }
  state_.outbox.add(peer, proto::Events{.job = message.job,
                                        .offset = message.offset,
                                        .bytes = std::move(part->bytes),
                                        .ended = part->ended});
}

void ClientDesk::handle(const net::PeerId& peer, const proto::GetOutput& message) {
  if (state_.jobs.find_visible(message.job) == nullptr) {
    refuse_unknown(peer, message.job);
    return;
  }
  const std::optional<proto::LogEntry> over = state_.logs.find(message.attempt);
  if (over && over->task.job == message.job) {
    state_.outbox.add(peer, output_of(*over, message.offset));
    return;
  }
  const HeldAttempt* held = state_.attempts.find(message.attempt);
  const KnownWorker* worker = held == nullptr ? nullptr : state_.workers.find(held->worker);
  if (worker == nullptr || held->task.job != message.job) {
    answer(peer,
           {StatusCode::kNotFound, "attempt " + std::to_string(message.attempt.value) + " of job " +
                                       std::to_string(message.job.value) +
                                       " does not run, and what it wrote is not kept (any more)"},
           message.job);
    return;
  }
  state_.output_questions.add({.peer = peer, .attempt = message.attempt, .offset = message.offset});
  state_.outbox.add(worker->peer,
                    proto::ReadOutput{.attempt = message.attempt, .offset = message.offset});
}

void ClientDesk::handle(const net::PeerId& peer, proto::GetCluster /*message*/) {
  proto::ClusterReply reply;
  reply.address = state_.settings.address;
  reply.process = state_.settings.process;
  reply.uptime_ms = milliseconds_of(state_.now - state_.started);
  reply.jobs_running = static_cast<std::uint32_t>(state_.jobs.active());
  reply.workers = state_.scheduler.workers(state_.now);
  state_.workers.describe(&reply.workers);
  state_.outbox.add(peer, reply);
}

}  // namespace fanfold::master
