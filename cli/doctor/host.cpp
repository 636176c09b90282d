// Looks at this host: limits, disk, clock, programs.  What cannot be found out is left as it is.

#include <fcntl.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <clocale>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "cli/cluster/programs.hpp"
#include "cli/doctor/host_facts.hpp"
#include "cli/process/spawn.hpp"
#include "common/core/clock.hpp"
#include "common/host/storage_kind.hpp"
#include "common/io/file_system.hpp"

namespace fanfold::cli {
namespace {

std::optional<std::uint64_t> limit_of(__rlimit_resource resource, bool hard = false) {
  rlimit limit{};
  if (::getrlimit(resource, &limit) != 0) return std::nullopt;
  const rlim_t value = hard ? limit.rlim_max : limit.rlim_cur;
  if (value == RLIM_INFINITY) return std::nullopt;
  return static_cast<std::uint64_t>(value);
}

/// A directory of ours for a moment.
class TrialDirectory {
 public:
  explicit TrialDirectory(const std::string& parent) : path_(parent + "/fanfold-doctor-XXXXXX") {
    made_ = ::mkdtemp(path_.data()) != nullptr;
  }
  ~TrialDirectory() {
    if (made_) static_cast<void>(io::posix_file_system().remove_tree(path_));
  }
  TrialDirectory(const TrialDirectory&) = delete;
  TrialDirectory& operator=(const TrialDirectory&) = delete;
  bool made() const { return made_; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  bool made_ = false;
};

bool can_exchange(const std::string& directory) {
  io::FileSystem& files = io::posix_file_system();
  const std::string a = directory + "/a";
  const std::string b = directory + "/b";
  return files.make_directory(a).ok() && files.make_directory(b).ok() &&
         files.publish(a, b, io::Replace::kExchange).ok();
}

void try_file(const std::string& path, ScratchFacts* facts) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) {
    facts->trouble = std::string("a file cannot be made in it: ") + std::strerror(errno);
    return;
  }
  facts->locks = ::flock(file, LOCK_EX | LOCK_NB) == 0;
  const std::array<char, 4096> page{};
  const Instant began = steady_clock().now();
  const bool durable =
      ::write(file, page.data(), page.size()) == static_cast<ssize_t>(page.size()) &&
      ::fsync(file) == 0;
  facts->sync_us = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(steady_clock().now() - began).count());
  if (!durable)
    facts->trouble = std::string("a file in it cannot be made durable: ") + std::strerror(errno);
  ::close(file);
}

ScratchFacts look_at_scratch(const std::string& path) {
  ScratchFacts facts;
  facts.path = path;
  const TrialDirectory trial(path);
  if (!trial.made()) {
    facts.trouble = std::string("a directory cannot be made in it: ") + std::strerror(errno);
    return facts;
  }
  const StorageKind kind = storage_kind(path);
  facts.type = kind.name;
  facts.shared = kind.shared;
  struct statvfs info {};
  if (::statvfs(path.c_str(), &info) == 0) {
    facts.bytes = static_cast<std::uint64_t>(info.f_blocks) * info.f_frsize;
    facts.bytes_free = static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
    if (info.f_files > 0) facts.files_free = info.f_favail;
    facts.no_exec = (info.f_flag & ST_NOEXEC) != 0;
  }
  facts.exchanges = can_exchange(trial.path());
  try_file(trial.path() + "/file", &facts);
  return facts;
}

/// Starts it, which needs all its libraries, and asks for its version.
ProgramFacts look_at_program(const HostQuestions& questions, const std::string& name) {
  ProgramFacts facts;
  facts.name = name;
  const TrialDirectory trial(questions.scratch);
  SpawnRequest request;
  request.program = questions.program_directory + "/" + name;
  request.arguments = {"--version"};
  request.output = trial.made() ? trial.path() + "/version" : "/dev/null";
  const Result<pid_t> pid = spawn(request);
  if (!pid.ok()) {
    facts.trouble = pid.status().message();
    return facts;
  }
  int status = 0;
  while (::waitpid(*pid, &status, 0) < 0 && errno == EINTR) {
  }
  const std::string said = last_lines(request.output, 3);
  if (status != 0) {
    facts.trouble = request.program + " does not start: " + describe_exit(status) +
                    (said.empty() ? "" : ": " + said);
  } else if (trial.made() && said != name + " " FANFOLD_VERSION) {
    facts.trouble = request.program + " is '" + said + "', but this is fanfold " FANFOLD_VERSION;
  }
  return facts;
}

void look_at_memory(HostFacts* facts) {
  std::ifstream file("/proc/meminfo");
  facts->proc_mounted = file.good();
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string name;
    std::uint64_t kilobytes = 0;
    words >> name >> kilobytes;
    if (name == "MemTotal:") facts->memory_bytes = kilobytes << 10;
    if (name == "MemAvailable:") facts->memory_available = kilobytes << 10;
  }
  std::ifstream overcommit("/proc/sys/vm/overcommit_memory");
  int mode = 0;
  facts->strict_overcommit = (overcommit >> mode) && mode == 2;
}

void look_at_clock(HostFacts* facts) {
  facts->unix_seconds = static_cast<std::int64_t>(std::time(nullptr));
  timex state{};
  const int answer = ::adjtimex(&state);
  facts->clock_known = answer >= 0;
  facts->clock_synchronised = answer != TIME_ERROR && (state.status & STA_UNSYNC) == 0;
}

}  // namespace

HostFacts look_at_host(const HostQuestions& questions) {
  HostFacts facts;
  for (const char* name : {"fanfold-master", "fanfold-worker"}) {
    facts.programs.push_back(look_at_program(questions, name));
  }
  facts.bundled_jobs =
      std::filesystem::is_directory(questions.program_directory + "/../lib/fanfold/jobs");
  facts.scratch = look_at_scratch(questions.scratch);
  facts.cluster_directory = questions.cluster_directory;
  facts.cgroup = look_at_cgroups("");
  facts.ports = look_at_ports(questions.ports);
  look_at_memory(&facts);
  facts.cores = usable_cores();
  facts.cores_online = static_cast<std::uint32_t>(std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN)));
  facts.open_files = limit_of(RLIMIT_NOFILE);
  facts.open_files_hard = limit_of(RLIMIT_NOFILE, true);
  facts.processes = limit_of(RLIMIT_NPROC);
  facts.address_space = limit_of(RLIMIT_AS);
  facts.file_bytes = limit_of(RLIMIT_FSIZE);
  look_at_clock(&facts);
  facts.locale_works = std::setlocale(LC_ALL, "") != nullptr;
  std::setlocale(LC_ALL, "C");
  return facts;
}

}  // namespace fanfold::cli
