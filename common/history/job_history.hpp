// What happened to a job, read back from its event log (docs/operating/events.md): the input of
// reports and traces.  Lines that are no JSON, and events and fields that this version does not
// know, are skipped; nothing in the log is believed to be sane.

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/ids.hpp"
#include "common/core/status.hpp"

namespace fanfold {

enum class Outcome : std::uint8_t {
  kCommitted = 0,
  kFailed = 1,
  kLost = 2,
  kCancelled = 3,
  kAbandoned = 4,
  kUnfinished = 5,  // Under way when the log ends.
};
const char* name_of(Outcome outcome);

/// Times are microseconds since the job was submitted.
struct AttemptHistory {
  Stage stage = Stage::kMap;
  std::uint32_t index = 0;
  std::uint32_t number = 0;  // 0: not known.
  std::uint64_t id = 0;      // As daemons call it; 0: not known.
  std::uint32_t worker = 0;  // Index into JobHistory::workers.
  std::uint32_t lane = 0;    // Of its worker: attempts of a lane do not overlap.
  Outcome outcome = Outcome::kUnfinished;
  bool speculative = false;
  bool charged = false;
  bool start_known = false;  // False: `started` is worked out from when slots were free.
  std::uint64_t assigned = 0;
  std::uint64_t started = 0;
  std::uint64_t ended = 0;
  std::uint64_t records_in = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t records_out = 0;
  std::uint64_t bytes_out = 0;
  std::uint64_t spills = 0;
  std::uint64_t peak_rss_bytes = 0;
  std::string cause;
  std::string message;
  std::string record_file;
  std::uint64_t record_offset = 0;
  std::string key;  // That was being reduced.

  std::uint64_t ran() const { return ended - started; }
};

struct WorkerHistory {
  std::string name;
  std::string host;
  std::uint32_t slots = 1;
  std::uint32_t lanes = 0;  // Mostly as many as slots; more where an end was told late.
};

struct StageHistory {
  Stage stage = Stage::kMap;
  std::uint32_t tasks = 0;
  std::optional<std::uint64_t> started;
  std::optional<std::uint64_t> ended;  // The last time that all its tasks were committed.
};

/// A key that much of what maps emitted belongs to.
struct HotKeyHistory {
  std::string key;
  std::uint32_t partition = 0;
  std::uint64_t bytes = 0;
};

/// A hot partition, and the tasks of the stage reduce that fold it before its own.
struct SharedPartition {
  std::uint32_t partition = 0;
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
};

/// What maps emitted, before any combining; worked out from samples.
struct EmissionHistory {
  std::uint64_t bytes = 0;                     // 0: not known.
  std::vector<std::uint64_t> partition_bytes;  // Empty: not known.
  std::vector<HotKeyHistory> keys;             // The largest first.
};

struct JobHistory {
  std::uint64_t job = 0;
  std::string name;
  std::string user;
  std::string plugin;
  std::string output;
  std::string profile;              // Directory of samples; empty: none were asked for.
  std::string traceparent;          // What the job is a part of; empty: of nothing.
  std::vector<std::string> inputs;  // The first of them.
  std::uint64_t inputs_count = 0;
  std::uint64_t submitted_unix_us = 0;
  std::uint64_t planned = 0;  // When planning was done.
  std::uint64_t input_bytes = 0;
  bool sample = false;  // These three as planned.
  std::uint32_t maps = 0;
  std::uint32_t reduces = 0;
  std::uint32_t gathers = 0;
  std::vector<std::string> notes;
  std::vector<StageHistory> stages;  // In the order in which they started.
  std::vector<WorkerHistory> workers;
  std::vector<AttemptHistory> attempts;  // By start.
  std::uint32_t outputs_invalidated = 0;
  /// Results that the majority of replicas did not give, by worker.
  std::map<std::string, std::uint32_t> dissents;
  std::uint32_t resumed = 0;  // Times another master went on with it.
  EmissionHistory emission;
  std::vector<SharedPartition> shared;
  std::uint64_t records_skipped = 0;  // These two by committed maps.
  std::uint64_t dead_letters = 0;
  std::optional<std::uint64_t> publication_started;
  std::optional<std::uint64_t> publication_ended;

  std::string state = "running";  // Or how it ended.
  std::string reason;
  std::string failed_task;
  std::uint64_t elapsed = 0;  // To its end, or to the last line.
  std::uint64_t output_bytes = 0;
  std::uint64_t output_records = 0;
  std::uint64_t output_files = 0;
  std::map<std::string, std::int64_t> counters;

  std::uint64_t lines_dropped = 0;  // By the master: the log had its full size.
  std::uint64_t lines_damaged = 0;
};

/// Reads an event log piece by piece, as it grows.
class HistoryReader {
 public:
  HistoryReader();
  ~HistoryReader();
  HistoryReader(HistoryReader&&) noexcept;
  HistoryReader& operator=(HistoryReader&&) noexcept;

  /// The next bytes, wherever they end.  kCorruption: this is no event log, or one of a version
  /// that this build does not read; what comes after is not looked at.
  Status take(std::string_view bytes);
  /// What was read so far, as if the log ended here.  kCorruption: nothing was.
  Result<JobHistory> history() const;
  /// The log has told how its job ended.
  bool over() const;
  /// history() without a copy, of which there would be two; afterwards the reader is as new.
  Result<JobHistory> release();

 private:
  class State;
  std::unique_ptr<State> state_;
};

/// kCorruption: `text` is no event log, or one of a version that this build does not read.
Result<JobHistory> read_job_history(std::string_view text);

}  // namespace fanfold
