#include "worker/isolation/executor_pool.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "common/core/check.hpp"
#include "worker/isolation/executor_state.hpp"

namespace fanfold::worker {
namespace {

using proto::FailureKind;
using namespace std::chrono_literals;

/// A healthy process writes its stack down in a fraction of this.
constexpr Duration kStackTimeout = 200ms;
/// A process that closes its control socket by dying is reaped long before this.
constexpr Duration kEndTimeout = 500ms;
/// An idle executor reads its task at once; one that does not is not worth waiting for.
constexpr timeval kHandOverTimeout{2, 0};

/// Half as much again as the budget and room for the process itself: what exceeds this is not a
/// transient peak but a leak, and ends in bad_alloc inside the task instead of in the kernel.
std::uint64_t memory_fence(std::uint64_t budget) { return budget + budget / 2 + (256u << 20); }

bool wants_stack(FailureKind kind) {
  return kind == FailureKind::kStalled || kind == FailureKind::kTimeout;
}

}  // namespace

ExecutorPool::ExecutorPool(Zygote& zygote, std::uint32_t executors_max)
    : zygote_(zygote), executors_max_(executors_max) {}

ExecutorPool::~ExecutorPool() = default;

void ExecutorPool::start(Instant now, ExecutorTask task) {
  Executor* executor = idle_executor(task);
  Status why;
  if (executor == nullptr) executor = spawn(task, &why);
  if (executor == nullptr) return reject(task, why.message());
  hand_over(now, *executor, task);
}

ExecutorPool::Executor* ExecutorPool::idle_executor(const ExecutorTask& task) {
  for (const auto& executor : executors_) {
    if (executor->running || executor->retired) continue;
    if (executor->plugin_sha256 == task.assignment.spec.plugin.sha256 &&
        executor->memory_bytes == task.memory_bytes) {
      return executor.get();
    }
  }
  make_room();
  return nullptr;
}

/// An idle executor of another plugin gives way.
void ExecutorPool::make_room() {
  const auto alive = std::count_if(executors_.begin(), executors_.end(),
                                   [](const auto& executor) { return !executor->retired; });
  if (static_cast<std::uint32_t>(alive) < executors_max_) return;
  for (const auto& executor : executors_) {
    if (!executor->running && !executor->retired) return retire(*executor);
  }
}

ExecutorPool::Executor* ExecutorPool::spawn(const ExecutorTask& task, Status* why) {
  auto mapping = SharedMapping::create();
  if (!mapping.ok()) {
    *why = mapping.status();
    return nullptr;
  }
  int control[2];
  int log[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, control) != 0) {
    *why = {StatusCode::kUnavailable, std::string("no socket pair: ") + std::strerror(errno)};
    return nullptr;
  }
  ExecutorDescriptors passed;
  auto executor = std::make_unique<Executor>(next_token_++, *std::move(mapping));
  executor->control = UniqueFd(control[0]);
  passed.control = UniqueFd(control[1]);
  if (::pipe2(log, O_CLOEXEC) != 0) {
    *why = {StatusCode::kUnavailable, std::string("no pipe: ") + std::strerror(errno)};
    return nullptr;
  }
  executor->log = UniqueFd(log[0]);
  passed.log = UniqueFd(log[1]);
  passed.page = UniqueFd(::fcntl(executor->mapping.descriptor(), F_DUPFD_CLOEXEC, 0));
  if (!passed.page.open()) {
    *why = {StatusCode::kUnavailable, std::string("no descriptor: ") + std::strerror(errno)};
    return nullptr;
  }
  ::fcntl(executor->log.get(), F_SETFL, O_NONBLOCK);
  ::setsockopt(executor->control.get(), SOL_SOCKET, SO_SNDTIMEO, &kHandOverTimeout,
               sizeof kHandOverTimeout);
  *why = zygote_.start_executor(executor->token, passed, memory_fence(task.memory_bytes));
  if (!why->ok()) return nullptr;
  executor->plugin_sha256 = task.assignment.spec.plugin.sha256;
  executor->plugin_path = task.assignment.spec.plugin.path;
  executor->memory_bytes = task.memory_bytes;
  executors_.push_back(std::move(executor));
  descriptors_changed_ = true;
  return executors_.back().get();
}

void ExecutorPool::hand_over(Instant now, Executor& executor, const ExecutorTask& task) {
  RunningAttempt running(now);
  running.attempt = task.assignment.attempt;
  running.task = task.assignment.task;
  for (const io::Piece& piece : task.assignment.split.pieces) {
    running.piece_paths.push_back(piece.path);
  }
  running.key_order = task.assignment.spec.key_order;
  running.files = task.assignment.spec.side_files;
  running.files.push_back(task.assignment.spec.plugin);
  running.memory_bytes = task.memory_bytes;
  executor.running = std::move(running);
  ++executor.tasks;
  reset(executor.mapping.page());
  const std::string frame = encode_task(task, executor.segments.lock());
  executor.segments = task.segments;
  // The end of the executor, which follows, is what answers for a failed write.
  if (!write_frame(executor.control.get(), frame).ok()) retire(executor);
}

void ExecutorPool::reject(const ExecutorTask& task, const std::string& why) {
  AttemptResult result;
  result.attempt = task.assignment.attempt;
  result.outcome.failure.kind = FailureKind::kSpawn;
  result.outcome.failure.message = "cannot start an executor process: " + why;
  results_.push_back(std::move(result));
}

void ExecutorPool::kill(Instant now, AttemptId attempt, FailureKind kind) {
  for (const auto& executor : executors_) {
    if (!executor->running || executor->running->attempt != attempt) continue;
    if (executor->running->killed_as) return;
    executor->running->killed_as = kind;
    if (!wants_stack(kind)) return retire(*executor);
    executor->running->kill_deadline = now + kStackTimeout;
    // When the request cannot be sent the zygote is gone, which pump() will find out.
    static_cast<void>(zygote_.ask_for_stack(executor->token));
  }
}

/// Its end, and the end of its running attempt, are reported by the zygote.
void ExecutorPool::retire(Executor& executor) {
  if (executor.retired) return;
  executor.retired = true;
  static_cast<void>(zygote_.signal_executor(executor.token, SIGKILL));
}

void ExecutorPool::read_control(Instant now, Executor& executor) {
  char buffer[64u << 10];
  for (;;) {
    const ssize_t got = ::recv(executor.control.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      const bool closed = got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
      if (!closed) break;
      executor.deaf_deadline = now + kEndTimeout;
      executor.control.reset();
      descriptors_changed_ = true;
      break;
    }
    executor.collector.add({buffer, static_cast<std::size_t>(got)});
    // The rest, if there is any, is a matter of the next turn.
    if (static_cast<std::size_t>(got) < sizeof buffer) break;
  }
  const Result<std::string> frame = executor.collector.next();
  if (frame.ok() && executor.running) {
    auto wanted = decode_wanted(*frame);
    if (wanted && note_wanted(executor, *std::move(wanted))) return;
    auto outcome = decode_outcome(*frame, executor.running->attempt);
    if (outcome.ok()) return finish(executor, *std::move(outcome));
  }
  // Anything but silence at this point is not an executor that follows the protocol.
  if (frame.ok() || frame.status().code() == StatusCode::kCorruption) {
    retire(executor);
  }
}

bool ExecutorPool::note_wanted(Executor& executor, FileWanted wanted) {
  RunningAttempt& running = *executor.running;
  // User code may have asked, and is to have nothing but what its job names.
  const auto file = std::find_if(running.files.begin(), running.files.end(),
                                 [&](const auto& one) { return one.sha256 == wanted.sha256; });
  if (file == running.files.end() || !running.wanted.empty()) return false;
  running.wanted = wanted.sha256;
  wanted.attempt = running.attempt;
  wanted.name = file->name;
  if (wanted.damaged) wanted.given = running.given;
  wanted_.push_back(std::move(wanted));
  return true;
}

void ExecutorPool::forget_wanted(AttemptId attempt) {
  std::erase_if(wanted_, [attempt](const FileWanted& one) { return one.attempt == attempt; });
}

std::vector<FileWanted> ExecutorPool::take_wanted() { return std::exchange(wanted_, {}); }

void ExecutorPool::bring(const FileBrought& brought) {
  for (const auto& executor : executors_) {
    if (!executor->running || executor->running->attempt != brought.attempt) continue;
    if (executor->retired || executor->running->wanted != brought.sha256) return;
    executor->running->wanted.clear();
    if (brought.path.ok()) executor->running->given = *brought.path;
    // Where its symbols are to be found.
    if (brought.path.ok() && brought.sha256 == executor->plugin_sha256) {
      executor->plugin_path = *brought.path;
    }
    if (!write_frame(executor->control.get(), encode_brought(brought.path)).ok()) retire(*executor);
  }
}

void ExecutorPool::note_waiting(AttemptId attempt) {
  for (const auto& executor : executors_) {
    if (!executor->running || executor->running->attempt != attempt) continue;
    executor->mapping.page().progress.ticks.fetch_add(1, std::memory_order_relaxed);
  }
}

void ExecutorPool::finish(Executor& executor, RunOutcome outcome) {
  drain_log(executor.log.get(), &executor.running->log);
  AttemptResult result;
  result.attempt = executor.running->attempt;
  forget_wanted(result.attempt);
  result.log_text = executor.running->log.text();
  result.log_bytes = executor.running->log.bytes();
  result.plugin = executor.plugin_path;
  if (!outcome.succeeded) {
    result.crash = read_crash(executor.mapping.page());
    if (executor.running->killed_as) outcome.failure.kind = *executor.running->killed_as;
    outcome.failure.log_tail = executor.running->log.tail();
    outcome.failure.memory = executor.running->memory.curve(outcome.failure.memory.peak_bytes,
                                                            executor.running->memory_bytes);
  }
  const bool anomaly = !outcome.succeeded || executor.running->killed_as;
  result.outcome = std::move(outcome);
  results_.push_back(std::move(result));
  executor.running.reset();
  if (anomaly || executor.tasks >= kTasksPerExecutor) retire(executor);
}

Status ExecutorPool::read_zygote(Instant now) {
  for (;;) {
    FANFOLD_ASSIGN_OR_RETURN(const std::optional<ZygoteEvent> event, zygote_.next_event());
    if (!event) return {};
    note_event(now, *event);
  }
}

void ExecutorPool::note_event(Instant now, const ZygoteEvent& event) {
  const auto found = std::find_if(executors_.begin(), executors_.end(), [&](const auto& executor) {
    return executor->token == event.token;
  });
  FANFOLD_CHECK(found != executors_.end());
  if (event.kind == ZygoteEvent::Kind::kStarted) {
    (*found)->process = event.process;
    return;
  }
  note_end(now, **found, event);
  executors_.erase(found);
  descriptors_changed_ = true;
}

void ExecutorPool::note_end(Instant now, Executor& executor, const ZygoteEvent& event) {
  // An outcome written just before the end still counts.
  const bool was_deaf = executor.retired && executor.deaf_deadline.has_value();
  if (executor.running && executor.control.open()) read_control(now, executor);
  if (!executor.running) return;
  drain_log(executor.log.get(), &executor.running->log);
  const SharedPage& page = executor.mapping.page();
  AttemptResult result;
  result.attempt = executor.running->attempt;
  forget_wanted(result.attempt);
  result.crash = read_crash(page);
  result.outcome.failure = explain_end(*executor.running, result.crash, page, event, was_deaf);
  result.outcome.failure.log_tail = executor.running->log.tail();
  result.outcome.failure.memory =
      executor.running->memory.curve(event.peak_rss_bytes, executor.running->memory_bytes);
  result.log_text = executor.running->log.text();
  result.log_bytes = executor.running->log.bytes();
  result.plugin = executor.plugin_path;
  results_.push_back(std::move(result));
}

Status ExecutorPool::pump(Instant now) {
  std::vector<pollfd> watched;
  for (const auto& executor : executors_) {
    watched.push_back({executor->control.get(), POLLIN, 0});
    watched.push_back({executor->log.get(), POLLIN, 0});
  }
  watched.push_back({zygote_.descriptor(), POLLIN, 0});
  if (::poll(watched.data(), watched.size(), 0) > 0) {
    for (std::size_t i = 0; i < executors_.size(); ++i) {
      Executor& executor = *executors_[i];
      if (watched[2 * i + 1].revents != 0) {
        AttemptLog unowned;
        AttemptLog* log = executor.running ? &executor.running->log : &unowned;
        if (!drain_log(executor.log.get(), log)) {
          executor.log.reset();
          descriptors_changed_ = true;
        }
      }
      if (watched[2 * i].revents != 0) read_control(now, executor);
    }
    if (watched.back().revents != 0) FANFOLD_RETURN_IF_ERROR(read_zygote(now));
  }
  for (const auto& executor : executors_) {
    const auto deadline = executor->deadline();
    if (deadline && now >= *deadline) retire(*executor);
    if (executor->watched()) executor->running->memory.look(now, executor->process);
  }
  return {};
}

std::vector<AttemptResult> ExecutorPool::take_results() { return std::exchange(results_, {}); }

std::vector<int> ExecutorPool::descriptors() const {
  std::vector<int> all{zygote_.descriptor()};
  for (const auto& executor : executors_) {
    if (executor->control.open()) all.push_back(executor->control.get());
    if (executor->log.open()) all.push_back(executor->log.get());
  }
  return all;
}

bool ExecutorPool::descriptors_changed() { return std::exchange(descriptors_changed_, false); }

std::optional<Instant> ExecutorPool::next_deadline() const {
  std::optional<Instant> next;
  for (const auto& executor : executors_) {
    const auto deadline = executor->deadline();
    if (deadline && (!next || *deadline < *next)) next = deadline;
    if (executor->watched()) {
      const Instant look = executor->running->memory.next_look();
      if (!next || look < *next) next = look;
    }
  }
  return next;
}

AttemptLog::Part ExecutorPool::output(AttemptId attempt, std::uint64_t offset,
                                      std::size_t bytes_max) const {
  for (const auto& executor : executors_) {
    if (!executor->running || executor->running->attempt != attempt) continue;
    return executor->running->log.part(offset, bytes_max);
  }
  return {};
}

std::vector<AttemptPulse> ExecutorPool::pulses() const {
  constexpr auto kRelaxed = std::memory_order_relaxed;
  std::vector<AttemptPulse> pulses;
  for (const auto& executor : executors_) {
    if (!executor->running) continue;
    const SharedPage& page = executor->mapping.page();
    AttemptPulse pulse;
    pulse.attempt = executor->running->attempt;
    pulse.records = page.progress.records.load(kRelaxed);
    pulse.bytes = page.bytes_read.load(kRelaxed);
    // Each of them only grows, so their sum changes whenever one does.
    pulse.beat = pulse.records + pulse.bytes + page.progress.ticks.load(kRelaxed);
    pulses.push_back(pulse);
  }
  return pulses;
}

std::size_t ExecutorPool::processes() const { return executors_.size(); }

}  // namespace fanfold::worker
