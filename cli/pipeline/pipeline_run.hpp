// Runs the stages of a pipeline as their needs allow: side by side where they do not need each
// other.  What an earlier run has finished is used again.  Knows no cluster: jobs are handed over
// and their ends waited for through functions.

#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cli/pipeline/stage_job.hpp"
#include "cli/pipeline/work_directory.hpp"
#include "common/core/status.hpp"
#include "common/proto/types.hpp"

namespace fanfold::cli {

struct JobDesk {
  std::function<Result<JobId>(const proto::JobSpec& spec)> submit;
  /// The final status of one of these; the others go on.
  std::function<Result<proto::JobStatus>(const std::set<JobId>& jobs)> wait_for_one;
  std::function<bool()> interrupted;
  HostLister list_on_hosts;
  std::function<std::string()> make_client_id;
  /// Whether jobs outlive who submitted them: then a job of a run that was killed is found again.
  bool jobs_outlive = false;
};

enum class StageNews : std::uint8_t { kStarted = 0, kReused = 1, kFinished = 2, kFailed = 3 };

struct StageEvent {
  StageNews news = StageNews::kStarted;
  const PipelineStage* stage = nullptr;
  std::uint32_t round = 1;
  const StageResult* result = nullptr;       // kReused, kFinished.
  const proto::JobStatus* status = nullptr;  // kFinished, and kFailed where there was a job.
};

struct PipelineOptions {
  bool keep = false;
  std::function<void(const StageEvent&)> on_event;
};

struct PipelineOutcome {
  Status error;                                // OK: every stage has its result.
  std::string failed_stage;                    // Of `error` or `failed`.
  std::optional<proto::JobStatus> failed;      // The first job that did not succeed.
  std::vector<std::string> partial;            // Names of stages.
  std::map<std::string, StageResult> results;  // Of the stages that have one.
  bool complete() const { return error.ok() && !failed; }
};

class PipelineRun {
 public:
  /// All arguments outlive it.  `stages` are checked: needs without circles, names all different.
  PipelineRun(std::vector<StageTemplate> stages, WorkDirectory& work, JobDesk desk,
              PipelineOptions options);

  /// Once.  The work directory is not finished: that is the caller's.
  PipelineOutcome run();

  /// Files and directories of the work directory that this run has used.
  const std::set<std::string>& used() const { return used_; }

 private:
  enum class Phase : std::uint8_t { kWaiting = 0, kRunning = 1, kDone = 2 };
  struct Stage {
    StageTemplate made;
    std::set<std::string> needs;
    Phase phase = Phase::kWaiting;
    std::uint32_t round = 0;            // Rounds that have a result.
    std::optional<StageResult> result;  // Of the last of them.
    StageRecord record;                 // Of the job that runs.
    bool taken_up = false;              // That job may be one of an earlier run.
    const PipelineStage& stage() const { return *made.stage; }
  };

  bool start_what_can();
  bool ready(const Stage& stage) const;
  /// Goes on from the last round that has a result; done, running, or an error.
  Status advance(Stage& stage);
  Status skip_finished_rounds(Stage& stage);
  Result<StageJob> job_of(const Stage& stage, std::uint32_t round, const StageResult* previous);
  bool is_last(const Stage& stage, std::uint32_t round, const StageResult& result) const;
  Status submit(Stage& stage, proto::JobSpec spec, const std::string& key);
  void ended(JobId job, const proto::JobStatus& status);
  Status succeeded(Stage& stage, const proto::JobStatus& status);
  void failed(Stage& stage, Status error, const proto::JobStatus* status);
  void note_used(const Stage& stage, std::uint32_t round, const StageRecord& record);
  void tell(StageNews news, const Stage& stage, const StageResult* result,
            const proto::JobStatus* status);

  std::vector<Stage> stages_;
  WorkDirectory& work_;
  const JobDesk desk_;
  const PipelineOptions options_;
  InputDigests digests_;
  std::map<JobId, Stage*> running_;
  std::set<std::string> used_;
  PipelineOutcome outcome_;
};

}  // namespace fanfold::cli
