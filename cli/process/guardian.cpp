#include "cli/process/guardian.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "cli/process/spawn.hpp"
#include "common/io/file_system.hpp"

namespace fanfold::cli {
namespace {

constexpr std::array<int, 3> kInterrupts = {SIGINT, SIGTERM, SIGHUP};

// A signal handler can reach nothing but static storage.  Written before the handler is installed
// and after it is removed.
struct HandlerState {
  int pipe = -1;
  pid_t child = -1;
  int exit_code = 1;
};
HandlerState handler_state;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)

// Only async-signal-safe calls: it may have interrupted malloc.
void end_child() {
  ::close(handler_state.pipe);
  while (::waitpid(handler_state.child, nullptr, 0) < 0 && errno == EINTR) {
  }
}

extern "C" void on_interrupt(int) {
  end_child();
  ::_exit(handler_state.exit_code);
}

[[noreturn]] void watch(int pipe, const std::vector<std::string>& directories) {
  // Ctrl-C reaches the whole process group; this process has to outlive it.
  for (const int signal : kInterrupts) ::signal(signal, SIG_IGN);
  char byte = 0;
  while (::read(pipe, &byte, 1) < 0 && errno == EINTR) {
  }
  for (const std::string& directory : directories) {
    static_cast<void>(io::posix_file_system().remove_tree(directory));
  }
  ::_exit(0);
}

void set_handlers(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  for (const int signal : kInterrupts) sigaddset(&action.sa_mask, signal);
  for (const int signal : kInterrupts) ::sigaction(signal, &action, nullptr);
}

}  // namespace

Status Guardian::start(const std::vector<std::string>& directories, int interrupted_exit_code) {
  FANFOLD_ASSIGN_OR_RETURN(const Pipe pipe, make_pipe());
  const pid_t child = ::fork();
  if (child < 0) {
    return Status(StatusCode::kIoError, std::string("cannot fork: ") + std::strerror(errno));
  }
  if (child == 0) {
    ::close(pipe.write_end);
    watch(pipe.read_end, directories);
  }
  ::close(pipe.read_end);
  handler_state = {pipe.write_end, child, interrupted_exit_code};
  set_handlers(on_interrupt);
  return Status();
}

Guardian::~Guardian() {
  if (handler_state.child < 0) return;
  // An interrupt from here on finds the child gone or going: end_child() bears being called twice.
  end_child();
  set_handlers(SIG_DFL);
  handler_state = {};
}

}  // namespace fanfold::cli
