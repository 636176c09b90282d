#include "worker/service/worker_body.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include "common/core/limits.hpp"

namespace fanfold::worker {
namespace {

using namespace std::chrono_literals;

/// Unanswered messages are repeated this often.
constexpr Duration kResend = 1s;
/// Without anything to do the loop still looks around now and then.
constexpr Duration kPatienceMax = 10s;
/// Frames of one turn; executors wait meanwhile.
constexpr int kFramesPerTurn = 256;
/// While so many attempts per slot wait here, the master's answer to a commit is not needed yet,
/// and commits wait for each other: many in one go cost the processes between here and there little
/// more than one.  The round trip must end before the queue does, hence four.
constexpr std::size_t kQueuedToHold = 4;
/// Short beside everything that waits for a commit.
constexpr Duration kHoldMax = 1ms;
constexpr std::size_t kHeldMax = 64;

}  // namespace

WorkerBody::WorkerBody(BodyOptions options, const WorkerDoors& doors,
                       std::unique_ptr<net::Transport> transport)
    : options_(std::move(options)),
      doors_(doors),
      transport_(std::move(transport)),
      inputs_(options_.hello.host_id, doors.scratch, doors.files, doors.fetcher),
      files_({doors.files, doors.executors, doors.log}, doors.scratch.directory() + "/files"),
      agent_({options_.hello, kResend, options_.died}) {}

void WorkerBody::begin() { feed(Tick{}); }

void WorkerBody::drain() {
  if (doors_.measures != nullptr) doors_.measures->draining();
  // Who leaves reduces nothing more.
  inputs_.make_room();
  feed(DrainRequested{});
}

Status WorkerBody::turn() {
  FANFOLD_RETURN_IF_ERROR(read_frames());
  note_losses();
  note_trouble();
  FANFOLD_RETURN_IF_ERROR(read_executors());
  bring_files();
  send_listed();
  inputs_.look();
  for (const InputsMissing& missing : inputs_.take_missing()) note_missing(missing);
  for (const InputsReady& ready : inputs_.take_ready()) feed(ready);
  bring_early();
  pass_time();
  if (!may_hold_commits()) send_held_commits();
  if (doors_.measures != nullptr) doors_.measures->waiting(agent_.queued());
  return {};
}

void WorkerBody::pass_time() {
  const std::optional<Instant> deadline = agent_.next_deadline();
  if (!deadline || *deadline > doors_.clock.now()) return;
  const ProgressSeen seen = doors_.executors.progress();
  if (!seen.entries.empty()) feed(seen);
  feed(Tick{});
}

Duration WorkerBody::patience() const {
  if (doors_.lister != nullptr && doors_.lister->has_answer()) return Duration(0);
  if (inputs_.has_news() || doors_.executors.has_ended()) return Duration(0);
  const Instant now = doors_.clock.now();
  Duration wait = kPatienceMax;
  for (const auto& deadline :
       {agent_.next_deadline(), doors_.executors.next_deadline(), files_.next_deadline()}) {
    if (deadline) wait = std::min(wait, *deadline - now);
  }
  if (!held_commits_.empty()) wait = std::min(wait, hold_until_ - now);
  return std::max(wait, Duration(0));
}

Status WorkerBody::read_frames() {
  Duration wait = patience();
  for (int i = 0; i < kFramesPerTurn; ++i) {
    FANFOLD_ASSIGN_OR_RETURN(const std::optional<net::Frame> frame, transport_->receive(wait));
    if (!frame) return {};
    read_frame(frame->payload);
    if (end_) return {};
    wait = Duration(0);
  }
  return {};
}

void WorkerBody::note_losses() {
  const net::Drops drops = transport_->drops();
  const std::uint64_t dropped = drops.peer_gone + drops.queue_full;
  const std::uint64_t known = std::exchange(frames_dropped_, dropped);
  if (doors_.measures != nullptr && dropped != known) {
    doors_.measures->frames_dropped(dropped - known);
  }
  const std::uint64_t damaged = transport_->damaged_frames();
  const std::uint64_t before = std::exchange(frames_damaged_, damaged);
  if (before == damaged) return;
  if (doors_.measures != nullptr) doors_.measures->frame_damaged(damaged - before);
  doors_.log.warn("frame.damaged", {{"damaged", damaged}});
}

void WorkerBody::read_frame(const std::string& frame) {
  auto message = proto::decode<proto::MasterMessage>(frame, spoken_.number());
  if (!message.ok()) return note_refused(frame, message.status());
  const auto* welcome = std::get_if<proto::Welcome>(&*message);
  if (welcome != nullptr && !is_other_state(state_id_, welcome->state_id)) {
    if (welcome->epoch < epoch_) return note_earlier_master(welcome->epoch);
    if (welcome->state_id != 0) state_id_ = welcome->state_id;
    self_ = welcome->worker;
    epoch_ = welcome->epoch;
    doors_.log.info("master.welcomed_us", {{"master", options_.master}});
    welcomed_ = true;
    hello_.reset();
    if (doors_.measures != nullptr) doors_.measures->welcomed();
  }
  if (const auto* question = std::get_if<proto::ReadOutput>(&*message)) return answer(*question);
  if (const auto* peers = std::get_if<proto::PeerKeys>(&*message)) return note_peers(*peers);
  if (const auto* part = std::get_if<proto::BlobPart>(&*message)) {
    return files_.take(doors_.clock.now(), *part);
  }
  if (auto* files = std::get_if<proto::ListHostFiles>(&*message)) return list(std::move(*files));
  feed(MasterSaid{*std::move(message)});
}

void WorkerBody::note_earlier_master(std::uint64_t epoch) {
  // It comes again with every hello.
  if (std::exchange(epoch_refused_, epoch) == epoch) return;
  doors_.log.error(
      "master.began_anew",
      {{"master", options_.master},
       {"epoch", epoch},
       {"known", epoch_},
       {"reason",
        "this worker has known a later master, and takes this one for one that is gone; "
        "if its state directory is new, or an older copy, start this worker again"}});
}

void WorkerBody::note_refused(const std::string& frame, const Status& why) {
  // A master that refuses us says so in the words that it has for clients, the same in every
  // version.
  const auto reply = proto::decode<proto::ClientReply>(frame);
  const auto* answer = reply.ok() ? std::get_if<proto::Answer>(&*reply) : nullptr;
  if (answer == nullptr) {
    doors_.log.warn("frame.refused", {{"reason", why.message()}});
    return;
  }
  switch (spoken_.hear(*answer)) {
    case proto::SpokenVersion::Heard::kStale:
      return;
    case proto::SpokenVersion::Heard::kChanged:
      doors_.log.warn("master.older",
                      {{"master", options_.master}, {"protocol", spoken_.number()}});
      if (hello_) send(proto::encode_for(*hello_, spoken_.number()).frame);
      return;
    case proto::SpokenVersion::Heard::kNothing:
    case proto::SpokenVersion::Heard::kRefused:
      break;
  }
  if (doors_.measures != nullptr) doors_.measures->refused();
  // It comes again with every hello.
  if (std::exchange(refusal_, answer->message) == answer->message) return;
  doors_.log.error("master.refused", {{"master", options_.master}, {"reason", refusal_}});
  // One that knew us may be replaced once more; to a stranger nothing will change.
  if (!welcomed_) {
    end_ = Status(StatusCode::kInvalidArgument,
                  "the master at " + options_.master + " refuses this worker: " + refusal_);
  }
}

void WorkerBody::answer(const proto::ReadOutput& question) {
  // Without a welcome nobody would know who says it; whoever wants to know asks again.
  if (!welcomed_) return;
  AttemptLog::Part part =
      doors_.executors.output(question.attempt, question.offset, limits::kOutputPartBytes);
  const proto::OutputPart answer{.worker = self_,
                                 .attempt = question.attempt,
                                 .offset = question.offset,
                                 .left_out = part.left_out,
                                 .bytes = std::move(part.text)};
  send(proto::encode_for(answer, spoken_.number()).frame);
}

void WorkerBody::note_trouble() {
  std::string trouble = transport_->trouble();
  if (trouble == trouble_) return;
  trouble_ = std::move(trouble);
  if (trouble_.empty()) return;
  doors_.log.error("master.refused", {{"master", options_.master}, {"reason", trouble_}});
}

void WorkerBody::note_peers(const proto::PeerKeys& message) {
  if (doors_.peers == nullptr) return;
  std::vector<security::PublicKey> keys(message.keys.size() / security::kKeyBytes);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    message.keys.copy(reinterpret_cast<char*>(keys[i].bytes.data()), security::kKeyBytes,
                      i * security::kKeyBytes);
  }
  peers_ = message.version;
  doors_.log.info("peers.changed", {{"keys", keys.size()}, {"version", peers_}});
  doors_.peers->replace(peers_, std::move(keys));
}

Status WorkerBody::read_executors() {
  FANFOLD_ASSIGN_OR_RETURN(std::vector<AttemptEnded> ended,
                           doors_.executors.take_ended(doors_.clock.now()));
  for (AttemptEnded& one : ended) note_ended(std::move(one));
  return {};
}

void WorkerBody::note_missing(const InputsMissing& missing) {
  doors_.log.warn("inputs.lost", {{"attempt", missing.attempt.value},
                                  {"outputs", missing.outputs.size()},
                                  {"message", missing.message}});
  if (doors_.measures != nullptr) doors_.measures->inputs_lost(missing.outputs.size());
  feed(missing);
}

void WorkerBody::note_ended(AttemptEnded ended) {
  files_.forget(ended.attempt);
  if (ended.succeeded) ended.report.fetched = inputs_.finish(ended.attempt);
  if (ended.failure.kind == proto::FailureKind::kNoSpace) inputs_.make_room();
  if (auto task = isolation_.go_on(&ended)) return go_on(*std::move(task), ended.failure);
  // One that lost an input may start again with what else it has.
  if (!ended.succeeded && ended.failure.kind == proto::FailureKind::kFetch) {
    inputs_.note_lost(ended.attempt, ended.failure.lost_outputs);
    if (doors_.measures != nullptr) doors_.measures->lost_input(ended.attempt);
  } else {
    inputs_.forget(ended.attempt);
    if (doors_.measures != nullptr) doors_.measures->ended(ended);
  }
  if (ended.succeeded) {
    doors_.log.debug("attempt.ended", {{"attempt", ended.attempt.value}});
  } else {
    ended.failure.worker = options_.hello.name;
    doors_.log.warn("attempt.failed", {{"attempt", ended.attempt.value},
                                       {"kind", proto::name_of(ended.failure.kind)},
                                       {"message", ended.failure.message}});
  }
  feed(ended);
}

void WorkerBody::go_on(ExecutorTask task, const proto::FailureReport& failure) {
  const AttemptId attempt = task.assignment.attempt;
  doors_.log.warn("record.isolated", {{"attempt", attempt.value},
                                      {"file", failure.record_file},
                                      {"offset", failure.record_offset},
                                      {"kind", proto::name_of(failure.kind)},
                                      {"message", failure.message}});
  if (doors_.measures != nullptr) doors_.measures->record_isolated();
  remove_traces(task.assignment.task.job, attempt);
  doors_.executors.start(doors_.clock.now(), std::move(task));
  feed(AttemptWentOn{attempt});
}

void WorkerBody::feed(const Event& event) {
  std::vector<Action> actions = std::exchange(actions_, {});
  actions.clear();
  agent_.step(doors_.clock.now(), event, &actions);
  for (Action& action : actions) {
    std::visit([this](auto& kind) { perform(kind); }, action);
  }
  actions_ = std::move(actions);
}

void WorkerBody::send(std::string frame) {
  // What cannot be sent now is sent again by the agent.
  if (const Status status = transport_->send({}, std::move(frame)); !status.ok()) {
    doors_.log.debug("message.dropped", {{"reason", status.message()}});
  }
}

bool WorkerBody::may_hold_commits() const {
  return !end_ && held_commits_.size() < kHeldMax &&
         agent_.queued() >= kQueuedToHold * options_.hello.slots &&
         doors_.clock.now() < hold_until_;
}

void WorkerBody::send_held_commits() {
  for (std::string& frame : std::exchange(held_commits_, {})) send(std::move(frame));
}

void WorkerBody::perform(SendToMaster& action) {
  if (auto* heartbeat = std::get_if<proto::Heartbeat>(&action.message)) {
    heartbeat->peers = peers_;
    if (doors_.room) heartbeat->room = doors_.room();
    inputs_.look_again();
  }
  if (const auto* hello = std::get_if<proto::Hello>(&action.message)) {
    // The master may be another one by now.
    spoken_.reset();
    hello_ = *hello;
  }
  proto::Encoded encoded = std::visit(
      [this](const auto& message) { return proto::encode_for(message, spoken_.number()); },
      action.message);
  if (action.again && doors_.measures != nullptr) doors_.measures->resent(action.message);
  if (!encoded.unknown.empty()) {
    doors_.log.error("message.withheld", {{"master", options_.master},
                                          {"protocol", spoken_.number()},
                                          {"unknown", encoded.unknown}});
    if (doors_.measures != nullptr) doors_.measures->frames_dropped(1);
    return;
  }
  std::string frame = std::move(encoded.frame);
  if (std::holds_alternative<proto::CommitRequest>(action.message)) {
    if (held_commits_.empty()) hold_until_ = doors_.clock.now() + kHoldMax;
    held_commits_.push_back(std::move(frame));
    return;
  }
  // Messages leave in the order in which the agent gave them.
  send_held_commits();
  send(std::move(frame));
}

void WorkerBody::perform(FetchInputs& action) { inputs_.bring(action); }

void WorkerBody::perform(ReplaceInputs& action) { inputs_.replace(action); }

void WorkerBody::perform(BringEarly& action) { inputs_.bring_early(action); }

void WorkerBody::perform(DropEarly& action) { inputs_.drop_early(action); }

void WorkerBody::perform(StartAttempt& action) {
  ExecutorTask task;
  task.assignment = std::move(action.assignment);
  const proto::TaskAssignment& assignment = task.assignment;
  const JobId job = assignment.task.job;
  doors_.log.debug(
      "attempt.started",
      {{"attempt", assignment.attempt.value}, {"job", job.value}, {"task", assignment.task.index}});
  staging_[job] = assignment.staging;
  if (action.again) remove_traces(job, assignment.attempt);
  task.segments = inputs_.segments(assignment.attempt);
  task.scratch = doors_.scratch.attempt_directory(job, assignment.attempt);
  task.memory_bytes =
      assignment.spec.memory_bytes != 0 ? assignment.spec.memory_bytes : options_.memory_bytes;
  task.threads = options_.threads;
  task.host_inputs = options_.host_inputs;
  isolation_.note_started(task);
  if (doors_.measures != nullptr) {
    doors_.measures->started(assignment.attempt, assignment.task.stage);
  }
  doors_.executors.start(doors_.clock.now(), std::move(task));
}

void WorkerBody::perform(KillAttempt& action) {
  inputs_.forget(action.attempt);
  isolation_.note_killed(action.attempt, action.kind);
  doors_.executors.kill(doors_.clock.now(), action.attempt, action.kind);
}

void WorkerBody::perform(Reconnect&) {
  doors_.log.warn("master.lost", {{"master", options_.master}});
  if (doors_.measures != nullptr) doors_.measures->master_lost();
  auto transport = doors_.connect();
  if (!transport.ok()) {
    end_ = transport.status();
    return;
  }
  transport_ = *std::move(transport);
  frames_damaged_ = 0;
  frames_dropped_ = 0;
  trouble_.clear();
  ++connections_;
}

void WorkerBody::perform(Exit&) {
  if (!end_) end_ = Status();
}

void WorkerBody::perform(BeginAnew&) {
  doors_.log.warn("master.of_another_state", {{"master", options_.master}});
  if (end_) return;
  begins_anew_ = true;
  end_ = Status();
}

}  // namespace fanfold::worker
