// What the pool knows of one executor.  Private to the pool.

#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>

#include "worker/isolation/attempt_log.hpp"
#include "worker/isolation/executor_pool.hpp"
#include "worker/isolation/memory_watch.hpp"
#include "worker/isolation/shared_page.hpp"

namespace fanfold::worker {

/// The attempt an executor runs, and what its failure report needs to know of it.
struct RunningAttempt {
  explicit RunningAttempt(Instant begin) : memory(begin) {}

  AttemptId attempt;
  TaskId task;
  std::vector<std::string> piece_paths;     // Map and sample: which file the progress slot means.
  std::string key_order;                    // Reduce: how to read a key.
  std::vector<proto::FileReference> files;  // The plugin and the side files.
  std::string wanted;                       // The digest of the one that it waits for.
  std::string given;                        // The path of the last that it was given.
  std::uint64_t memory_bytes = 0;
  MemoryWatch memory;
  AttemptLog log;
  std::optional<proto::FailureKind> killed_as;
  std::optional<Instant> kill_deadline;  // The stack was asked for; then the end comes anyway.
};

struct ExecutorPool::Executor {
  Executor(std::uint64_t own_token, SharedMapping own_mapping)
      : token(own_token), mapping(std::move(own_mapping)) {}

  std::uint64_t token;
  pid_t process = 0;  // 0: the zygote has not said yet.
  SharedMapping mapping;
  UniqueFd control;
  UniqueFd log;
  FrameCollector collector{kOutcomeFrameBytes};
  std::string plugin_sha256;
  std::string plugin_path;
  std::uint64_t memory_bytes = 0;
  std::uint32_t tasks = 0;
  std::weak_ptr<const std::vector<LocalSegment>> segments;  // Of its last task.
  bool retired = false;                                     // Told to die; its end is awaited.
  // Its end of the control socket is closed: it is dying, or user code did that and it is deaf.
  std::optional<Instant> deaf_deadline;
  std::optional<RunningAttempt> running;

  /// Its memory is of interest.
  bool watched() const { return running && !retired; }

  /// When it is to be killed unless it has ended by itself.
  std::optional<Instant> deadline() const {
    if (retired) return std::nullopt;
    if (running && running->kill_deadline) return running->kill_deadline;
    return deaf_deadline;
  }
};

/// The failure of an attempt whose executor died without an outcome.
proto::FailureReport explain_end(const RunningAttempt& running, const CrashReport& crash,
                                 const SharedPage& page, const ZygoteEvent& event, bool deaf);

/// Adds the record or key that user code was on, as the page says.
void add_record(const RunningAttempt& running, const SharedPage& page,
                proto::FailureReport* failure);

/// Reads what the pipe holds, never blocking; false at its end.
bool drain_log(int descriptor, AttemptLog* log);

}  // namespace fanfold::worker
