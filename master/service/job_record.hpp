// One job, as far as the scheduler does not care: its description, what its splits contain, what
// its attempts reported.  Decides nothing; the scheduler's facts and actions say what happens.

#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/ids.hpp"
#include "common/proto/gather.hpp"
#include "common/proto/messages.hpp"
#include "common/proto/stored.hpp"
#include "common/proto/versions.hpp"
#include "master/events/event_recorder.hpp"
#include "master/planner/planner.hpp"
#include "master/publish/publish.hpp"
#include "master/scheduler/action.hpp"
#include "master/scheduler/event.hpp"
#include "master/scheduler/fact.hpp"
#include "master/service/chores.hpp"
#include "master/service/emission_sum.hpp"
#include "master/service/listing.hpp"
#include "master/service/quotas.hpp"
#include "master/service/worker_directory.hpp"

namespace fanfold::master {

enum class JobPhase : std::uint8_t {
  kPlanning,  // Nobody but its submitter knows of it.
  kActive,    // The scheduler has it.
  kEnded,     // Only its final status is left.
};

class JobRecord {
 public:
  JobRecord(JobId job, proto::JobSpec spec, std::string staging, Instant submitted);
  /// One that ended, perhaps under an earlier master.
  explicit JobRecord(proto::StoredEnd end);

  JobId job() const { return job_; }
  JobPhase phase() const { return phase_; }
  const proto::JobSpec& spec() const { return message_.assignment.spec; }
  const std::string& staging() const { return message_.assignment.staging; }

  /// One that an earlier master accepted.
  JobRecord(JobId job, proto::StoredJob stored);

  bool contains(const TaskId& task) const;

  Instant submitted() const { return submitted_; }
  /// How its results become one.
  proto::GatherTree tree() const { return proto::GatherTree(message_.assignment); }
  /// As planned; nothing before that.
  JobSize size() const;
  /// The plan becomes the job's; returns what the scheduler needs to know of it.
  JobSubmitted accept_plan(Plan plan, std::int64_t unix_us_at_origin);

  /// What passes from shares to their reduce was not read from maps, and is not written out: that
  /// counts nowhere.
  proto::AttemptReport as_counted(const TaskId& task, proto::AttemptReport report) const;
  /// A task's result exists.  A later commit of the same task (its map output was lost) replaces
  /// the earlier one, so that nothing is counted twice.
  void commit(const AttemptCommitted& fact, proto::AttemptReport report);
  /// What a map had committed is lost.
  void note_invalidated(const TaskId& task);
  void note_given_up(const TaskGivenUp& fact);
  /// Maps that are not committed now are not covered: nothing of them counts any more.
  void note_coverage(const CoverageDecided& fact);
  /// What people are told of its hot partitions.
  std::vector<std::string> note_weighed(const PartitionsWeighed& fact);
  const proto::Shares& shares() const { return shares_; }
  /// More splits of an open job.
  void note_fed(const InputFed& fact, proto::StoredFeed feed);
  /// How far one of those who feed the job is.
  struct Feeder {
    std::uint64_t taken = 0;       // Bytes.
    std::uint64_t bytes_last = 0;  // Of its last batch, as is
    std::uint64_t digest_last = 0;
  };
  /// Null when the job has nothing of it.
  const Feeder* find_feeder(const std::string& feeder) const;
  /// No more input comes.
  bool input_closed() const { return input_closed_; }
  std::size_t splits() const { return splits_.size(); }
  std::uint32_t partitions() const { return message_.assignment.partitions; }
  /// Of the places of its splits, as far as they were planned or fed.
  std::uint64_t names_bytes() const { return names_bytes_; }
  void note_failure(AttemptId attempt, proto::FailureReport failure);
  /// Null when it is not kept.
  const proto::FailureReport* find_failure(AttemptId attempt) const;
  void note_published(const Published& published) { published_ = published; }
  /// The manifest tells of the job as it was when its publication began, whoever completes it.
  void note_publishing(proto::JobStatus status) { publishing_ = std::move(status); }
  const std::optional<proto::JobStatus>& publishing() const { return publishing_; }

  /// What its event log begins with.  Borrows from this.
  EventRecorder::Outline outline(const JobSubmitted& submitted) const;

  /// What the store keeps of a job that runs, and of one that ended.
  std::string description() const;
  std::string end_note(const proto::JobStatus& final_status) const;

  /// The frame that tells a worker of this protocol everything it needs for an attempt.
  proto::Encoded assignment_frame(const AssignAttempt& action, std::uint32_t protocol);
  /// What is left of an attempt that failed.
  proto::Capsule capsule(AttemptId attempt, const TaskId& task, std::uint32_t attempt_number,
                         const proto::FailureReport& failure) const;
  /// Where its reduces read.
  Listing& listing() { return listing_; }

  PublishRequest publish_request(const PublishJob& action, std::uint64_t epoch) const;

  /// What became of every record, from the reports of the committed attempts.
  io::Ledger ledger() const;
  /// What of the input is in the output; nullopt: all of it, and nobody asked for less.
  std::optional<io::Coverage> coverage(const proto::CompletionStatus& status) const;

  /// What its maps have emitted so far.
  proto::Emission emission() const { return emission_.total(); }

  /// Adds to the scheduler's counts what it does not know: names, records, counters, notes.
  void complete(proto::JobStatus* status) const;

  /// `status` as complete() left it, with its end and the first cause.
  proto::JobStatus ended_status(const JobEnded& fact, proto::JobStatus status) const;
  /// What is to be removed when the job has ended so.  Before finish().
  Remains remains(proto::JobState state) const;
  /// Lets go of everything but the final status and the description.
  void finish(proto::JobStatus final_status);
  /// Phase kEnded only.
  const proto::JobStatus& final_status() const;

 private:
  struct Commit {
    AttemptId attempt;  // None: the task has not committed.
    bool lost = false;  // The output of a map, and it is not there again.
    proto::AttemptReport report;
  };
  struct Totals {
    std::uint64_t records_in = 0;
    std::uint64_t records_out = 0;
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
    std::uint64_t records_skipped = 0;
    std::uint64_t dead_letters = 0;
    proto::FetchedBytes fetched;
  };
  static std::size_t slot_of(Stage stage) { return static_cast<std::size_t>(stage) - 1; }

  enum class Direction : std::int8_t { kAdd = 1, kSubtract = -1 };
  void count(Stage stage, const proto::AttemptReport& report, Direction direction);
  void count_splits();
  void set_completion(std::int64_t unix_us_at_origin, JobSubmitted* submitted) const;
  /// What a gather task reads.
  std::vector<proto::GatherInput> gather_inputs(std::uint32_t task) const;
  std::uint32_t branch_of(std::uint32_t split) const;
  std::string describe(const proto::HeavyPartition& one, bool workers_older) const;
  std::string why_not_shared(bool workers_older) const;
  std::vector<proto::GatherInput> shared_inputs(std::uint32_t partition) const;
  /// How many pairs less its shared reduces have read than their shares.
  std::uint64_t pairs_folded() const;
  /// What its reduces are told of bad records.
  proto::BadRecordPolicy policy_of_reduces(std::uint32_t task) const;
  void count_bytes(proto::StageStatus* stage) const;
  std::vector<AttemptFiles> files_of(Stage stage, const std::vector<AttemptId>& attempts) const;

  JobId job_;
  Instant submitted_;
  JobPhase phase_ = JobPhase::kPlanning;
  // What every assignment of the job has in common is in place; the rest is filled in for one
  // frame at a time.  Copying the description for each task would cost more than scheduling it.
  proto::Assign message_;
  std::vector<proto::Split> splits_;
  proto::Split sample_;
  std::vector<std::string> notes_;
  Listing listing_;

  std::array<std::vector<Commit>, kStages> commits_;
  std::array<Totals, kStages> totals_;
  std::map<std::string, std::int64_t> counters_;
  EmissionSum emission_;
  proto::Shares shares_;
  bool counters_left_out_ = false;
  std::map<AttemptId, proto::FailureReport> failures_;
  std::map<std::uint32_t, AttemptId> given_up_;  // Maps, and the first attempt that failed.
  bool coverage_decided_ = false;
  std::size_t splits_planned_ = 0;  // The first of splits_; an open job was fed the others.
  std::uint64_t input_bytes_ = 0;   // Of splits_.
  std::uint64_t names_bytes_ = 0;
  std::map<std::string, Feeder> feeders_;
  bool input_closed_ = false;
  Published published_;
  std::optional<proto::JobStatus> publishing_;
  std::optional<proto::JobStatus> final_status_;
};

/// Whether every assignment of the plan fits into a control frame; if not, what to do about it.
Status check_assignment_sizes(const Plan& plan);

}  // namespace fanfold::master
