#include "tests/chaos/daemon.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>

#include "cli/process/spawn.hpp"

namespace fanfold::chaos {

Daemon::~Daemon() { kill(); }

void Daemon::start() {
  cli::SpawnRequest request;
  request.program = command_.program;
  request.arguments = command_.arguments;
  request.output = command_.log;
  request.inherited = command_.inherited;
  request.new_session = true;
  const Result<pid_t> started = cli::spawn(request);
  if (!started.ok()) throw std::runtime_error(started.status().message());
  pid_ = *started;
}

void Daemon::signal(int number) const {
  if (pid_ > 0) ::kill(pid_, number);
}

void Daemon::note_end(int wait_status) {
  end_ = cli::describe_exit(wait_status);
  pid_ = -1;
}

void Daemon::kill() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  int wait_status = 0;
  while (::waitpid(pid_, &wait_status, 0) < 0 && errno == EINTR) {
  }
  note_end(wait_status);
}

bool Daemon::running() {
  int wait_status = 0;
  if (pid_ > 0 && ::waitpid(pid_, &wait_status, WNOHANG) == pid_) note_end(wait_status);
  return pid_ > 0;
}

bool Daemon::wait_for_end(Duration patience) {
  if (!running()) return true;
  const int descriptor = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
  if (descriptor < 0) return !running();
  pollfd wait = {descriptor, POLLIN, 0};
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(patience).count();
  static_cast<void>(::poll(&wait, 1, static_cast<int>(milliseconds)));
  ::close(descriptor);
  return !running();
}

}  // namespace fanfold::chaos
