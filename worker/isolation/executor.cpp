#include "worker/isolation/executor.hpp"

#include <fcntl.h>
#include <malloc.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <optional>

#include "common/core/limits.hpp"
#include "common/io/file_system.hpp"
#include "common/s3/settings.hpp"
#include "common/storage/storage.hpp"
#include "worker/exec/side_files.hpp"
#include "worker/isolation/attempt_profile.hpp"
#include "worker/isolation/crash_capture.hpp"
#include "worker/isolation/executor_frames.hpp"
#include "worker/isolation/shared_page.hpp"
#include "worker/isolation/throw_observer.hpp"
#include "worker/plugin/plugin.hpp"
#include "worker/plugin/sealed_copy.hpp"

namespace fanfold::worker {
namespace {

/// The log travels to the master in the same frame as the report.
constexpr std::size_t kSentFrameBytes = limits::kControlFrameBytes / 2;

/// The plugin this executor has loaded; the worker never sends tasks of another one.
struct LoadedPlugin {
  std::optional<SealedCopy> copy;  // Debuggers read it.
  const abi::Plugin* plugin = nullptr;
};

/// A host that cannot read the plugin's file is no reason to give up on the plugin.
RunOutcome plugin_failure(const Status& why) {
  RunOutcome outcome;
  const bool of_the_host =
      why.code() == StatusCode::kIoError || why.code() == StatusCode::kUnavailable;
  outcome.failure.kind = why.code() == StatusCode::kNoSpace ? proto::FailureKind::kNoSpace
                         : of_the_host                      ? proto::FailureKind::kIo
                                                            : proto::FailureKind::kPlugin;
  outcome.failure.message = why.message();
  return outcome;
}

/// The worker brings what is not on this host.
BringFile ask_worker(FrameReader& frames) {
  return [&frames](const proto::FileReference& reference, bool damaged) -> Result<std::string> {
    const FileWanted wanted{
        .attempt = {}, .sha256 = reference.sha256, .name = {}, .damaged = damaged};
    FANFOLD_RETURN_IF_ERROR(write_frame(kExecutorControl, encode_wanted(wanted)));
    FANFOLD_ASSIGN_OR_RETURN(const std::string frame, frames.next());
    return decode_brought(frame);
  };
}

struct FoundPlugin {
  SealedCopy copy;
  bool brought = false;  // It lies alone, wherever that is.
};

Result<FoundPlugin> find_plugin(const proto::FileReference& reference, const BringFile& bring) {
  const auto look = [&reference](const std::string& path) -> Result<FoundPlugin> {
    FANFOLD_ASSIGN_OR_RETURN(SealedCopy copy, SealedCopy::of(path));
    if (copy.sha256() == reference.sha256) {
      return FoundPlugin{std::move(copy), path != reference.path};
    }
    return Status(
        StatusCode::kInvalidArgument,
        "plugin '" + reference.path + "' is not the file that was submitted (it changed since)");
  };
  return look_or_bring(reference, bring, look);
}

Result<const abi::Plugin*> load(const ExecutorTask& task, const BringFile& bring, SharedPage* page,
                                LoadedPlugin* loaded) {
  const proto::FileReference& reference = task.assignment.spec.plugin;
  if (loaded->plugin != nullptr) {
    if (loaded->copy->sha256() == reference.sha256) return loaded->plugin;
    return Status(StatusCode::kInvalidArgument, "this executor holds another plugin");
  }
  FANFOLD_ASSIGN_OR_RETURN(FoundPlugin found, find_plugin(reference, bring));
  loaded->copy = std::move(found.copy);
  page->loading_plugin = 1;
  auto plugin = load_plugin(reference.path, {.copy = &*loaded->copy});
  // Libraries that it looks for beside itself are there when the file itself is loaded.
  const bool has_company = !found.brought && !task.plugin_is_listed;
  if (!plugin.ok() && has_company) plugin = load_plugin(reference.path);
  page->loading_plugin = 0;
  if (!plugin.ok() && found.brought) {
    return Status(plugin.status().code(),
                  plugin.status().message() +
                      " (the plugin came from the master, without what lies beside it)");
  }
  FANFOLD_ASSIGN_OR_RETURN(loaded->plugin, plugin);
  return loaded->plugin;
}

/// The largest resident set of each attempt.
class PeakRss {
 public:
  /// The kernel's high-water mark starts anew, unless the last attempt hardly moved it: an empty
  /// task must not pay for that.
  void begin_attempt() {
    constexpr std::uint64_t kSmall = 1u << 20;
    if (latest_ < base_ + kSmall) return;
    const int file = ::open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
    if (file < 0) return;
    [[maybe_unused]] const ssize_t put = ::write(file, "5", 1);
    ::close(file);
    base_ = bytes();
  }

  std::uint64_t bytes() {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    latest_ = static_cast<std::uint64_t>(used.ru_maxrss) * 1024;
    return latest_;
  }

 private:
  std::uint64_t base_ = 0;
  std::uint64_t latest_ = 0;
};

/// What an executor keeps from task to task.
struct Kept {
  explicit Kept(const BringFile& bring_file) : bring(bring_file), side_files(bring_file) {}

  const BringFile bring;
  LoadedPlugin plugin;
  SideFiles side_files;
  io::KeptRuns runs{io::posix_file_system()};
  SampleWriter samples;
};

RunOutcome run(const ExecutorTask& task, SharedPage* page, Kept* kept) {
  const proto::JobSpec& spec = task.assignment.spec;
  const auto plugin = load(task, kept->bring, page, &kept->plugin);
  if (!plugin.ok()) return plugin_failure(plugin.status());
  const auto job = find_job(**plugin, spec.job_name, spec.plugin.path);
  if (!job.ok()) return plugin_failure(job.status());
  RunRequest request;
  request.assignment = &task.assignment;
  request.job = *job;
  request.scratch = task.scratch;
  request.segments = task.segments;
  request.progress = &page->progress;
  request.bytes_read = &page->bytes_read;
  request.side_files = &kept->side_files;
  request.kept_runs = &kept->runs;
  request.memory_bytes = task.memory_bytes;
  request.threads = task.threads;
  request.bad_records = &task.bad_records;
  const AttemptProfile profile(spec.profile, spec.plugin.path, task.assignment.task.stage,
                               kept->samples);
  const auto files = storage_on_host(task.host_inputs);
  return run_task(*files, request);
}

/// User code may have closed our descriptors and opened its own in their place.
bool control_is_ours() {
  int type = 0;
  socklen_t size = sizeof type;
  return ::getsockopt(kExecutorControl, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
         type == SOCK_STREAM;
}

/// Everything user code printed is in the pipe before the worker hears of the end.
void flush_output() {
  std::cout.flush();
  std::clog.flush();
  std::fflush(nullptr);
}

bool is_exception(proto::FailureKind kind) {
  return kind == proto::FailureKind::kException || kind == proto::FailureKind::kOutOfMemory;
}

std::string encode_within_limit(AttemptId attempt, const RunOutcome& outcome) {
  std::string frame = encode_outcome(attempt, outcome);
  if (frame.size() <= kSentFrameBytes) return frame;
  RunOutcome refused;
  refused.failure.kind = proto::FailureKind::kException;
  refused.failure.message = "the attempt's report is too large (" + std::to_string(frame.size()) +
                            " bytes): too many counters or named outputs";
  return encode_outcome(attempt, refused);
}

/// Descriptions of tasks come and go, blocks of runs with them: what they leave is for the next,
/// not for the system to clear again.  Little enough to be part of what an executor needs for
/// itself.
void keep_freed_memory() {
  ::mallopt(M_MMAP_THRESHOLD, 1 << 20);
  ::mallopt(M_TRIM_THRESHOLD, 4 << 20);
}

}  // namespace

void run_executor() {
  keep_freed_memory();
  // User code and what it starts shall not find them by chance.
  s3::hide_secret_variables();
  Result<SharedMapping> mapping = SharedMapping::attach(UniqueFd(kExecutorPage));
  if (!mapping.ok()) ::_exit(kExecutorRefused);
  SharedPage& page = mapping->page();
  page.began = 1;
  install_crash_capture(&page);
  FrameReader frames(kExecutorControl);
  Kept kept(ask_worker(frames));
  PeakRss peak_rss;
  SegmentList segments;  // Of the last task.
  for (;;) {
    const Result<std::string> frame = frames.next();
    // The end of the stream is how the worker lets an executor go.
    if (!frame.ok()) ::_exit(0);
    const Result<ExecutorTask> task = decode_task(*frame, segments);
    if (!task.ok()) ::_exit(kExecutorBadControl);
    segments = task->segments;
    peak_rss.begin_attempt();
    forget_latest_throw();
    RunOutcome outcome = run(*task, &page, &kept);
    outcome.report.peak_rss_bytes = peak_rss.bytes();
    outcome.failure.memory.peak_bytes = outcome.report.peak_rss_bytes;
    if (is_exception(outcome.failure.kind)) dump_latest_throw();
    flush_output();
    if (!control_is_ours()) ::_exit(kExecutorBadControl);
    const AttemptId attempt = task->assignment.attempt;
    if (!write_frame(kExecutorControl, encode_within_limit(attempt, outcome)).ok()) {
      ::_exit(kExecutorBadControl);
    }
  }
}

}  // namespace fanfold::worker
