// fanfold-worker: composes the worker from its parts.  Everything else is elsewhere.

#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>

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

int run(int argc, char** argv) {
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
  {
    // Executors end before the directory they write to is removed.
    Zygote executors = *std::move(zygote);
    const WorkerSurroundings surroundings{
        executors, *scratch, *signals, io::posix_file_system(), steady_clock(), *log};
    auto service = WorkerService::make(**options, surroundings);
    if (!service.ok()) return complain(service.status());
    end = (*service)->run();
  }
  // Being told to stop is no failure.
  return end.ok() || end.code() == StatusCode::kAborted ? 0 : complain(end);
}

}  // namespace
}  // namespace fanfold::worker

int main(int argc, char** argv) { return fanfold::worker::run(argc, argv); }
