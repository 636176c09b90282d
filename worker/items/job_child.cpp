#include "worker/items/job_child.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <new>
#include <optional>

#include "common/core/clock.hpp"

namespace fanfold::worker {
namespace {

constexpr std::size_t kAnswerBytesMax = 32u << 20;
constexpr std::size_t kHeadBytes = 1 + sizeof(std::uint64_t);
/// Without a HeartbeatSeconds: as for the tasks of any job.
constexpr Duration kHeartbeat = std::chrono::seconds(30);

TaskError error_of(std::string name, std::string cause) {
  return {std::move(name), std::move(cause)};
}

/// A record as it is, another value as JSON; or the File that it names.
std::string question_of(const Json& input) {
  if (input.is_object()) {
    if (const auto file = input.find("File"); file != input.end() && file->is_string()) {
      return items::text_of({{"File", *file}});
    }
  }
  const Json* record = &input;
  if (input.is_object()) {
    if (const auto found = input.find("Record"); found != input.end()) record = &*found;
  }
  const Json text = record->is_string() ? *record : Json(items::text_of(*record));
  return items::text_of({{"Record", text}});
}

}  // namespace

JobChild::JobChild(ServedJob job) : job_(std::move(job)) {
  void* const memory = ::mmap(nullptr, sizeof(abi::ProgressSlot), PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  progress_ = new (memory) abi::ProgressSlot;
}

JobChild::~JobChild() {
  process_.stop();
  ::munmap(progress_, sizeof(abi::ProgressSlot));
}

Status JobChild::start() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return {StatusCode::kUnavailable, std::string("cannot make a socket: ") + std::strerror(errno)};
  }
  socket_ = UniqueFd(ends[0]);
  UniqueFd far(ends[1]);
  FANFOLD_RETURN_IF_ERROR(process_.start([&] {
    constexpr int kSocket = 3;
    if (::dup2(far.get(), kSocket) != kSocket) return;
    ::close_range(kSocket + 1, ~0u, 0);
    // It does not end by itself while somebody asks.
    serve_job(kSocket, job_, progress_);
    ::_exit(0);
  }));
  ::fcntl(socket_.get(), F_SETFL, O_NONBLOCK);
  return {};
}

/// One question on its way.
class JobChild::Answering {
 public:
  Answering(JobChild& child, const TaskCall& call, const StayAlive& alive)
      : child_(child), call_(call), alive_(alive) {
    const std::string text = question_of(call.input);
    const std::uint64_t size = text.size();
    question_.assign(reinterpret_cast<const char*>(&size), sizeof size);
    question_ += text;
  }

  TaskResult run() {
    began_ = heard_ = steady_clock().now();
    for (;;) {
      put();
      const bool writes = put_ < question_.size();
      std::array<pollfd, 1> waits = {
          {{child_.socket_.get(), static_cast<short>(writes ? POLLIN | POLLOUT : POLLIN), 0}}};
      // A job that answers at once is not worth a look at the clock.
      const int ready = ::poll(waits.data(), waits.size(), kLookMs);
      if (ready > 0 && (waits[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0 && !take()) {
        return ended();
      }
      if (auto result = complete()) return *std::move(result);
      if (ready > 0) continue;
      alive_();
      if (auto late = overdue()) {
        child_.process_.stop();
        child_.socket_.reset();
        return *std::move(late);
      }
    }
  }

 private:
  static constexpr int kLookMs = 100;

  void put() {
    while (put_ < question_.size()) {
      const ssize_t put = ::send(child_.socket_.get(), question_.data() + put_,
                                 question_.size() - put_, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (put <= 0) return;  // Full, or gone: reading tells.
      put_ += static_cast<std::size_t>(put);
    }
  }

  /// False: the process is gone.
  bool take() {
    char buffer[64u << 10];
    const ssize_t got = ::read(child_.socket_.get(), buffer, sizeof buffer);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return true;
    if (got <= 0) return false;
    answer_.append(buffer, static_cast<std::size_t>(got));
    return true;
  }

  std::optional<TaskResult> complete() {
    if (answer_.size() < kHeadBytes) return std::nullopt;
    std::uint64_t size = 0;
    std::memcpy(&size, answer_.data() + 1, sizeof size);
    if (size > kAnswerBytesMax) {
      child_.process_.stop();
      return error_of("Data.Corrupt", "it wrote more than 32 MiB");
    }
    if (answer_.size() < kHeadBytes + size) return std::nullopt;
    std::string text = answer_.substr(kHeadBytes);
    switch (static_cast<AnswerKind>(answer_[0])) {
      case AnswerKind::kOutput: {
        Result<Json> json = items::parse_json(text);
        if (json.ok()) return *std::move(json);
        return error_of("Data.Corrupt", "its output: " + json.status().message());
      }
      case AnswerKind::kException:
        return error_of("Task.Exception", std::move(text));
      case AnswerKind::kNoInput:
        return error_of("Input.Missing", std::move(text));
      case AnswerKind::kNoPlugin:
        break;
    }
    return error_of("Plugin.Incompatible", std::move(text));
  }

  TaskResult ended() {
    child_.socket_.reset();
    const ProcessEnd end = child_.process_.wait();
    return error_of(end.signalled ? "Task.Signal" : "Task.Exit",
                    "the job ended with " + end.text());
  }

  std::optional<TaskResult> overdue() {
    const Instant now = steady_clock().now();
    if (call_.timeout.count() > 0 && now - began_ >= call_.timeout) {
      return error_of("Task.Timeout", "it took longer than TimeoutSeconds");
    }
    const abi::ProgressSlot& slot = *child_.progress_;
    const std::uint64_t signs = slot.records.load(std::memory_order_relaxed) +
                                slot.ticks.load(std::memory_order_relaxed) +
                                slot.offset.load(std::memory_order_relaxed);
    if (signs != signs_) heard_ = now;
    signs_ = signs;
    const Duration heartbeat = call_.heartbeat.count() > 0 ? call_.heartbeat : kHeartbeat;
    if (now - heard_ < heartbeat) return std::nullopt;
    return error_of("Task.Stalled", "it made no progress for HeartbeatSeconds");
  }

  JobChild& child_;
  const TaskCall& call_;
  const StayAlive& alive_;
  std::string question_;
  std::size_t put_ = 0;
  std::string answer_;
  Instant began_;
  Instant heard_;
  std::uint64_t signs_ = 0;
};

TaskResult JobChild::run(const TaskCall& call, const StayAlive& alive) {
  if (!process_.running()) {
    if (Status status = start(); !status.ok()) return error_of("States.Runtime", status.message());
  }
  return Answering(*this, call, alive).run();
}

}  // namespace fanfold::worker
