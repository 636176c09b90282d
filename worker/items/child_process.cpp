#include "worker/items/child_process.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fstream>

namespace fanfold::worker {
namespace {

Status system_error(const std::string& what) {
  return {StatusCode::kUnavailable, what + ": " + std::strerror(errno)};
}

ProcessEnd end_of(int status) {
  ProcessEnd end;
  end.signalled = WIFSIGNALED(status);
  end.code = end.signalled ? WTERMSIG(status) : WEXITSTATUS(status);
  return end;
}

void reset_signals() {
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

}  // namespace

std::string ProcessEnd::text() const {
  if (!signalled) return "exit status " + std::to_string(code);
  return "signal " + std::to_string(code) + " (" + ::strsignal(code) + ")";
}

Status ChildProcess::start(const std::function<void()>& body) {
  stop();
  const pid_t parent = ::getpid();
  const pid_t process = ::fork();
  if (process < 0) return system_error("cannot start a process");
  if (process == 0) {
    reset_signals();
    // What an executor does at its end is not for others.
    std::set_terminate(std::abort);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    // It may have died before that.
    if (::getppid() == parent) body();
    ::_exit(127);
  }
  process_ = process;
  ended_ = UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, process, 0)));
  if (ended_.get() < 0) {
    Status status = system_error("cannot watch a process");
    stop();
    return status;
  }
  ::fcntl(ended_.get(), F_SETFD, FD_CLOEXEC);
  return {};
}

ProcessEnd ChildProcess::wait() {
  int status = 0;
  while (::waitpid(process_, &status, 0) < 0 && errno == EINTR) {
  }
  process_ = -1;
  ended_ = UniqueFd();
  return end_of(status);
}

std::optional<ProcessEnd> ChildProcess::stop() {
  if (!running()) return std::nullopt;
  ::kill(process_, SIGKILL);
  return wait();
}

void adopt_orphans() { ::prctl(PR_SET_CHILD_SUBREAPER, 1); }

void end_orphans(const std::function<bool(pid_t)>& kept) {
  // A child's end makes orphans of its own children.
  constexpr int kRoundsMax = 100;
  for (int round = 0; round < kRoundsMax; ++round) {
    std::ifstream list("/proc/thread-self/children");
    bool any = false;
    for (pid_t process = 0; list >> process;) {
      if (kept(process)) continue;
      any = true;
      ::kill(process, SIGKILL);
      int status = 0;
      while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
      }
    }
    if (!any) return;
  }
}

Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return system_error("cannot make a pipe");
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

}  // namespace fanfold::worker
