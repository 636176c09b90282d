#include "cli/pipeline/pipeline_run.hpp"

#include <algorithm>
#include <utility>

#include "cli/pipeline/pipeline_graph.hpp"
#include "common/io/file_system.hpp"

namespace fanfold::cli {
namespace {

/// More jobs at a time only wait for each other's slots.
constexpr std::size_t kSideBySideMax = 64;

bool has_output(const proto::JobStatus& status) {
  return status.state == proto::JobState::kSucceeded || status.state == proto::JobState::kPartial;
}

}  // namespace

PipelineRun::PipelineRun(std::vector<StageTemplate> stages, WorkDirectory& work, JobDesk desk,
                         PipelineOptions options)
    : work_(work),
      desk_(std::move(desk)),
      options_(std::move(options)),
      digests_(work.inputs_file()) {
  for (StageTemplate& made : stages) {
    Stage stage;
    stage.needs = needs_of(*made.stage);
    stage.made = std::move(made);
    stages_.push_back(std::move(stage));
  }
}

PipelineOutcome PipelineRun::run() {
  while (start_what_can() || !running_.empty()) {
    if (running_.empty()) continue;
    std::set<JobId> jobs;
    for (const auto& [job, stage] : running_) jobs.insert(job);
    const Result<proto::JobStatus> status = desk_.wait_for_one(jobs);
    if (!status.ok()) {
      // The cluster is gone, or nobody waits any more: nothing is known of what runs.
      if (outcome_.complete()) outcome_.error = status.status();
      break;
    }
    ended(status->job, *status);
  }
  for (const Stage& stage : stages_) {
    if (stage.phase != Phase::kDone) continue;
    outcome_.results[stage.stage().name] = *stage.result;
    if (stage.result->partial) outcome_.partial.push_back(stage.stage().name);
  }
  return outcome_;
}

/// Whether anything has changed; nothing begins any more after the first failure.
bool PipelineRun::start_what_can() {
  bool changed = false;
  for (Stage& stage : stages_) {
    if (!outcome_.complete() || running_.size() >= kSideBySideMax) break;
    if (!ready(stage)) continue;
    changed = true;
    Status status = stage.round == 0 ? skip_finished_rounds(stage) : Status();
    if (status.ok()) status = advance(stage);
    if (!status.ok()) failed(stage, std::move(status), nullptr);
  }
  return changed;
}

bool PipelineRun::ready(const Stage& stage) const {
  if (stage.phase != Phase::kWaiting) return false;
  return std::all_of(stages_.begin(), stages_.end(), [&stage](const Stage& other) {
    return other.phase == Phase::kDone || stage.needs.count(other.stage().name) == 0;
  });
}

Result<StageJob> PipelineRun::job_of(const Stage& stage, std::uint32_t round,
                                     const StageResult* previous) {
  StageResults results = {{"", previous}};
  for (const Stage& other : stages_) {
    if (other.phase == Phase::kDone) results[other.stage().name] = &*other.result;
  }
  Result<StageJob> job = make_stage_job(stage.made, round, results,
                                        {&digests_, desk_.interrupted, desk_.list_on_hosts});
  // What was read of large inputs need not be read again.
  if (job.ok()) FANFOLD_RETURN_IF_ERROR(digests_.save());
  return job;
}

bool PipelineRun::is_last(const Stage& stage, std::uint32_t round,
                          const StageResult& result) const {
  const std::optional<Repeat>& repeat = stage.stage().repeat;
  if (!repeat || round == repeat->times_max) return true;
  if (repeat->until_counter.empty()) return false;
  const auto counter = result.counters.find(repeat->until_counter);
  return (counter == result.counters.end() ? 0 : counter->second) <= repeat->until_at_most;
}

/// Finds the last round whose output is there.  Of the rounds before it the records are enough:
/// their outputs go when the next one has its own.
Status PipelineRun::skip_finished_rounds(Stage& stage) {
  std::optional<StageResult> previous;
  for (std::uint32_t round = 1;; ++round) {
    std::optional<StageRecord> record = work_.record(stage.stage().name, round);
    if (!record) return {};
    std::optional<StageResult> there = result_of(*record);
    if (there) record->result = there;
    // A round that has neither output nor record of it, or lacks some input, runs again.
    if (!record->result || record->result->partial) return {};
    // Inputs of a later round may be gone with the round before it: its record has their digests.
    const Result<StageJob> job = job_of(stage, round, previous ? &*previous : nullptr);
    if (!job.ok() && (round == 1 || job.status().code() == StatusCode::kAborted)) {
      return job.status();
    }
    if (!job.ok() || job->key != record->key) return {};
    previous = record->result;
    note_used(stage, round, *record);
    if (there) {
      stage.round = round;
      stage.result = there;
      FANFOLD_RETURN_IF_ERROR(work_.write(stage.stage().name, round, *record));
    }
    if (is_last(stage, round, *previous)) return {};
  }
}

Status PipelineRun::advance(Stage& stage) {
  if (stage.round > 0 && is_last(stage, stage.round, *stage.result)) {
    stage.phase = Phase::kDone;
    tell(StageNews::kReused, stage, &*stage.result, nullptr);
    return {};
  }
  const std::uint32_t round = stage.round + 1;
  FANFOLD_ASSIGN_OR_RETURN(StageJob job,
                           job_of(stage, round, stage.result ? &*stage.result : nullptr));
  return submit(stage, std::move(job.spec), job.key);
}

Status PipelineRun::submit(Stage& stage, proto::JobSpec spec, const std::string& key) {
  const std::string& name = stage.stage().name;
  const std::uint32_t round = stage.round + 1;
  const std::optional<StageRecord> before = work_.record(name, round);
  stage.taken_up = desk_.jobs_outlive && before && before->key == key && !before->result;
  stage.record = StageRecord();
  stage.record.key = key;
  stage.record.client_id = stage.taken_up ? before->client_id : desk_.make_client_id();
  const bool intermediate = stage.stage().output.empty();
  stage.record.output =
      intermediate ? work_.data_of(name, round, stage.record.client_id) : spec.output;
  // What an earlier run of this pipeline wrote there is its own to replace.
  if (!intermediate && before && result_of(*before)) spec.on_exists = proto::OnExists::kReplace;
  if (before && before->output != stage.record.output) {
    FANFOLD_RETURN_IF_ERROR(work_.remove_data(before->output));
  }
  FANFOLD_RETURN_IF_ERROR(work_.write(name, round, stage.record));
  note_used(stage, round, stage.record);
  spec.output = stage.record.output;
  spec.client_id = stage.record.client_id;
  const Result<JobId> job = desk_.submit(spec);
  if (!job.ok()) {
    // Who was refused needs another id; where nobody answered, the job may be there.
    const StatusCode code = job.status().code();
    const bool refused = code != StatusCode::kUnavailable && code != StatusCode::kAborted;
    if (refused) FANFOLD_RETURN_IF_ERROR(work_.forget(name, round));
    return job.status();
  }
  stage.phase = Phase::kRunning;
  running_[*job] = &stage;
  tell(StageNews::kStarted, stage, nullptr, nullptr);
  return {};
}

void PipelineRun::ended(JobId job, const proto::JobStatus& status) {
  const auto found = running_.find(job);
  if (found == running_.end()) return;
  Stage& stage = *found->second;
  running_.erase(found);
  stage.phase = Phase::kWaiting;
  if (has_output(status)) stage.record.result = result_of(stage.record);
  if (stage.record.result) {
    Status error = succeeded(stage, status);
    if (!error.ok()) failed(stage, std::move(error), nullptr);
    return;
  }
  // Its id stands for this end of it: whoever tries again needs another one.
  Status error = work_.forget(stage.stage().name, stage.round + 1);
  const bool tries_again = stage.taken_up && !desk_.interrupted() && outcome_.complete();
  if (error.ok() && tries_again) return;  // It is ready again.
  if (error.ok() && has_output(status)) {
    error = Status(StatusCode::kCorruption, "job " + std::to_string(status.job.value) +
                                                " is done, but " + stage.record.output +
                                                " does not hold what it wrote");
  }
  failed(stage, std::move(error), has_output(status) ? nullptr : &status);
}

Status PipelineRun::succeeded(Stage& stage, const proto::JobStatus& status) {
  const std::optional<StageResult> before = std::exchange(stage.result, stage.record.result);
  ++stage.round;
  FANFOLD_RETURN_IF_ERROR(work_.write(stage.stage().name, stage.round, stage.record));
  tell(StageNews::kFinished, stage, &*stage.result, &status);
  if (before && !options_.keep) FANFOLD_RETURN_IF_ERROR(work_.remove_data(before->directory));
  if (is_last(stage, stage.round, *stage.result)) stage.phase = Phase::kDone;
  return {};
}

void PipelineRun::failed(Stage& stage, Status error, const proto::JobStatus* status) {
  tell(StageNews::kFailed, stage, nullptr, status);
  if (!outcome_.complete()) return;
  outcome_.failed_stage = name_of_round(stage.stage(), stage.round + 1);
  outcome_.error = std::move(error);
  if (status != nullptr) outcome_.failed = *status;
}

void PipelineRun::note_used(const Stage& stage, std::uint32_t round, const StageRecord& record) {
  used_.insert(work_.path() + "/" + stage.stage().name + "/" + std::to_string(round) + ".json");
  used_.insert(record.output);
}

void PipelineRun::tell(StageNews news, const Stage& stage, const StageResult* result,
                       const proto::JobStatus* status) {
  if (!options_.on_event) return;
  StageEvent event;
  event.news = news;
  event.stage = &stage.stage();
  const bool over = news == StageNews::kReused || news == StageNews::kFinished;
  event.round = over ? stage.round : stage.round + 1;
  event.result = result;
  event.status = status;
  options_.on_event(event);
}

}  // namespace fanfold::cli
