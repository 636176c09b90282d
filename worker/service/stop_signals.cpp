#include "worker/service/stop_signals.hpp"

#include <sys/signalfd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

namespace fanfold::worker {

Result<StopSignals> StopSignals::watch() {
  sigset_t watched;
  ::sigemptyset(&watched);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&watched, signal);
  ::sigprocmask(SIG_BLOCK, &watched, nullptr);
  // A peer that goes away while we write is an error code, not our death.
  ::signal(SIGPIPE, SIG_IGN);
  UniqueFd descriptor(::signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!descriptor.open()) {
    return Status(StatusCode::kUnavailable,
                  std::string("cannot watch for signals: ") + std::strerror(errno));
  }
  return StopSignals(std::move(descriptor));
}

int StopSignals::take() {
  int count = 0;
  signalfd_siginfo info;
  while (::read(descriptor_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    ++count;
  }
  return count;
}

}  // namespace fanfold::worker
