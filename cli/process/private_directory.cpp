#include "cli/process/private_directory.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "cli/process/spawn.hpp"
#include "common/core/limits.hpp"
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

// False when the other side has gone.
bool read_fully(int descriptor, void* into, std::size_t size) {
  auto* to = static_cast<char*>(into);
  while (size > 0) {
    const ssize_t got = ::read(descriptor, to, size);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    to += got;
    size -= static_cast<std::size_t>(got);
  }
  return true;
}

// Only async-signal-safe calls: it may have interrupted malloc.
void dismiss(int life, int gone) {
  while (::write(life, "r", 1) < 0 && errno == EINTR) {
  }
  char byte = 0;
  read_fully(gone, &byte, 1);
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

// What the guardian says first; the path follows, as long as the pattern it was made from.
struct Made {
  int error = 0;  // errno
};

[[noreturn]] void guard(int life, int gone, std::string pattern,
                        const std::vector<std::string>& along) {
  // Ctrl-C reaches the whole process group, and the one we tell may be dead already: this process
  // has to outlive both from before the directory is there.
  for (const int signal : kInterrupts) ::signal(signal, SIG_IGN);
  ::signal(SIGPIPE, SIG_IGN);
  // Nobody who reads what the command prints shall wait for us.
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null, standard);
  Made made;
  if (::mkdtemp(pattern.data()) == nullptr) made.error = errno;
  // Shorter than PIPE_BUF: all or nothing.  Whom it does not reach has closed `life` as well.
  std::string answer(reinterpret_cast<const char*>(&made), sizeof made);
  answer += pattern;
  static_cast<void>(!::write(gone, answer.data(), answer.size()));
  if (made.error != 0) ::_exit(1);
  char byte = 0;
  read_fully(life, &byte, 1);
  static_cast<void>(io::posix_file_system().remove_tree(pattern));
  for (const std::string& directory : along) {
    static_cast<void>(io::posix_file_system().remove_tree(directory));
  }
  ::_exit(0);
}

}  // namespace

Status PrivateDirectory::create(const std::string& parent, const std::vector<std::string>& along) {
  std::string path = parent + "/fanfold-XXXXXX";
  if (path.size() + kSocketNameBytes > limits::kSocketPathBytes) {
    return Status(StatusCode::kInvalidArgument,
                  "the temporary directory " + parent +
                      " has too long a name: sockets in it would "
                      "exceed " +
                      std::to_string(limits::kSocketPathBytes) +
                      " bytes.\nSet TMPDIR to a directory with a shorter name, such as /tmp.");
  }
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
    if (::fork() == 0) guard(life.read_end, gone.write_end, path, along);
    ::_exit(0);
  }
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  ::close(life.read_end);
  ::close(gone.write_end);
  Made made;
  const bool told = read_fully(gone.read_end, &made, sizeof made) &&
                    (made.error != 0 || read_fully(gone.read_end, path.data(), path.size()));
  if (!told || made.error != 0) {
    ::close(life.write_end);
    ::close(gone.read_end);
    return Status(StatusCode::kIoError,
                  "cannot create a private directory in " + parent + ": " +
                      (told ? std::strerror(made.error) : "the process that makes it was killed") +
                      ".\nSet TMPDIR to a directory that can be written to.");
  }
  life_ = life.write_end;
  gone_ = gone.read_end;
  path_ = path;
  return Status();
}

void PrivateDirectory::exit_on_interrupt(int exit_code) {
  handler_state = {life_, gone_, exit_code};
  set_handlers(on_interrupt);
}

PrivateDirectory::~PrivateDirectory() {
  if (life_ < 0) return;
  // An interrupt from here on finds the guardian going or gone: dismiss() bears being called twice.
  dismiss(life_, gone_);
  if (handler_state.life == life_) set_handlers(SIG_DFL);
  handler_state = {};
  ::close(life_);
  ::close(gone_);
}

}  // namespace fanfold::cli
