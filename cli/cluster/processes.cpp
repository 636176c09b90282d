#include "cli/cluster/processes.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "cli/process/spawn.hpp"
#include "common/core/clock.hpp"

namespace fanfold::cli {
namespace {

using namespace std::chrono_literals;

constexpr Duration kAskedPatience = 10s;
constexpr Duration kTermPatience = 5s;
constexpr std::size_t kLogLines = 5;

// False when some are still there after `patience`.
bool wait_for_end(const std::vector<pid_t>& processes, Duration patience) {
  const Instant deadline = steady_clock().now() + patience;
  for (const pid_t pid : processes) {
    const int descriptor = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
    if (descriptor < 0) continue;  // Gone.
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - steady_clock().now());
    pollfd wait = {descriptor, POLLIN, 0};
    const int count = ::poll(&wait, 1, static_cast<int>(std::max<std::int64_t>(0, left.count())));
    ::close(descriptor);
    if (count == 0) return false;
  }
  return true;
}

}  // namespace

Status io_error(const std::string& what) {
  return Status(StatusCode::kIoError, what + ": " + std::strerror(errno) + ".");
}

Status check_owner(const std::string& directory) {
  struct stat info {};
  if (::lstat(directory.c_str(), &info) != 0) return io_error("cannot look at " + directory);
  if (!S_ISDIR(info.st_mode) || info.st_uid != ::getuid() || (info.st_mode & 0077) != 0) {
    return Status(StatusCode::kInvalidArgument,
                  directory +
                      " is not a directory of yours with mode 0700, so others could reach "
                      "the cluster.\nName another one with --dir.");
  }
  return Status();
}

Result<UniqueFd> lock_cluster(const std::string& directory) {
  UniqueFd lock(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!lock.open()) return io_error("cannot open " + directory);
  const bool locked = ::flock(lock.get(), LOCK_EX | LOCK_NB) == 0;
  if (!locked && errno != EWOULDBLOCK) return io_error("cannot lock " + directory);
  // Whoever had it may have removed it.
  struct stat held {};
  struct stat there {};
  const bool same = ::fstat(lock.get(), &held) == 0 && ::stat(directory.c_str(), &there) == 0 &&
                    held.st_ino == there.st_ino && held.st_dev == there.st_dev;
  if (locked && same) return lock;
  return Status(StatusCode::kUnavailable,
                "another 'fanfold cluster' command is at work in " + directory + "; wait for it.");
}

Result<UniqueFd> open_cluster(const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(directory).parent_path(), error);
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    return io_error("cannot create the cluster directory " + directory);
  }
  FANFOLD_RETURN_IF_ERROR(check_owner(directory));
  return lock_cluster(directory);
}

Status remove_cluster(const std::string& directory, const std::string& record) {
  std::error_code error;
  std::vector<std::filesystem::path> rest;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    if (entry.path().filename() != record) rest.push_back(entry.path());
  }
  for (const std::filesystem::path& path : rest) {
    if (!error) std::filesystem::remove_all(path, error);
  }
  if (!error) std::filesystem::remove_all(directory, error);
  if (!error) return {};
  return Status(StatusCode::kIoError, "cannot remove " + directory + ": " + error.message() + ".");
}

bool lives(pid_t pid, const std::string& directory) {
  if (pid <= 0) return false;
  std::ifstream file("/proc/" + std::to_string(pid) + "/cmdline");
  std::stringstream text;
  text << file.rdbuf();
  // A zombie has no command line any more.
  return text.str().find(directory) != std::string::npos;
}

std::vector<pid_t> living_among(const std::string& directory, const std::vector<pid_t>& processes) {
  std::vector<pid_t> living;
  for (const pid_t pid : processes) {
    if (lives(pid, directory)) living.push_back(pid);
  }
  return living;
}

void end_processes(const std::string& directory, const std::vector<pid_t>& processes, bool asked) {
  std::vector<pid_t> living = living_among(directory, processes);
  if (asked && wait_for_end(living, kAskedPatience)) return;
  living = living_among(directory, processes);
  for (const pid_t pid : living) ::kill(pid, SIGTERM);
  // Workers drain at the first signal, which nobody waits for now: the second one insists.
  for (const pid_t pid : living) ::kill(pid, SIGINT);
  if (wait_for_end(living, kTermPatience)) return;
  living = living_among(directory, processes);
  for (const pid_t pid : living) ::kill(pid, SIGKILL);
  static_cast<void>(wait_for_end(living, kTermPatience));
}

Status did_not_start(const std::string& what, const std::string& log) {
  const std::string lines = last_lines(log, kLogLines);
  return Status(StatusCode::kUnavailable, what + (lines.empty() ? "." : ":\n" + lines));
}

}  // namespace fanfold::cli
