#include "cli/replay/here.hpp"

#include <algorithm>
#include <thread>

#include "cli/replay/plugin_runtime.hpp"
#include "worker/plugin/plugin.hpp"

namespace fanfold::cli {

std::uint64_t memory_here(const proto::JobSpec& spec) {
  return spec.memory_bytes != 0 ? spec.memory_bytes : kMemoryHere;
}

worker::RunOutcome run_here(io::FileSystem& files, const HereAttempt& attempt) {
  const proto::JobSpec& spec = attempt.assignment->spec;
  worker::RunOutcome outcome;
  const auto plugin =
      worker::load_plugin(spec.plugin.path, {.sanitizer_may_differ = has_sanitizer()});
  const Result<const abi::JobInfo*> job =
      plugin.ok() ? worker::find_job(**plugin, spec.job_name, spec.plugin.path) : plugin.status();
  if (!job.ok()) {
    outcome.failure.kind = proto::FailureKind::kPlugin;
    outcome.failure.message = job.status().message();
    return outcome;
  }
  worker::RunRequest request;
  request.assignment = attempt.assignment;
  request.job = *job;
  request.scratch = attempt.scratch;
  request.segments = attempt.segments;
  request.progress = attempt.progress;
  request.memory_bytes = memory_here(spec);
  request.threads = std::max(1u, std::thread::hardware_concurrency());
  request.stop = attempt.stop;
  request.records_max = attempt.records_max;
  return worker::run_task(files, request);
}

}  // namespace fanfold::cli
