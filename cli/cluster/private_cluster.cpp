#include "cli/cluster/private_cluster.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "common/core/limits.hpp"

namespace fanfold::cli {
namespace {

using namespace std::chrono_literals;

// A worker that dies on its own is the machine's fault, and rare; more than this is a pattern.
constexpr std::uint32_t kRestartsPerWorker = 3;
constexpr Duration kStopGrace = 5s;
/// The master alone, which has directories to remove.
constexpr Duration kHardStopGrace = 3s;
constexpr std::size_t kLogLines = 5;

void close_descriptor(int* descriptor) {
  if (*descriptor >= 0) ::close(std::exchange(*descriptor, -1));
}

}  // namespace

PrivateCluster::PrivateCluster(std::string program_directory, std::string directory,
                               ClusterShape shape, int guardian)
    : directory_(std::move(directory)), shape_(shape) {
  options_.program_directory = std::move(program_directory);
  options_.directory = directory_;
  options_.guardian = guardian;
}

PrivateCluster::~PrivateCluster() { stop(true); }

Status PrivateCluster::start() {
  adopt_orphans();
  started_ = true;
  FANFOLD_ASSIGN_OR_RETURN(const Pipe lifetime, make_pipe());
  lifetime_ = lifetime.write_end;
  options_.lifetime_fd = lifetime.read_end;
  FANFOLD_ASSIGN_OR_RETURN(const Pipe ready, make_pipe());
  ready_ = ready.read_end;
  options_.ready_fd = ready.write_end;
  const Result<pid_t> master = spawn(master_program(options_));
  close_descriptor(&options_.ready_fd);
  if (!master.ok()) return master.status();
  children_[*master] = {"the master", master_log(directory_), 0};
  for (std::uint32_t number = 1; number <= shape_.workers; ++number) {
    FANFOLD_RETURN_IF_ERROR(start_worker(number));
  }
  return Status();
}

Status PrivateCluster::start_worker(std::uint32_t number) {
  FANFOLD_ASSIGN_OR_RETURN(const pid_t pid, spawn(worker_program(options_, shape_, number)));
  children_[pid] = {"worker " + std::to_string(number), worker_log(directory_, number), number};
  return Status();
}

Status PrivateCluster::wait_until_ready(Interrupts& interrupts) {
  for (;;) {
    std::array<pollfd, 2> waits = {{{ready_, POLLIN, 0}, {interrupts.descriptor(), POLLIN, 0}}};
    const auto timeout =
        std::chrono::duration_cast<std::chrono::milliseconds>(limits::kConnectTimeout);
    const int count = ::poll(waits.data(), waits.size(), static_cast<int>(timeout.count()));
    if (count < 0 && errno != EINTR) {
      return Status(StatusCode::kIoError, "cannot wait for the master of the local cluster.");
    }
    if (count == 0) {
      return Status(StatusCode::kUnavailable,
                    "the master of the local cluster did not start "
                    "within 5 s.");
    }
    interrupts.drain();
    if (interrupts.count() > 0) return Status(StatusCode::kAborted, "interrupted");
    FANFOLD_RETURN_IF_ERROR(check_children());
    if (waits[0].revents != 0) {
      char byte = 0;
      const ssize_t got = ::read(ready_, &byte, 1);
      if (got > 0) return Status();
      // It closed the pipe without a word: it is about to end, and check_children() says why.
      if (got == 0) close_descriptor(&ready_);
    }
  }
}

Status PrivateCluster::check_children() {
  for (;;) {
    int wait_status = 0;
    const pid_t pid = ::waitpid(-1, &wait_status, WNOHANG);
    if (pid < 0 && errno == EINTR) continue;
    if (pid <= 0) return Status();
    const auto found = children_.find(pid);
    if (found == children_.end()) continue;  // An orphan that was given to us.
    const Child child = found->second;
    children_.erase(found);
    FANFOLD_RETURN_IF_ERROR(ended(child, wait_status));
  }
}

Status PrivateCluster::ended(const Child& child, int wait_status) {
  if (child.worker != 0 && restarts_ < kRestartsPerWorker * shape_.workers) {
    ++restarts_;
    return start_worker(child.worker);
  }
  std::string message =
      child.name + " of the local cluster ended unexpectedly (" + describe_exit(wait_status) + ")";
  const std::string log = last_lines(child.log, kLogLines);
  return Status(StatusCode::kUnavailable, log.empty() ? message + "." : message + ":\n" + log);
}

void PrivateCluster::stop(bool hard) { end(hard, hard ? kHardStopGrace : kStopGrace); }

void PrivateCluster::stop_at_once() { end(true, Duration(0)); }

void PrivateCluster::end(bool hard, Duration grace) {
  if (!started_) return;
  started_ = false;
  close_descriptor(&options_.lifetime_fd);
  close_descriptor(&lifetime_);
  close_descriptor(&ready_);
  if (hard) {
    for (const auto& [pid, child] : children_) {
      if (child.worker != 0) ::kill(pid, SIGKILL);
    }
  }
  wait_for_children(grace);
  children_.clear();
}

}  // namespace fanfold::cli
