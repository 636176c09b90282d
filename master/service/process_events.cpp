#include "master/service/process_events.hpp"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

namespace fanfold::master {
namespace {

Status system_error(const std::string& what) {
  return {StatusCode::kIoError, what + ": " + std::strerror(errno)};
}

}  // namespace

Result<ProcessEvents> ProcessEvents::open(int lifetime_fd) {
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  if (::sigaction(SIGPIPE, &ignore, nullptr) != 0) return system_error("cannot ignore SIGPIPE");
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  if (const int error = ::pthread_sigmask(SIG_BLOCK, &signals, nullptr); error != 0) {
    errno = error;
    return system_error("cannot block signals");
  }
  if (lifetime_fd >= 0) {
    const int flags = ::fcntl(lifetime_fd, F_GETFL);
    if (flags < 0 || ::fcntl(lifetime_fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
        ::fcntl(lifetime_fd, F_SETFD, FD_CLOEXEC) != 0) {
      return system_error("--lifetime-fd " + std::to_string(lifetime_fd) + " is unusable");
    }
  }
  const int signal_fd = ::signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
  if (signal_fd < 0) return system_error("cannot receive signals");
  return ProcessEvents(signal_fd, lifetime_fd);
}

ProcessEvents::ProcessEvents(ProcessEvents&& other) noexcept
    : signal_fd_(std::exchange(other.signal_fd_, -1)),
      lifetime_fd_(std::exchange(other.lifetime_fd_, -1)) {}

ProcessEvents::~ProcessEvents() {
  if (signal_fd_ >= 0) ::close(signal_fd_);
  if (lifetime_fd_ >= 0) ::close(lifetime_fd_);
}

std::vector<int> ProcessEvents::descriptors() const {
  std::vector<int> descriptors = {signal_fd_};
  if (lifetime_fd_ >= 0) descriptors.push_back(lifetime_fd_);
  return descriptors;
}

ProcessEvents::Seen ProcessEvents::poll() {
  Seen seen;
  pollfd items[2] = {{signal_fd_, POLLIN, 0}, {lifetime_fd_, POLLIN, 0}};
  if (::poll(items, lifetime_fd_ >= 0 ? 2 : 1, 0) <= 0) return seen;
  signalfd_siginfo info;
  while (::read(signal_fd_, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    seen.stop_signal = true;
  }
  if (lifetime_fd_ >= 0 && items[1].revents != 0) {
    char bytes[64];
    ssize_t got = 0;
    while ((got = ::read(lifetime_fd_, bytes, sizeof bytes)) > 0) {
    }
    if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
      seen.parent_gone = true;
      // An ended descriptor is readable for ever.
      ::close(std::exchange(lifetime_fd_, -1));
    }
  }
  return seen;
}

}  // namespace fanfold::master
