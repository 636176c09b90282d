// The worker's executors: gives each attempt one, reuses those that behave, and turns every way an
// attempt can end into one result.  Event-driven: the owner watches descriptors() and calls pump().
// Refuses to decide what runs or for how long: that is the agent's.  One thread.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/core/time.hpp"
#include "worker/isolation/attempt_log.hpp"
#include "worker/isolation/crash_report.hpp"
#include "worker/isolation/executor_frames.hpp"
#include "worker/isolation/zygote.hpp"

namespace fanfold::worker {

/// Bounds what user code can leak.  A new executor costs about two milliseconds with its plugin, so
/// that even empty tasks spend little on renewal.
inline constexpr std::uint32_t kTasksPerExecutor = 1024;

struct AttemptResult {
  AttemptId attempt;
  RunOutcome outcome;  // The failure is complete but for its stack and the worker's name.
  std::string log_text;
  std::uint64_t log_bytes = 0;  // That were written in all.
  CrashReport crash;            // For symbolise(); no counters: there is no stack.
  std::string plugin;           // Path, for symbolise().
};

struct AttemptPulse {
  AttemptId attempt;
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  std::uint64_t beat = 0;  // Any change of it is progress.
};

class ExecutorPool {
 public:
  /// `zygote` outlives the pool.  At most `executors_max` processes are kept.
  ExecutorPool(Zygote& zygote, std::uint32_t executors_max);
  ~ExecutorPool();

  /// One result with this attempt's id follows, whatever happens.
  void start(Instant now, ExecutorTask task);
  /// The result's failure has `kind`, unless the attempt was faster.  Time-outs and stalls bring
  /// the stack.  Ignored when the attempt is not running.
  void kill(Instant now, AttemptId attempt, proto::FailureKind kind);

  /// Reads whatever there is and acts on deadlines.  kAborted: the zygote is gone.
  Status pump(Instant now);
  std::vector<AttemptResult> take_results();
  bool has_results() const { return !results_.empty(); }

  /// Files that running attempts wait for, since the last call: each is to be answered.
  std::vector<FileWanted> take_wanted();
  /// The answer.  Ignored when the attempt does not wait for it any more.
  void bring(const FileBrought& brought);
  /// It waits, and there is nothing that it could do about it: no stall.
  void note_waiting(AttemptId attempt);

  /// Readable when pump() has work.
  std::vector<int> descriptors() const;
  /// True when descriptors() differs from the last time this was asked.
  bool descriptors_changed();
  std::optional<Instant> next_deadline() const;
  std::vector<AttemptPulse> pulses() const;
  /// What a running attempt has written so far, as AttemptLog::part(); nothing of one that is not.
  AttemptLog::Part output(AttemptId attempt, std::uint64_t offset, std::size_t bytes_max) const;
  std::size_t processes() const;

 private:
  struct Executor;

  Executor* idle_executor(const ExecutorTask& task);
  Executor* spawn(const ExecutorTask& task, Status* why);
  void make_room();
  void hand_over(Instant now, Executor& executor, const ExecutorTask& task);
  void read_control(Instant now, Executor& executor);
  /// False: it is none of the attempt's files.
  bool note_wanted(Executor& executor, FileWanted wanted);
  void forget_wanted(AttemptId attempt);
  void finish(Executor& executor, RunOutcome outcome);
  void retire(Executor& executor);
  Status read_zygote(Instant now);
  void note_event(Instant now, const ZygoteEvent& event);
  void note_end(Instant now, Executor& executor, const ZygoteEvent& event);
  void reject(const ExecutorTask& task, const std::string& why);

  Zygote& zygote_;
  const std::uint32_t executors_max_;
  std::uint64_t next_token_ = 1;
  std::vector<std::unique_ptr<Executor>> executors_;
  std::vector<AttemptResult> results_;
  std::vector<FileWanted> wanted_;
  bool descriptors_changed_ = true;
};

}  // namespace fanfold::worker
