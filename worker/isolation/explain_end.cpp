// How an executor's death becomes the one clear cause of a failed attempt.

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include "worker/isolation/executor.hpp"
#include "worker/isolation/executor_state.hpp"

namespace fanfold::worker {
namespace {

using proto::FailureKind;

constexpr std::size_t kLogChunkBytes = 64u << 10;
/// Per call: a plugin that never stops printing must not keep the worker from everything else.
constexpr std::size_t kLogBytesPerDrain = 1u << 20;

std::string mebibytes(std::uint64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

void explain_kill(FailureKind kind, proto::FailureReport* failure) {
  failure->kind = kind;
  failure->message = kind == FailureKind::kStalled   ? "no record advanced: user code hangs"
                     : kind == FailureKind::kTimeout ? "the attempt ran longer than its time limit"
                                                     : "stopped by the worker";
}

/// Nothing of ours and nothing of the plugin sends SIGKILL: the kernel or an operator did.
void explain_outside_kill(const RunningAttempt& running, const ZygoteEvent& event,
                          proto::FailureReport* failure) {
  if (event.peak_rss_bytes > running.memory_bytes + running.memory_bytes / 10) {
    failure->kind = FailureKind::kOutOfMemory;
    failure->message = "killed by the system while it used " + mebibytes(event.peak_rss_bytes) +
                       " of memory; its budget is " + mebibytes(running.memory_bytes) +
                       " (raise --memory or use less)";
    return;
  }
  failure->kind = FailureKind::kSpawn;
  failure->message = "the executor was killed from outside (SIGKILL)";
}

/// One that is over its memory or its time may have used it up before.
bool is_fault_of_record(FailureKind kind) {
  return kind == FailureKind::kSignal || kind == FailureKind::kExit ||
         kind == FailureKind::kStalled;
}

/// Others, such as SIGTERM, come from outside: whatever record is in hand has nothing to do with
/// it.
bool is_signal_of_code(int signal) {
  constexpr std::array kSignals = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT};
  return std::find(kSignals.begin(), kSignals.end(), signal) != kSignals.end();
}

void add_key(const RunningAttempt& running, const SharedPage& page, proto::FailureReport* failure) {
  if (page.key_saved.load(std::memory_order_acquire) == 0) return;
  const std::size_t bytes = std::min<std::size_t>(page.key_bytes, page.key.size());
  failure->key = key_text(running.key_order, std::string_view(page.key.data(), bytes));
}

}  // namespace

proto::FailureReport explain_end(const RunningAttempt& running, const CrashReport& crash,
                                 const SharedPage& page, const ZygoteEvent& event, bool deaf) {
  proto::FailureReport failure;
  const int status = event.wait_status;
  if (event.kind == ZygoteEvent::Kind::kNotStarted) {
    failure.kind = FailureKind::kSpawn;
    failure.message =
        "cannot start an executor process (errno " + std::to_string(event.error) + ")";
    return failure;
  }
  if (running.killed_as) {
    explain_kill(*running.killed_as, &failure);
  } else if (page.began.load() == 0) {
    failure.kind = FailureKind::kSpawn;
    failure.message =
        "an executor process ended before it could begin: the system is short of memory or "
        "descriptors";
    return failure;
  } else if (deaf || (WIFEXITED(status) && WEXITSTATUS(status) == kExecutorBadControl)) {
    failure.kind = FailureKind::kExit;
    failure.message =
        "user code closed file descriptors that are not its own; the executor cannot go on";
  } else if (WIFEXITED(status)) {
    failure.kind = FailureKind::kExit;
    failure.message = "user code ended the process with exit status " +
                      std::to_string(WEXITSTATUS(status)) +
                      "; report errors by throwing an exception instead";
  } else if (WTERMSIG(status) == SIGKILL) {
    explain_outside_kill(running, event, &failure);
  } else {
    failure.kind = FailureKind::kSignal;
    failure.message = describe_signal(crash, WTERMSIG(status));
  }
  add_record(running, page, &failure);
  // Who closed the descriptors was an earlier record.
  if (deaf || (failure.kind == FailureKind::kSignal && !is_signal_of_code(WTERMSIG(status)))) {
    failure.record_to_blame = false;
  }
  if (page.loading_plugin.load() != 0 && !running.killed_as) {
    failure.kind = FailureKind::kPlugin;
    failure.message = "the plugin does not load: " + failure.message;
  }
  return failure;
}

void add_record(const RunningAttempt& running, const SharedPage& page,
                proto::FailureReport* failure) {
  const abi::ProgressSlot& progress = page.progress;
  if (!failure->record_file.empty()) return;
  if (progress.in_user_code.load() != abi::ProgressSlot::kAtRecord) return;
  if (running.task.stage == Stage::kReduce || running.task.stage == Stage::kGather) {
    return add_key(running, page, failure);
  }
  const std::uint32_t piece = progress.piece.load();
  if (piece >= running.piece_paths.size()) return;
  failure->record_file = running.piece_paths[piece];
  failure->record_offset = progress.offset.load();
  failure->record_to_blame = is_fault_of_record(failure->kind);
}

bool drain_log(int descriptor, AttemptLog* log) {
  std::string buffer(kLogChunkBytes, '\0');
  for (std::size_t total = 0; total < kLogBytesPerDrain;) {
    const ssize_t got = ::read(descriptor, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno == EAGAIN;
    if (got == 0) return false;
    log->add({buffer.data(), static_cast<std::size_t>(got)});
    total += static_cast<std::size_t>(got);
  }
  return true;
}

}  // namespace fanfold::worker
