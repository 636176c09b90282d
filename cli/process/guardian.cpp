#include "cli/process/guardian.hpp"

#include <fcntl.h>
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
  int life = -1;
  int gone = -1;
  int exit_code = 1;
};
HandlerState handler_state;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)

ssize_t read_byte(int descriptor) {
  char byte = 0;
  ssize_t got = 0;
  do {
    got = ::read(descriptor, &byte, 1);
  } while (got < 0 && errno == EINTR);
  return got;
}

// Only async-signal-safe calls: it may have interrupted malloc.
void dismiss(int life, int gone) {
  while (::write(life, "r", 1) < 0 && errno == EINTR) {
  }
  read_byte(gone);
}

extern "C" void on_interrupt(int) {
  dismiss(handler_state.life, handler_state.gone);
  ::_exit(handler_state.exit_code);
}

void set_handlers(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  for (const int signal : kInterrupts) sigaddset(&action.sa_mask, signal);
  for (const int signal : kInterrupts) ::sigaction(signal, &action, nullptr);
}

[[noreturn]] void watch(int life, const std::vector<std::string>& directories) {
  // Ctrl-C reaches the whole process group; this process has to outlive it.
  for (const int signal : kInterrupts) ::signal(signal, SIG_IGN);
  // Nobody who reads what the command prints shall wait for us.
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null, standard);
  read_byte(life);
  for (const std::string& directory : directories) {
    static_cast<void>(io::posix_file_system().remove_tree(directory));
  }
  ::_exit(0);
}

}  // namespace

Status Guardian::start(const std::vector<std::string>& directories) {
  FANFOLD_ASSIGN_OR_RETURN(const Pipe life, make_pipe());
  FANFOLD_ASSIGN_OR_RETURN(const Pipe gone, make_pipe());
  const pid_t child = ::fork();
  if (child < 0) {
    return Status(StatusCode::kIoError, std::string("cannot fork: ") + std::strerror(errno));
  }
  if (child == 0) {
    ::close(life.write_end);
    ::close(gone.read_end);
    // Twice: the guardian is nobody's child, so nobody waits for it among the children.
    if (::fork() == 0) watch(life.read_end, directories);
    ::_exit(0);
  }
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  ::close(life.read_end);
  ::close(gone.write_end);
  life_ = life.write_end;
  gone_ = gone.read_end;
  return Status();
}

void Guardian::exit_on_interrupt(int exit_code) {
  handler_state = {life_, gone_, exit_code};
  set_handlers(on_interrupt);
}

Guardian::~Guardian() {
  if (life_ < 0) return;
  // An interrupt from here on finds the guardian going or gone: dismiss() bears being called twice.
  dismiss(life_, gone_);
  if (handler_state.life == life_) set_handlers(SIG_DFL);
  handler_state = {};
  ::close(life_);
  ::close(gone_);
}

}  // namespace fanfold::cli
