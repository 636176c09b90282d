// Writes what happens to a job as lines of its event log (docs/operating/events.md has them all).
//
// Told by the service about facts, actions and messages as it deals with them; decides nothing and
// is asked nothing.  Lines wait in memory until there are many or they are old, so that a line
// costs its bytes; an attempt that ends while it waits takes one line, not two.  A flush follows
// the facts of its turn, so that the log tells of nothing that is not durable.  A log that reaches
// its limit says so and goes on without the lines of attempts. Without a sink every call returns at
// once.  Belongs to the service's thread.

#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "common/core/ids.hpp"
#include "common/core/limits.hpp"
#include "common/core/time.hpp"
#include "common/log/log.hpp"
#include "common/proto/messages.hpp"
#include "master/events/event_sink.hpp"

namespace fanfold::master {

class JsonLine;

struct EventLimits {
  std::uint64_t bytes_per_job = limits::kEventBytesPerJob;
  std::size_t bytes_buffered = limits::kEventBytesBuffered;
  Duration delay = limits::kEventDelay;  // A line that waits longer is written.
};

class EventRecorder {
 public:
  /// `unix_us_at_origin`: what the wall clock says, in microseconds, at the origin of the Instants.
  /// `sink` may be null, and must outlive this.
  EventRecorder(EventSink* sink, Log& log, std::int64_t unix_us_at_origin, EventLimits limits = {})
      : sink_(sink), log_(log), unix_us_at_origin_(unix_us_at_origin), limits_(limits) {}

  /// An accepted job: its log begins.
  struct Outline {
    JobId job;
    const proto::JobSpec* spec = nullptr;
    Instant submitted;
    std::uint32_t splits = 0;
    std::uint32_t partitions = 0;
    std::uint32_t gathers = 0;  // Gather tasks.
    bool sample = false;
    std::uint64_t input_bytes = 0;
    const std::vector<std::string>* notes = nullptr;
  };
  void accepted(Instant now, const Outline& outline);
  void ended(Instant now, const proto::JobStatus& status);
  void publication_started(Instant now, JobId job);
  void publication_ended(Instant now, JobId job, const Status& outcome);

  /// A job of an earlier master, whose log goes on: what it consists of, what is done of it.
  void restore(JobId job, bool sample, std::uint32_t splits, std::uint32_t partitions,
               std::uint32_t gathers = 0);
  void restore_done(const TaskId& task, bool done);
  void restore_coverage(JobId job, std::uint32_t covered);
  void restore_open(JobId job);
  void restore_fed(JobId job, std::uint32_t splits, bool closed);
  void restore_shares(JobId job, std::uint32_t shares);
  void forget(JobId job) { jobs_.erase(job); }
  void resumed(Instant now, JobId job);
  /// Jobs that ended under earlier masters, the newest first.  A master may have died before the
  /// log of its last ones said so.
  void complete(Instant now, const std::vector<proto::JobStatus>& ended);

  struct Assignment {
    AttemptId attempt;
    TaskId task;
    std::uint32_t number = 1;
    WorkerId worker;
    const proto::Hello* hello = nullptr;  // Of the worker.
    bool speculative = false;
    bool adopted = false;  // An earlier master assigned it.
  };
  /// The same attempt may be assigned again: that is told once, unless it is over by the next
  /// flush.  One that has ended in this turn was assigned again before that was known.
  void assigned(Instant now, const Assignment& assignment);
  /// A heartbeat lists it as running.
  void running(Instant now, AttemptId attempt);
  /// Ends of attempts.  Of one that is not under way (any more) only a commit is told; whether it
  /// was the last of its stage.
  bool committed(Instant now, const TaskId& task, AttemptId attempt,
                 const proto::AttemptReport& report);
  /// What maps emitted, and the keys that had most of it.
  void keys_measured(Instant now, JobId job, const proto::Emission& emission);
  void failed(Instant now, AttemptId attempt, const proto::FailureReport& failure);
  void cancelled(Instant now, AttemptId attempt) { end_without_result(now, attempt, "cancelled"); }
  void abandoned(Instant now, AttemptId attempt) { end_without_result(now, attempt, "abandoned"); }
  void output_invalidated(Instant now, const TaskId& task, AttemptId attempt);
  /// A map failed for good, and its job goes on without it; a job goes on with so many maps.
  void given_up(Instant now, const TaskId& task, AttemptId first_failure, proto::FailureKind kind);
  struct Dissent {
    TaskId task;
    AttemptId attempt;
    std::string_view worker;
    std::uint64_t digest = 0;
    std::optional<std::uint64_t> accepted;  // None: no result has a majority.
  };
  /// A replica gave something else than others of its task.
  void dissented(Instant now, const Dissent& dissent);
  void controlled(Instant now, JobId job, const proto::JobControl& control);
  /// An open job has so many further maps; closed, it gets no others.
  void fed(Instant now, JobId job, std::uint32_t splits, bool closed);
  /// Partitions are hot, as the notes say; further tasks may share their reduces.
  struct Weighed {
    std::span<const proto::HeavyPartition> heavy;  // Those that are hot first.
    std::span<const std::uint32_t> ends;           // Of shares, as in proto::Shares.
    std::span<const std::string> notes;
  };
  void weighed(Instant now, JobId job, const Weighed& weighed);
  void coverage_decided(Instant now, JobId job, proto::CompletionReason reason,
                        std::uint32_t covered);

  /// When end_turn() will have something to write, as far as is known now.
  std::optional<Instant> next_due() const;
  /// Of the service: writes what is due.
  void end_turn(Instant now);
  void flush();

  struct Part {
    std::string bytes;
    bool ended = false;  // Nothing will follow.
  };
  /// From `offset`; everything that was told so far is there.  kNotFound: no log is kept.
  Result<Part> read(JobId job, std::uint64_t offset, std::size_t bytes_max);

  struct CapsulePlace {
    std::string directory;  // Empty: nobody keeps any.
    std::string replaced;   // The one in it that has to go for it; mostly none.
  };
  /// Where the capsule called `name` of one more failed attempt goes.  Of very many the first and
  /// the newest are kept.  The log of the job begins with it, if it has not: call it when the job's
  /// acceptance is durable.
  CapsulePlace take_capsule_place(JobId job, const std::string& name);
  /// As read().  kNotFound: the attempt left none, or it is not kept any more.
  Result<Part> read_capsule(const TaskId& task, std::uint32_t attempt_number, std::uint64_t offset,
                            std::size_t bytes_max);

 private:
  struct StageCount {
    std::uint32_t tasks = 0;
    std::uint32_t done = 0;
    std::optional<Instant> started;
  };
  struct JobLog {
    std::string buffer;       // Whole lines.
    std::uint64_t bytes = 0;  // Of the log, the buffer included.
    std::uint64_t lines_dropped = 0;
    std::uint64_t emission_told = 0;  // Bytes that keys.measured said.
    std::size_t capsules = 0;
    std::deque<std::string> newest_capsules;  // Names, without the first ones.
    bool capped = false;
    bool begins = false;   // Nothing was written yet.
    bool failing = false;  // The last append failed.
    bool open = false;     // More maps may come.
    std::array<StageCount, kStages> stages;
    std::set<WorkerId> workers;  // Told of.
    Instant accepted;
    StageCount& stage(Stage which) { return stages[static_cast<std::size_t>(which) - 1]; }
  };
  struct Live {
    TaskId task;
    std::uint32_t number = 1;
    WorkerId worker;
    std::string worker_name;
    Instant known;                    // When it was assigned or adopted.
    std::optional<Instant> assigned;  // None: an earlier master assigned it.
    std::optional<Instant> started;
    bool speculative = false;
  };

  std::uint64_t time_us(Instant instant) const;
  JobLog* find(JobId job);
  /// Takes the attempt from those that are under way; empty when it is none of them.
  std::unordered_map<std::uint64_t, Live>::node_type take_live(AttemptId attempt);
  /// Whether there is room for a line of an attempt.
  bool admits(Instant now, JobLog& job);
  void note_buffered(Instant now, JobLog& job, std::size_t before);
  void begin_end_line(JsonLine& line, AttemptId attempt, const Live& live, std::string_view outcome,
                      std::optional<Instant> started) const;
  void end_without_result(Instant now, AttemptId attempt, std::string_view outcome);
  /// Whether that was the last of its stage.
  bool count_done(Instant now, JobLog& job, Stage stage);
  void end_stage(Instant now, JobLog& job, Stage stage);
  void tell_assignments();
  void tell_worker(Instant now, JobLog& job, const Assignment& assignment);
  void flush(JobId id, JobLog& job);

  EventSink* const sink_;
  Log& log_;
  const std::int64_t unix_us_at_origin_;
  const EventLimits limits_;
  std::map<JobId, JobLog> jobs_;  // Accepted, and not ended.
  // By attempt.  Looked up by key; never walked over, but for what a job leaves behind.
  std::unordered_map<std::uint64_t, Live> live_;
  std::unordered_set<std::uint64_t> over_;  // Ended in this turn.
  std::vector<AttemptId> untold_;           // Assigned since the last flush.
  std::size_t buffered_ = 0;
  std::optional<Instant> oldest_;  // When the first line since the last flush was told.
};

}  // namespace fanfold::master
