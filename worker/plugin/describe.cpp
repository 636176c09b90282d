// describe_plugin(): a forked child loads the plugin and writes what it found to a pipe.  Whatever
// the plugin's static initialisers do, only the child suffers it.

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>

#include "common/core/clock.hpp"
#include "worker/plugin/description.hpp"
#include "worker/plugin/plugin.hpp"

namespace fanfold::worker {
namespace {

using namespace std::chrono_literals;

/// A known number, because a terminate handler gets no arguments.
constexpr int kChildOutput = 3;
constexpr std::size_t kDescriptionBytesMax = 16u << 20;

Status refused(const std::string& path, const std::string& why) {
  return {StatusCode::kInvalidArgument, "plugin '" + path + "' " + why};
}

void write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(descriptor, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
}

/// The loader cannot be unwound, so an exception of a static initialiser ends here.
[[noreturn]] void report_uncaught() {
  std::string what = "std::terminate was called";
  if (std::current_exception()) {
    try {
      throw;
    } catch (...) {
      what = describe_current_exception();
    }
  }
  write_all(kChildOutput, encode_refusal({StatusCode::kAborted, what}));
  ::_exit(0);
}

/// Its own process group, so that a time-out ends whatever it started too.
[[noreturn]] void run_child(const std::string& path, int output, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  ::setpgid(0, 0);
  // What a plugin prints while it is loaded must not get into `fanfold jobs --json`.
  if (const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC); null >= 0) {
    ::dup2(null, STDIN_FILENO);
    ::dup2(null, STDOUT_FILENO);
    ::dup2(null, STDERR_FILENO);
  }
  ::dup2(output, kChildOutput);
  // The cause of a crash is its signal; a handler that the parent has installed would hide it.
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) ::signal(signal, SIG_DFL);
  std::set_terminate(&report_uncaught);
  const Result<const abi::Plugin*> plugin = load_plugin(path);
  write_all(kChildOutput,
            plugin.ok() ? encode_description(**plugin) : encode_refusal(plugin.status()));
  ::_exit(0);
}

/// What the child wrote until it ended.
struct ChildOutput {
  std::string bytes;
  int wait_status = 0;
  bool timed_out = false;
};

void read_available(int descriptor, std::string* bytes) {
  char buffer[16u << 10];
  while (bytes->size() < kDescriptionBytesMax) {
    const ssize_t got = ::read(descriptor, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return;
    bytes->append(buffer, static_cast<std::size_t>(got));
  }
}

/// Waits for the child's end rather than for the end of its output: a grandchild may hold the pipe.
ChildOutput watch_child(pid_t child, int input, Duration patience) {
  ChildOutput output;
  const int process = static_cast<int>(::syscall(SYS_pidfd_open, child, 0));
  const Instant deadline = steady_clock().now() + patience;
  pollfd watched[] = {{process, POLLIN, 0}, {input, POLLIN, 0}};
  for (;;) {
    const Duration left = deadline - steady_clock().now();
    if (left <= 0s || output.bytes.size() >= kDescriptionBytesMax) {
      output.timed_out = true;
      break;
    }
    const auto left_ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    if (::poll(watched, 2, static_cast<int>(left_ms)) < 0 && errno != EINTR) break;
    if (watched[1].revents != 0) read_available(input, &output.bytes);
    if ((watched[1].revents & POLLHUP) != 0) watched[1].fd = -1;
    if (watched[0].revents != 0) break;
  }
  if (output.timed_out) ::kill(-child, SIGKILL);
  while (::waitpid(child, &output.wait_status, 0) < 0 && errno == EINTR) {
  }
  ::kill(-child, SIGKILL);
  if (!output.timed_out) read_available(input, &output.bytes);
  if (process >= 0) ::close(process);
  return output;
}

Result<abi::Plugin> judge(const std::string& path, const ChildOutput& output, Duration patience) {
  if (output.timed_out) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(patience).count();
    return refused(path, "did not finish loading within " + std::to_string(seconds) +
                             " s; its static initialisers hang");
  }
  if (!output.bytes.empty()) {
    auto plugin = decode_description(output.bytes);
    if (plugin.ok()) return plugin;
    if (plugin.status().code() == StatusCode::kAborted) {
      return refused(path, "threw while it was being loaded (static initialisers run then): " +
                               plugin.status().message());
    }
    if (plugin.status().code() != StatusCode::kCorruption) return plugin;
  }
  if (WIFSIGNALED(output.wait_status)) {
    const int signal = WTERMSIG(output.wait_status);
    return refused(path, std::string("crashed while it was being loaded (") + "SIG" +
                             ::sigabbrev_np(signal) + ", " + ::sigdescr_np(signal) +
                             "); look at its static initialisers");
  }
  return refused(path, "ended the process while it was being loaded (exit status " +
                           std::to_string(WEXITSTATUS(output.wait_status)) +
                           "); look at its static initialisers");
}

}  // namespace

Result<abi::Plugin> describe_plugin(const std::string& path, Duration patience) {
  // Refusals that need no code of the plugin are found, and worded, without a child.
  FANFOLD_RETURN_IF_ERROR(read_fingerprint(path).status());
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    return Status(StatusCode::kIoError, std::string("cannot make a pipe: ") + std::strerror(errno));
  }
  ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child == 0) run_child(path, ends[1], parent);
  const int fork_error = errno;
  ::close(ends[1]);
  if (child < 0) {
    ::close(ends[0]);
    return Status(StatusCode::kExhausted, "cannot start a process to look at plugin '" + path +
                                              "': " + std::strerror(fork_error));
  }
  ::setpgid(child, child);
  const ChildOutput output = watch_child(child, ends[0], patience);
  ::close(ends[0]);
  return judge(path, output, patience);
}

}  // namespace fanfold::worker
