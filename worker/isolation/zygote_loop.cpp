// The zygote's side.  One thread, no heap to speak of, no library that starts threads.

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <vector>

#include "worker/isolation/executor.hpp"
#include "worker/isolation/zygote.hpp"
#include "worker/isolation/zygote_wire.hpp"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FANFOLD_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define FANFOLD_SANITIZED 1
#endif
#endif
#ifndef FANFOLD_SANITIZED
#define FANFOLD_SANITIZED 0
#endif

namespace fanfold::worker {
namespace {

struct Executor {
  std::uint64_t token = 0;
  pid_t process = 0;
};

struct Received {
  ZygoteRequest request;
  int descriptors[kPassedDescriptors] = {-1, -1, -1};
  int passed = 0;
};

enum class Got { kRequest, kNothing, kEnd };

Got receive_request(int socket, Received* received) {
  iovec part{&received->request, sizeof received->request};
  alignas(cmsghdr) char control[CMSG_SPACE(kPassedDescriptors * sizeof(int))];
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t got = ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (got < 0) return errno == EAGAIN || errno == EINTR ? Got::kNothing : Got::kEnd;
  if (got != static_cast<ssize_t>(sizeof received->request)) return Got::kEnd;
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header != nullptr && header->cmsg_type == SCM_RIGHTS) {
    received->passed = static_cast<int>((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    received->passed = std::min(received->passed, kPassedDescriptors);
    std::memcpy(received->descriptors, CMSG_DATA(header), received->passed * sizeof(int));
  }
  return Got::kRequest;
}

void limit(int resource, std::uint64_t value) {
  rlimit wanted{};
  if (::getrlimit(static_cast<__rlimit_resource>(resource), &wanted) != 0) return;
  wanted.rlim_cur = std::min<rlim_t>(value, wanted.rlim_max);
  wanted.rlim_max = wanted.rlim_cur;
  ::setrlimit(static_cast<__rlimit_resource>(resource), &wanted);
}

/// Makes the kernel pick an executor rather than a worker or master when memory runs out.
void volunteer_for_out_of_memory() {
  const int file = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (file < 0) return;
  // May be refused in a container; then the kernel's own choice stands.
  [[maybe_unused]] const ssize_t put = ::write(file, "500", 3);
  ::close(file);
}

/// The passed descriptors get the numbers executor.hpp promises; everything else is closed, so that
/// user code cannot reach the worker's sockets or files.  False: the system refuses.
bool arrange_descriptors(const int* passed) {
  int moved[kPassedDescriptors];
  for (int i = 0; i < kPassedDescriptors; ++i) {
    moved[i] = ::fcntl(passed[i], F_DUPFD, kExecutorPage + 1);
    if (moved[i] < 0) return false;
  }
  const int null = ::open("/dev/null", O_RDONLY);
  if (null < 0) return false;
  ::dup2(null, STDIN_FILENO);
  ::dup2(moved[2], STDOUT_FILENO);
  ::dup2(moved[2], STDERR_FILENO);
  ::dup2(moved[0], kExecutorControl);
  ::dup2(moved[1], kExecutorPage);
  ::syscall(SYS_close_range, kExecutorPage + 1, ~0U, 0);
  ::fcntl(kExecutorControl, F_SETFD, FD_CLOEXEC);
  ::fcntl(kExecutorPage, F_SETFD, FD_CLOEXEC);
  return true;
}

[[noreturn]] void become_executor(const Received& received, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  ::setsid();
  if (!arrange_descriptors(received.descriptors)) ::_exit(kExecutorRefused);
  limit(RLIMIT_CORE, 0);
  // The address-space bookkeeping of sanitizers does not fit under any sensible limit.
  if (FANFOLD_SANITIZED == 0) limit(RLIMIT_DATA, received.request.data_bytes_max);
  volunteer_for_out_of_memory();
  for (const int signal : {SIGCHLD, SIGINT, SIGTERM, SIGHUP, SIGPIPE}) ::signal(signal, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::prctl(PR_SET_NAME, "fanfold-exec");
  // A line leaves when it ends: somebody may be following, and the next record may be the last.
  // In a buffer of its own, because one that was in use would go on as it was.
  static char lines[BUFSIZ];
  std::setvbuf(stdout, lines, _IOLBF, sizeof lines);
  run_executor();
}

/// Pipes that the worker inherited would otherwise stay open for as long as the zygote lives.
int keep_only(int socket) {
  constexpr int kKept = STDERR_FILENO + 1;
  if (const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC); null >= 0) {
    ::dup2(null, STDIN_FILENO);
  }
  if (socket != kKept && ::dup2(socket, kKept) < 0) return -1;
  ::syscall(SYS_close_range, kKept + 1, ~0U, 0);
  ::fcntl(kKept, F_SETFD, FD_CLOEXEC);
  return kKept;
}

class Loop {
 public:
  Loop(int socket, int signals) : socket_(socket), signals_(signals), self_(::getpid()) {}

  [[noreturn]] void run() {
    for (;;) {
      pollfd watched[] = {{socket_, POLLIN, 0}, {signals_, POLLIN, 0}};
      if (::poll(watched, 2, -1) < 0 && errno != EINTR) finish();
      if (watched[1].revents != 0) read_signals();
      reap();
      if (watched[0].revents != 0 && !serve()) finish();
    }
  }

 private:
  /// False: the worker is gone.
  bool serve() {
    Received received;
    switch (receive_request(socket_, &received)) {
      case Got::kEnd:
        return false;
      case Got::kNothing:
        return true;
      case Got::kRequest:
        break;
    }
    switch (received.request.order) {
      case ZygoteOrder::kStart:
        start(received);
        break;
      case ZygoteOrder::kSignalGroup:
      case ZygoteOrder::kSignalProcess:
        signal(received.request);
        break;
    }
    for (int i = 0; i < received.passed; ++i) ::close(received.descriptors[i]);
    return true;
  }

  void start(const Received& received) {
    ZygoteEvent event;
    event.token = received.request.token;
    const pid_t process = received.passed == kPassedDescriptors ? ::fork() : -1;
    if (process == 0) become_executor(received, self_);
    if (process < 0) {
      event.kind = ZygoteEvent::Kind::kNotStarted;
      event.error = received.passed == kPassedDescriptors ? errno : EMFILE;
    } else {
      executors_.push_back({event.token, process});
      event.kind = ZygoteEvent::Kind::kStarted;
      event.process = process;
    }
    report(event);
  }

  void signal(const ZygoteRequest& request) {
    for (const Executor& executor : executors_) {
      if (executor.token != request.token) continue;
      // The group exists only after the child's setsid(); until then the process is all there is.
      if (request.order == ZygoteOrder::kSignalGroup) ::kill(-executor.process, request.signal);
      ::kill(executor.process, request.signal);
    }
  }

  void reap() {
    for (;;) {
      siginfo_t ended{};
      // Left unreaped for a moment, its id cannot be reused and the group can still be named.
      if (::waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) != 0 || ended.si_pid == 0) return;
      ::kill(-ended.si_pid, SIGKILL);
      ZygoteEvent event;
      rusage used{};
      event.kind = ZygoteEvent::Kind::kEnded;
      event.process = ::wait4(ended.si_pid, &event.wait_status, 0, &used);
      event.peak_rss_bytes = static_cast<std::uint64_t>(used.ru_maxrss) * 1024;
      const auto found =
          std::find_if(executors_.begin(), executors_.end(),
                       [&](const Executor& executor) { return executor.process == ended.si_pid; });
      if (found == executors_.end()) continue;
      event.token = found->token;
      executors_.erase(found);
      report(event);
    }
  }

  void read_signals() {
    signalfd_siginfo info;
    while (::read(signals_, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
      if (info.ssi_signo == SIGTERM) finish();
    }
  }

  /// Blocks when the worker is slow to read: it always comes back to this socket.
  void report(const ZygoteEvent& event) {
    while (::send(socket_, &event, sizeof event, MSG_NOSIGNAL) < 0 && errno == EINTR) {
    }
  }

  [[noreturn]] void finish() {
    for (const Executor& executor : executors_) {
      ::kill(-executor.process, SIGKILL);
      ::kill(executor.process, SIGKILL);
    }
    while (::waitpid(-1, nullptr, 0) > 0 || errno == EINTR) {
    }
    ::_exit(0);
  }

  const int socket_;
  const int signals_;
  const pid_t self_;
  std::vector<Executor> executors_;
};

}  // namespace

void run_zygote(int socket) {
  // Not SIGKILL: on the worker's death there are executors to end first.
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  ::prctl(PR_SET_NAME, "fanfold-zygote");
  // Ctrl-C on a terminal is for the command; it decides what becomes of us.
  ::setpgid(0, 0);
  for (const int signal : {SIGINT, SIGHUP, SIGPIPE}) ::signal(signal, SIG_IGN);
  sigset_t watched;
  ::sigemptyset(&watched);
  ::sigaddset(&watched, SIGCHLD);
  ::sigaddset(&watched, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &watched, nullptr);
  const int own_socket = keep_only(socket);
  const int signals = ::signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
  if (own_socket < 0 || signals < 0) ::_exit(1);
  Loop(own_socket, signals).run();
}

}  // namespace fanfold::worker
