#include "cli/process/spawn.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <map>
#include <set>

#include "common/core/clock.hpp"

namespace fanfold::cli {
namespace {

class SpawnActions {
 public:
  SpawnActions() {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawnattr_init(&attributes_);
  }
  ~SpawnActions() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  SpawnActions(const SpawnActions&) = delete;
  SpawnActions& operator=(const SpawnActions&) = delete;

  void prepare(const SpawnRequest& request) {
    constexpr int kAppend = O_WRONLY | O_CREAT | O_APPEND;
    const char* input = request.input.empty() ? "/dev/null" : request.input.c_str();
    ::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, input, O_RDONLY, 0);
    ::posix_spawn_file_actions_addopen(&actions_, STDOUT_FILENO, request.output.c_str(), kAppend,
                                       0600);
    if (request.error.empty()) {
      ::posix_spawn_file_actions_adddup2(&actions_, STDOUT_FILENO, STDERR_FILENO);
    } else {
      ::posix_spawn_file_actions_addopen(&actions_, STDERR_FILENO, request.error.c_str(), kAppend,
                                         0600);
    }
    // Onto itself: that clears close-on-exec.
    for (const int fd : request.inherited) ::posix_spawn_file_actions_adddup2(&actions_, fd, fd);
    sigset_t none;
    sigemptyset(&none);
    sigset_t all;
    sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setpgroup(&attributes_, 0);
    const short group = request.new_session ? POSIX_SPAWN_SETSID : POSIX_SPAWN_SETPGROUP;
    ::posix_spawnattr_setflags(
        &attributes_, static_cast<short>(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | group));
  }

  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

// Parent of each process, from /proc: needs no kernel option and no helper of its own.
std::map<pid_t, pid_t> parents() {
  std::map<pid_t, pid_t> result;
  DIR* directory = ::opendir("/proc");
  if (directory == nullptr) return result;
  while (const dirent* entry = ::readdir(directory)) {
    const std::string_view name = entry->d_name;
    pid_t pid = 0;
    if (std::from_chars(name.data(), name.data() + name.size(), pid).ec != std::errc()) continue;
    std::ifstream file("/proc/" + std::string(name) + "/stat");
    std::string text;
    std::getline(file, text);
    // "pid (name) state ppid ...": the name may hold anything, so look for its last parenthesis.
    const std::size_t close = text.rfind(") ");
    if (close == std::string::npos || close + 4 >= text.size()) continue;
    pid_t parent = 0;
    std::from_chars(text.data() + close + 4, text.data() + text.size(), parent);
    result[pid] = parent;
  }
  ::closedir(directory);
  return result;
}

void kill_descendants() {
  const std::map<pid_t, pid_t> all = parents();
  std::set<pid_t> family = {::getpid()};
  for (bool grown = true; grown;) {
    grown = false;
    for (const auto& [pid, parent] : all) {
      if (family.count(parent) != 0 && family.insert(pid).second) grown = true;
    }
  }
  family.erase(::getpid());
  for (const pid_t pid : family) ::kill(pid, SIGKILL);
}

/// Pointers into our environment, and a null at the end.
std::vector<char*> environment_of(const SpawnRequest& request) {
  std::vector<char*> variables;
  for (char** one = environ; *one != nullptr; ++one) {
    const std::string_view text = *one;
    const bool unwanted =
        std::any_of(request.without.begin(), request.without.end(),
                    [&](const std::string& name) { return text.starts_with(name); });
    if (!unwanted) variables.push_back(*one);
  }
  variables.push_back(nullptr);
  return variables;
}

// False: no children are left.
bool reap() {
  for (;;) {
    const pid_t pid = ::waitpid(-1, nullptr, WNOHANG);
    if (pid == 0) return true;
    if (pid < 0 && errno != EINTR) return false;
  }
}

}  // namespace

Result<pid_t> spawn(const SpawnRequest& request) {
  SpawnActions actions;
  actions.prepare(request);
  std::vector<std::string> words = {request.program};
  words.insert(words.end(), request.arguments.begin(), request.arguments.end());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  const std::vector<char*> environment = environment_of(request);
  pid_t pid = 0;
  const int error = ::posix_spawnp(&pid, request.program.c_str(), &actions.actions_,
                                   &actions.attributes_, pointers.data(), environment.data());
  if (error != 0) {
    return Status(StatusCode::kUnavailable,
                  "cannot start " + request.program + ": " + std::strerror(error) + ".");
  }
  return pid;
}

Result<Pipe> make_pipe() {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    return Status(StatusCode::kIoError, std::string("cannot make a pipe: ") + std::strerror(errno));
  }
  return Pipe{ends[0], ends[1]};
}

void adopt_orphans() { ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }

void wait_for_children(Duration grace) {
  bool hard = false;
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGCHLD, SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, signal);
  const Instant deadline = steady_clock().now() + grace;
  while (reap()) {
    const Duration left = deadline - steady_clock().now();
    if (hard || left <= Duration(0)) {
      kill_descendants();
      hard = true;
    }
    // Killed processes end soon; a new child of one that was being killed is found the next time.
    const Duration wait = hard ? std::chrono::milliseconds(50) : left;
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(wait);
    const timespec timeout = {seconds.count(), (wait - seconds).count()};
    const int signal = ::sigtimedwait(&set, nullptr, &timeout);
    if (signal > 0 && signal != SIGCHLD) hard = true;
  }
}

std::string last_lines(const std::string& path, std::size_t lines_max) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    lines.push_back(line);
    if (lines.size() > lines_max) lines.erase(lines.begin());
  }
  std::string text;
  for (const std::string& line : lines) text += (text.empty() ? "" : "\n") + line;
  return text;
}

std::string describe_exit(int wait_status) {
  if (WIFSIGNALED(wait_status)) {
    const int signal = WTERMSIG(wait_status);
    return "signal " + std::to_string(signal) + " (" + ::strsignal(signal) + ")";
  }
  return "exit status " + std::to_string(WEXITSTATUS(wait_status));
}

}  // namespace fanfold::cli
