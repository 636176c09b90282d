#include "cli/process/interrupts.hpp"

#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

namespace fanfold::cli {

Interrupts::~Interrupts() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Status Interrupts::start() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) sigaddset(&set, signal);
  if (::sigprocmask(SIG_BLOCK, &set, nullptr) != 0) {
    return Status(StatusCode::kIoError,
                  std::string("cannot block signals: ") + std::strerror(errno));
  }
  descriptor_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (descriptor_ < 0) {
    return Status(StatusCode::kIoError,
                  std::string("cannot watch signals: ") + std::strerror(errno));
  }
  return Status();
}

void Interrupts::drain() {
  signalfd_siginfo info{};
  while (::read(descriptor_, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    if (info.ssi_signo != SIGCHLD) ++count_;
  }
}

}  // namespace fanfold::cli
