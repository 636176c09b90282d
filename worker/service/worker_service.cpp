#include "worker/service/worker_service.hpp"

#include <poll.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
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

net::SocketOptions socket_options(const WorkerOptions& options) {
  net::SocketOptions socket;
  socket.frame_bytes_max = limits::kControlFrameBytes;
  socket.allow_unauthenticated_tcp = options.allow_unauthenticated_tcp;
  return socket;
}

/// Names this process for ever: a worker that is started again is another one.
std::string new_uuid() {
  unsigned char bytes[16] = {};
  static_cast<void>(::getrandom(bytes, sizeof bytes, 0));
  std::string text;
  for (const unsigned char byte : bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

}  // namespace

Result<std::unique_ptr<WorkerService>> WorkerService::make(const WorkerOptions& options,
                                                           const WorkerSurroundings& with) {
  const net::SocketOptions socket = socket_options(options);
  FANFOLD_RETURN_IF_ERROR(net::check_address(options.master, socket).with_context("--master"));
  FANFOLD_ASSIGN_OR_RETURN(auto stacks, StackFinder::make());
  InputsOptions wanted;
  wanted.host_id = own_host_id();
  wanted.data_address = options.data_address;
  wanted.allow_unauthenticated_tcp = options.allow_unauthenticated_tcp;
  FANFOLD_ASSIGN_OR_RETURN(auto inputs, Inputs::make(wanted, with.scratch, with.files, with.clock));
  FANFOLD_ASSIGN_OR_RETURN(auto transport, net::connect(options.master, socket));
  proto::Hello hello;
  hello.uuid = new_uuid();
  hello.name = options.name;
  hello.host_id = wanted.host_id;
  hello.scratch = with.scratch.directory();
  hello.data_endpoint = inputs->data_endpoint();
  hello.slots = options.slots;
  hello.process = static_cast<std::uint32_t>(::getpid());
  with.log.info("worker.started", {{"name", options.name},
                                   {"master", options.master},
                                   {"scratch", hello.scratch},
                                   {"data", hello.data_endpoint},
                                   {"slots", options.slots},
                                   {"memory", options.memory_bytes}});
  return std::unique_ptr<WorkerService>(new WorkerService(
      options, with, std::move(transport), std::move(stacks), std::move(inputs), std::move(hello)));
}

WorkerService::WorkerService(const WorkerOptions& options, const WorkerSurroundings& surroundings,
                             std::unique_ptr<net::Transport> transport,
                             std::unique_ptr<StackFinder> stacks, std::unique_ptr<Inputs> inputs,
                             proto::Hello hello)
    : options_(options),
      with_(surroundings),
      transport_(std::move(transport)),
      stacks_(std::move(stacks)),
      inputs_(std::move(inputs)),
      pool_(surroundings.zygote, options.slots),
      agent_({std::move(hello), kResend}) {}

WorkerService::~WorkerService() = default;

Status WorkerService::run() {
  feed(Tick{});
  while (!end_) {
    if (Status status = turn(); !status.ok()) end_ = std::move(status);
  }
  with_.log.info("worker.stopped", {{"reason", end_->ok() ? "let go" : end_->message()}});
  return *end_;
}

Status WorkerService::turn() {
  watch_descriptors();
  FANFOLD_RETURN_IF_ERROR(read_frames());
  read_signals();
  read_lifetime();
  FANFOLD_RETURN_IF_ERROR(read_executors());
  for (InputsReady& ready : inputs_->take_ready()) feed(ready);
  const Instant now = with_.clock.now();
  if (const auto deadline = agent_.next_deadline(); deadline && *deadline <= now) {
    feed_progress();
    feed(Tick{});
  }
  return {};
}

Duration WorkerService::patience() const {
  if (inputs_->has_ready() || pool_.has_results()) return Duration(0);
  const Instant now = with_.clock.now();
  Duration wait = kPatienceMax;
  for (const auto& deadline : {agent_.next_deadline(), pool_.next_deadline()}) {
    if (deadline) wait = std::min(wait, *deadline - now);
  }
  return std::max(wait, Duration(0));
}

void WorkerService::watch_descriptors() {
  if (!pool_.descriptors_changed() && watched_) return;
  watched_ = true;
  std::vector<int> watched = pool_.descriptors();
  watched.push_back(with_.signals.descriptor());
  watched.push_back(stacks_->descriptor());
  watched.push_back(inputs_->descriptor());
  if (options_.lifetime_fd >= 0) watched.push_back(options_.lifetime_fd);
  transport_->watch(watched);
}

Status WorkerService::read_frames() {
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

void WorkerService::read_frame(const std::string& frame) {
  auto message = proto::decode<proto::MasterMessage>(frame);
  if (!message.ok()) {
    with_.log.warn("frame.refused", {{"reason", message.status().message()}});
    return;
  }
  const bool welcome = std::holds_alternative<proto::Welcome>(*message);
  if (welcome) with_.log.info("master.welcomed_us", {{"master", options_.master}});
  feed(MasterSaid{*std::move(message)});
  if (welcome) announce_ready();
}

void WorkerService::announce_ready() {
  if (options_.ready_fd < 0 || std::exchange(ready_announced_, true)) return;
  while (::write(options_.ready_fd, "r", 1) < 0 && errno == EINTR) {
  }
  ::close(options_.ready_fd);
}

void WorkerService::read_signals() {
  const int count = with_.signals.take();
  for (int i = 0; i < count; ++i) {
    if (std::exchange(stopping_, true)) {
      end_ = Status(StatusCode::kAborted, "told to stop at once");
      return;
    }
    with_.log.info("worker.drain_requested", {});
    feed(DrainRequested{});
  }
}

void WorkerService::read_lifetime() {
  if (options_.lifetime_fd < 0) return;
  pollfd watched{options_.lifetime_fd, POLLIN, 0};
  if (::poll(&watched, 1, 0) <= 0) return;
  char byte = 0;
  const ssize_t got = ::read(options_.lifetime_fd, &byte, 1);
  if (got > 0 || (got < 0 && (errno == EINTR || errno == EAGAIN))) return;
  end_ = Status(StatusCode::kAborted, "the process that started this worker is gone");
}

Status WorkerService::read_executors() {
  FANFOLD_RETURN_IF_ERROR(pool_.pump(with_.clock.now()));
  for (AttemptResult& result : pool_.take_results()) stacks_->add(std::move(result));
  for (AttemptResult& result : stacks_->take()) note_ended(std::move(result));
  return {};
}

void WorkerService::note_ended(AttemptResult result) {
  AttemptEnded ended;
  ended.attempt = result.attempt;
  ended.succeeded = result.outcome.succeeded;
  ended.report = std::move(result.outcome.report);
  ended.failure = std::move(result.outcome.failure);
  ended.log_text = std::move(result.log_text);
  if (ended.succeeded) {
    with_.log.debug("attempt.ended", {{"attempt", ended.attempt.value}});
  } else {
    ended.failure.worker = options_.name;
    with_.log.warn("attempt.failed", {{"attempt", ended.attempt.value},
                                      {"kind", proto::name_of(ended.failure.kind)},
                                      {"message", ended.failure.message}});
  }
  feed(ended);
}

void WorkerService::feed_progress() {
  ProgressSeen seen;
  for (const AttemptPulse& pulse : pool_.pulses()) {
    seen.entries.push_back({pulse.attempt, pulse.records, pulse.bytes, pulse.beat});
  }
  if (!seen.entries.empty()) feed(seen);
}

void WorkerService::feed(const Event& event) {
  std::vector<Action> actions = std::exchange(actions_, {});
  actions.clear();
  agent_.step(with_.clock.now(), event, &actions);
  for (Action& action : actions) {
    std::visit([this](auto& kind) { perform(kind); }, action);
  }
  actions_ = std::move(actions);
}

void WorkerService::perform(SendToMaster& action) {
  std::string frame =
      std::visit([](const auto& message) { return proto::encode(message); }, action.message);
  // What cannot be sent now is sent again by the agent.
  if (const Status status = transport_->send({}, std::move(frame)); !status.ok()) {
    with_.log.debug("message.dropped", {{"reason", status.message()}});
  }
}

void WorkerService::perform(FetchInputs& action) { inputs_->bring(action.assignment); }

void WorkerService::perform(StartAttempt& action) {
  ExecutorTask task;
  task.assignment = std::move(action.assignment);
  const proto::TaskAssignment& assignment = task.assignment;
  const JobId job = assignment.task.job;
  with_.log.debug(
      "attempt.started",
      {{"attempt", assignment.attempt.value}, {"job", job.value}, {"task", assignment.task.index}});
  staging_[job] = assignment.staging;
  task.segments = inputs_->take_segments(assignment.attempt);
  task.scratch = with_.scratch.attempt_directory(job, assignment.attempt);
  task.memory_bytes =
      assignment.spec.memory_bytes != 0 ? assignment.spec.memory_bytes : options_.memory_bytes;
  pool_.start(with_.clock.now(), std::move(task));
}

void WorkerService::perform(KillAttempt& action) {
  inputs_->cancel(action.attempt);
  pool_.kill(with_.clock.now(), action.attempt, action.kind);
}

void WorkerService::perform(DropAttemptFiles& action) {
  Status status = with_.scratch.drop_attempt(action.job, action.attempt);
  // Only attempts that did not commit are dropped one by one, so their parts are of no use either.
  if (const auto staging = staging_.find(action.job); staging != staging_.end() && status.ok()) {
    status = with_.files.remove_tree(staging->second + "/" + std::to_string(action.attempt.value));
  }
  if (!status.ok()) with_.log.warn("files.kept", {{"reason", status.message()}});
}

void WorkerService::perform(DropJobFiles& action) {
  staging_.erase(action.job);
  const Status status = with_.scratch.drop_job(action.job);
  if (!status.ok()) with_.log.warn("files.kept", {{"reason", status.message()}});
}

void WorkerService::perform(Reconnect&) {
  with_.log.warn("master.lost", {{"master", options_.master}});
  auto transport = net::connect(options_.master, socket_options(options_));
  if (!transport.ok()) {
    end_ = transport.status();
    return;
  }
  transport_ = *std::move(transport);
  watched_ = false;
}

void WorkerService::perform(Exit&) {
  if (!end_) end_ = Status();
}

}  // namespace fanfold::worker
