// fanfold-worker: composes the worker from its parts.  Everything else is elsewhere.

#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "worker/service/identity.hpp"
#include "worker/service/worker_service.hpp"

namespace fanfold::worker {
namespace {

constexpr int kUsageError = 2;
constexpr int kFailed = 1;

int complain(const Status& status) {
  std::fprintf(stderr, "fanfold-worker: %s\n", status.message().c_str());
  return status.code() == StatusCode::kInvalidArgument ? kUsageError : kFailed;
}

/// Descriptors go to executors, their logs, map outputs and connections.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  // Refused: then fewer slots work at once, and each failure says so.
  static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));
}

/// As whoever started this process would start it again.  Nothing of it is left but its number,
/// its arguments and the descriptors that it was given.
int begin_anew(char** argv, const sigset_t& signals_before) {
  std::vector<char*> arguments;
  for (char** next = argv; *next != nullptr; ++next) {
    const std::string_view argument(*next);
    // It was told that this worker is ready, and is closed.
    if (argument.starts_with("--ready-fd=")) continue;
    if (argument != "--ready-fd") {
      arguments.push_back(*next);
    } else if (next[1] != nullptr) {
      ++next;
    }
  }
  arguments.push_back(nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  ::sigprocmask(SIG_SETMASK, &signals_before, nullptr);
  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  ::execv(program.c_str(), arguments.data());
  // Another build may have taken its place on the disk.
  ::execv("/proc/self/exe", arguments.data());
  return complain(Status(StatusCode::kUnavailable,
                         std::string("cannot start this worker again: ") + std::strerror(errno)));
}

/// Nullopt: another one should take its place.
std::optional<int> run(int argc, char** argv) {
  auto options = parse_options(argc, argv);
  if (!options.ok()) return complain(options.status());
  if (!*options) return 0;
  raise_descriptor_limit();
  // Before anything that starts a thread: the zygote must be a copy of a plain process.
  auto zygote = Zygote::start();
  if (!zygote.ok()) return complain(zygote.status());
  auto signals = StopSignals::watch();
  if (!signals.ok()) return complain(signals.status());
  auto log = Log::open((*options)->log_file, (*options)->log_level);
  if (!log.ok()) return complain(log.status());
  auto scratch = Scratch::make(io::posix_file_system(), {(*options)->scratch, new_uuid()});
  if (!scratch.ok()) return complain(scratch.status());
  Status end;
  bool again = false;
  {
    // Executors end before the directory they write to is removed.
    Zygote executors = *std::move(zygote);
    const WorkerSurroundings surroundings{
        executors, *scratch, *signals, io::posix_file_system(), steady_clock(), *log};
    auto service = WorkerService::make(**options, surroundings);
    if (!service.ok()) return complain(service.status());
    end = (*service)->run();
    again = (*service)->begins_anew();
  }
  if (again) return std::nullopt;
  // Being told to stop is no failure.
  return end.ok() || end.code() == StatusCode::kAborted ? 0 : complain(end);
}

}  // namespace
}  // namespace fanfold::worker

int main(int argc, char** argv) {
  sigset_t signals_before;
  ::sigprocmask(SIG_SETMASK, nullptr, &signals_before);
  const std::optional<int> code = fanfold::worker::run(argc, argv);
  return code ? *code : fanfold::worker::begin_anew(argv, signals_before);
}
