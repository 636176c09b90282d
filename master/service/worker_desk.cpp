#include "master/service/worker_desk.hpp"

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

#include "common/capsule/capsule.hpp"
#include "common/core/limits.hpp"
#include "common/core/planted.hpp"
#include "common/net/address.hpp"
#include "master/service/admission.hpp"
#include "master/service/emission_sum.hpp"
#include "master/service/older_workers.hpp"
#include "master/service/result_digest.hpp"

namespace fanfold::master {
namespace {

// A failure is shown to a person; what is longer than this is not read.
constexpr std::size_t kFailureTextBytes = 8u << 10;
constexpr std::size_t kStackLines = 64;

std::uint64_t milliseconds_of(Duration duration) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

void trim(proto::FailureReport* failure) {
  if (failure->message.size() > kFailureTextBytes) failure->message.resize(kFailureTextBytes);
  if (failure->stack.size() > kStackLines) failure->stack.resize(kStackLines);
  for (std::string& line : failure->stack) {
    if (line.size() > kFailureTextBytes) line.resize(kFailureTextBytes);
  }
  if (failure->record_file.size() > limits::kPathBytes) {
    failure->record_file.resize(limits::kPathBytes);
  }
  if (failure->key.size() > kFailureTextBytes) failure->key.resize(kFailureTextBytes);
  failure->log_tail = tail_of(std::move(failure->log_tail), kFailureTextBytes);
  std::vector<std::uint64_t>& points = failure->memory.resident_bytes;
  if (points.size() > proto::MemoryCurve::kPointsMax) {
    points.resize(proto::MemoryCurve::kPointsMax);
  }
}

}  // namespace

const KnownWorker* WorkerDesk::known(WorkerId worker, const net::PeerId& peer) {
  const KnownWorker* found = state_.workers.heard_from(worker, peer, state_.key_name());
  if (found == nullptr) {
    state_.outbox.add(peer, proto::Unknown{});
    return nullptr;
  }
  if (state_.decoded_as != found->hello.protocol) {
    // Over another connection than its Hello, and so read in the wrong version.
    state_.outbox.add(peer, proto::Unknown{});
    return nullptr;
  }
  return found;
}

void WorkerDesk::handle(const net::PeerId& peer, proto::Hello message) {
  if (state_.stopping) {
    state_.outbox.add(peer, proto::Goodbye{});
    return;
  }
  if (!may_join(peer, message)) return;
  const bool other_state = is_other_state(message.state_id, state_.settings.state_id);
  if (other_state && !planted(Bug::kForgetState)) {
    state_.log.info("worker.of_another_state", {{"name", message.name}});
    state_.outbox.add(peer, welcome({}));
    return;
  }
  if (!has_host_to_itself(peer, message)) return;
  WorkerJoined joined{.worker = {},
                      .slots = message.slots,
                      .attempts = std::exchange(message.attempts, {}),
                      .outputs = std::exchange(message.outputs, {}),
                      .outputs_complete = message.outputs_complete,
                      .name = message.name,
                      .host = message.host_id,
                      .place = message.host_inputs ? message.host : std::string(),
                      .host_name = message.host,
                      .knows_homes = message.protocol >= proto::HomeOutputs::kSince,
                      .knows_shares = message.protocol >= proto::Shares::kSince};
  // Where it is found, a worker says itself; whose key is met there, it does not.
  if (const auto& holder = state_.sender.holder) {
    message.data_endpoint = net::with_key(message.data_endpoint, holder->key);
  }
  const auto introduction = state_.workers.introduce(peer, std::move(message), state_.key_name());
  if (introduction.worker == nullptr) {
    state_.measures.refused(Refusal::kWorker);
    state_.audit.refused(state_.sender, "to speak as the worker of another key");
    return;
  }
  const KnownWorker& worker = *introduction.worker;
  state_.outbox.add(peer, welcome(worker.worker));
  tell_peers(peer);
  tell_what_is_over(peer, joined);
  if (!introduction.is_new) return;
  state_.measures.worker_joined();
  state_.log.info("worker.joined", {{"worker", worker.worker.value},
                                    {"name", worker.hello.name},
                                    {"process", worker.hello.process},
                                    {"slots", worker.hello.slots},
                                    {"protocol", worker.hello.protocol},
                                    {"data", worker.hello.data_endpoint}});
  joined.worker = worker.worker;
  state_.audit.worker_joined(state_.sender, worker.hello.name);
  state_.events.push_back(std::move(joined));
}

proto::Welcome WorkerDesk::welcome(WorkerId worker) const {
  return {.worker = worker,
          .epoch = state_.settings.epoch,
          .heartbeat_ms = milliseconds_of(state_.settings.heartbeat_interval),
          .silence_ms = milliseconds_of(state_.settings.worker_silence_max),
          .state_id = state_.settings.state_id};
}

void WorkerDesk::tell_peers(const net::PeerId& peer) {
  if (state_.keys == nullptr || !state_.sender.holder) return;
  state_.outbox.add_frame(peer, encode_peers(state_.keys->workers()));
}

void WorkerDesk::tell_what_is_over(const net::PeerId& peer, const WorkerJoined& joined) {
  // The end of these jobs was told while the worker could not hear it.
  std::set<JobId> jobs;
  for (const proto::HeldTask& held : joined.attempts) jobs.insert(held.task.job);
  for (const proto::HeldOutputs& held : joined.outputs) jobs.insert(held.job);
  for (const JobId job : jobs) {
    if (state_.jobs.is_over(job)) state_.outbox.add(peer, proto::ForgetJob{job});
  }
}

void WorkerDesk::handle(const net::PeerId& peer, proto::Heartbeat message) {
  // The same number may have been given by an earlier master.
  if (message.epoch != state_.settings.epoch) {
    state_.outbox.add(peer, proto::Unknown{});
    return;
  }
  if (known(message.worker, peer) == nullptr) return;
  state_.workers.note_room(message.worker, message.room);
  state_.outbox.add(peer, proto::HeartbeatEcho{.epoch = state_.settings.epoch});
  if (state_.keys != nullptr && message.peers != state_.keys->generation()) {
    tell_peers(peer);
    state_.measures.resent(Resend::kKeys);
  }
  std::vector<AttemptId> listed;
  listed.reserve(message.attempts.size());
  for (const proto::AttemptProgress& progress : message.attempts) {
    listed.push_back(progress.attempt);
    if (progress.running) state_.event_log.running(state_.now, progress.attempt);
    const HeldAttempt* held = state_.attempts.find(progress.attempt);
    if (held != nullptr) state_.followers.touch(held->task.job);
  }
  std::sort(listed.begin(), listed.end());
  state_.attempts.remove_cancelled_except(message.worker, listed, message.newest);
  state_.events.push_back(
      HeartbeatReceived{.worker = message.worker, .attempts = std::move(message.attempts)});
}

void WorkerDesk::note_end(const KnownWorker& worker, const HeldAttempt& held, const char* outcome,
                          Written written, const proto::FailureReport& failure) {
  state_.logs.add({.task = held.task,
                   .attempt = held.attempt,
                   .attempt_number = held.number,
                   .worker = worker.hello.name,
                   .outcome = outcome,
                   .text = std::move(written.text),
                   .failure = failure,
                   .bytes = written.bytes});
  answer_output_questions(&state_, held.attempt);
}

void WorkerDesk::handle(const net::PeerId& peer, proto::CommitRequest message) {
  const KnownWorker* worker = known(message.worker, peer);
  if (worker == nullptr) return;
  const HeldAttempt* held = state_.attempts.find(message.attempt);
  CommitRequested event{.worker = message.worker,
                        .attempt = message.attempt,
                        .output_empty = message.report.output_empty,
                        .bytes_out = message.report.bytes_out,
                        .flow = message.report.flow,
                        .records = message.report.records_in,
                        .bad_records = message.report.records_skipped + message.report.dead_letters,
                        .failures = message.report.failures,
                        .heavy = std::exchange(message.report.heavy_partitions, {})};
  if (event.heavy.size() > proto::AttemptReport::kHeavyTold) {
    event.heavy.resize(proto::AttemptReport::kHeavyTold);
  }
  const JobRecord* record = held != nullptr ? state_.jobs.find(held->task.job) : nullptr;
  const bool votes =
      record != nullptr && record->spec().replicas.votes() && held->task.stage != Stage::kGather;
  // Whoever is not in the book may have been taken over in this turn.
  if (held == nullptr || votes) event.digest = result_digest(message.report);
  if (held != nullptr && held->worker == message.worker) {
    note_end(*worker, *held, votes ? "voted" : "committed",
             {std::move(message.log_text), message.log_bytes}, {});
    state_.attempts.remove(message.attempt);
  }
  trim(&message.report.emission);
  // The scheduler may know more than the book: in this very turn it may adopt the attempt of a
  // worker that came back.  A repeated or stale request is the scheduler's to answer.
  state_.reports.insert_or_assign(message.attempt, std::move(message.report));
  state_.events.push_back(std::move(event));
}

void WorkerDesk::handle(const net::PeerId& peer, proto::AttemptFailed message) {
  const KnownWorker* worker = known(message.worker, peer);
  if (worker == nullptr) return;
  proto::FailureReport& failure = message.failure;
  AttemptFailed event{
      .worker = message.worker,
      .attempt = message.attempt,
      .kind = failure.kind,
      .lost_outputs = {},
      .delay = std::chrono::milliseconds(std::min(failure.delay_ms, limits::kGiveBackMsMost))};
  for (const proto::MapOutput& lost : failure.lost_outputs) {
    event.lost_outputs.push_back(lost.attempt);
  }
  failure.lost_outputs.clear();
  const HeldAttempt* held = state_.attempts.find(message.attempt);
  if (held != nullptr && held->worker == message.worker) {
    trim(&failure);
    if (failure.worker.empty()) failure.worker = worker->hello.name;
    if (failure.kind == proto::FailureKind::kPlugin && failure.message.starts_with("cannot open") &&
        worker->hello.protocol < proto::GetBlob::kSince) {
      failure.message += " (plugins do not travel to this worker, which speaks protocol " +
                         std::to_string(worker->hello.protocol) + ")";
    }
    state_.event_log.failed(state_.now, message.attempt, failure);
    state_.measures.failed(message.attempt, failure.kind);
    if (failure.kind != proto::FailureKind::kCancelled) {
      state_.log.warn("attempt.failed", {{"job", held->task.job.value},
                                         {"stage", static_cast<unsigned>(held->task.stage)},
                                         {"task", held->task.index},
                                         {"attempt", message.attempt.value},
                                         {"worker", worker->hello.name},
                                         {"kind", proto::name_of(failure.kind)},
                                         {"message", failure.message}});
      if (JobRecord* record = state_.jobs.find(held->task.job);
          record != nullptr && record->phase() == JobPhase::kActive) {
        record->note_failure(message.attempt, failure);
        if (leaves_capsule(failure.kind)) {
          state_.capsules.push_back(
              record->capsule(message.attempt, held->task, held->number, failure));
        }
      }
    }
    note_end(*worker, *held, proto::name_of(failure.kind),
             {std::move(message.log_text), message.log_bytes}, failure);
    state_.followers.touch(held->task.job);
    state_.attempts.remove(message.attempt);
  }
  state_.events.push_back(std::move(event));
}

void WorkerDesk::handle(const net::PeerId& peer, proto::Bye message) {
  const KnownWorker* worker = state_.workers.heard_from(message.worker, peer, state_.key_name());
  if (worker == nullptr || message.finished) {
    // It wants to go, and nobody has a reason to keep it.
    state_.outbox.add(peer, proto::Goodbye{});
  }
  if (worker == nullptr) return;
  if (!message.finished) {
    state_.events.push_back(WorkerDraining{.worker = message.worker});
    return;
  }
  forget_worker(message.worker, false);
  state_.events.push_back(WorkerLeft{.worker = message.worker});
}

void WorkerDesk::handle(const net::PeerId& /*peer*/, const proto::WorkersDied& message) {
  for (const std::string& uuid : message.uuids) {
    const std::optional<WorkerId> dead = state_.workers.find_uuid(uuid);
    if (!dead) continue;
    // Nobody ends the workers of another key.
    const KnownWorker* known = state_.workers.find(*dead);
    if (known != nullptr && known->key != state_.key_name()) continue;
    forget_worker(*dead, true);
    state_.events.push_back(WorkerLeft{.worker = *dead});
  }
}

void WorkerDesk::handle(const net::PeerId& peer, proto::InputsWanted message) {
  const KnownWorker* worker = known(message.worker, peer);
  if (worker == nullptr) return;
  const HeldAttempt* held = state_.attempts.find(message.attempt);
  if (held != nullptr && held->worker == message.worker && !message.lost.empty()) {
    if (message.message.size() > kFailureTextBytes) message.message.resize(kFailureTextBytes);
    state_.log.warn("inputs.lost", {{"job", held->task.job.value},
                                    {"task", held->task.index},
                                    {"attempt", message.attempt.value},
                                    {"worker", worker->hello.name},
                                    {"outputs", message.lost.size()},
                                    {"message", message.message}});
  }
  state_.events.push_back(InputsWanted{
      .worker = message.worker, .attempt = message.attempt, .lost = std::move(message.lost)});
}

void WorkerDesk::handle(const net::PeerId& peer, proto::OutputPart message) {
  if (known(message.worker, peer) == nullptr) return;
  std::vector<net::PeerId> peers;
  for (const OutputQuestion& question :
       state_.output_questions.take(message.attempt, message.offset)) {
    peers.push_back(question.peer);
  }
  state_.outbox.add_all(peers, proto::Output{.attempt = message.attempt,
                                             .offset = message.offset,
                                             .left_out = message.left_out,
                                             .bytes = std::move(message.bytes)});
}

void WorkerDesk::handle(const net::PeerId& peer, proto::HostFilesListed message) {
  if (known(message.worker, peer) != nullptr) hosts_.take(std::move(message));
}

void WorkerDesk::tell_peers() {
  const std::string frame = encode_peers(state_.keys->workers());
  for (const auto& [worker, known] : state_.workers.all()) {
    if (!known.key.empty()) state_.outbox.add_frame(known.peer, frame);
  }
}

void WorkerDesk::forget_revoked() {
  std::vector<WorkerId> revoked;
  for (const auto& [worker, known] : state_.workers.all()) {
    const bool valid = known.key.empty() || state_.keys->has(known.key);
    if (!valid) revoked.push_back(worker);
  }
  for (const WorkerId worker : revoked) {
    forget_worker(worker, true);
    state_.events.push_back(WorkerLeft{.worker = worker});
  }
}

void WorkerDesk::forget_worker(WorkerId worker, bool silent) {
  const KnownWorker* known = state_.workers.find(worker);
  if (known == nullptr) {
    // One that never came back after a restart.
    state_.workers.remove(worker);
    return;
  }
  const std::vector<HeldAttempt> held = state_.attempts.remove_worker(worker);
  const char* event = silent ? "worker.lost" : "worker.left";
  const std::initializer_list<LogField> fields = {
      {"worker", worker.value}, {"name", known->hello.name}, {"attempts", held.size()}};
  if (silent) {
    state_.log.warn(event, fields);
  } else {
    state_.log.info(event, fields);
  }
  proto::FailureReport failure;
  failure.kind = proto::FailureKind::kWorkerLost;
  failure.worker = known->hello.name;
  failure.message = silent ? "worker " + known->hello.name + " (process " +
                                 std::to_string(known->hello.process) +
                                 ") went silent while it held this attempt"
                           : "worker " + known->hello.name + " left while it held this attempt";
  for (const HeldAttempt& attempt : held) {
    JobRecord* record = state_.jobs.find(attempt.task.job);
    if (record != nullptr && record->phase() == JobPhase::kActive) {
      record->note_failure(attempt.attempt, failure);
    }
    state_.event_log.failed(state_.now, attempt.attempt, failure);
    state_.measures.failed(attempt.attempt, failure.kind);
    note_end(*known, attempt, proto::name_of(failure.kind), {}, failure);
    state_.followers.touch(attempt.task.job);
  }
  state_.measures.worker_gone(silent);
  state_.workers.remove(worker);
}

}  // namespace fanfold::master
