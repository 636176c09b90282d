// The only file that knows prometheus-cpp.

#include "master/web/metrics.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>
#include <map>
#include <span>
#include <sstream>
#include <utility>
#include <vector>

namespace fanfold::master::web {
namespace {

using Label = prometheus::ClientMetric::Label;
using Labels = std::vector<Label>;
using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

constexpr std::array kStages = {Stage::kSample, Stage::kMap, Stage::kReduce};

Label label(const char* name, const char* value) { return {name, value}; }
Label of_stage(Stage stage) { return label("stage", name_of(stage)); }

class Families {
 public:
  /// The metrics that follow belong to it.
  Families& begin(const char* name, const char* help, MetricType type) {
    families_.push_back(
        {.name = std::string("fanfold_") + name, .help = help, .type = type, .metric = {}});
    return *this;
  }
  Families& begin_process(const char* name, const char* help, MetricType type) {
    families_.push_back({.name = name, .help = help, .type = type, .metric = {}});
    return *this;
  }

  Families& add(double value, Labels labels = {}) {
    ClientMetric metric;
    metric.label = std::move(labels);
    metric.counter.value = value;
    metric.gauge.value = value;
    families_.back().metric.push_back(std::move(metric));
    return *this;
  }
  Families& add(std::uint64_t value, Labels labels = {}) {
    return add(static_cast<double>(value), std::move(labels));
  }
  Families& add(const Distribution& distribution, Labels labels = {}) {
    ClientMetric metric;
    metric.label = std::move(labels);
    metric.histogram.sample_count = distribution.count();
    metric.histogram.sample_sum = distribution.sum();
    std::uint64_t below = 0;
    const std::span<const double> bounds = distribution.bounds();
    for (std::size_t i = 0; i < bounds.size(); ++i) {
      below += distribution.counts()[i];
      metric.histogram.bucket.push_back({.cumulative_count = below, .upper_bound = bounds[i]});
    }
    families_.back().metric.push_back(std::move(metric));
    return *this;
  }

  std::string text() const {
    std::ostringstream out;
    prometheus::TextSerializer().Serialize(out, families_);
    return out.str();
  }

 private:
  std::vector<MetricFamily> families_;
};

double unix_seconds(std::int64_t microseconds) { return static_cast<double>(microseconds) / 1e6; }

void add_master(const Snapshot& snapshot, Families* families) {
  const Totals& totals = snapshot.totals;
  families->begin("build_info", "1; the label says which version this is.", MetricType::Gauge)
      .add(1.0, {label("version", FANFOLD_VERSION)});
  families
      ->begin("master_start_time_seconds", "When this master was started, as Unix time.",
              MetricType::Gauge)
      .add(unix_seconds(snapshot.started_unix_us));
  families
      ->begin("master_snapshot_time_seconds",
              "When the numbers about jobs and workers were taken, as Unix time.",
              MetricType::Gauge)
      .add(unix_seconds(snapshot.unix_us));
  families
      ->begin("master_epoch", "Number of this master among those on the same state directory.",
              MetricType::Gauge)
      .add(snapshot.epoch);
  families
      ->begin("master_turn_seconds", "Time that the master spent on one turn, without waiting.",
              MetricType::Histogram)
      .add(totals.turn_seconds);
  families
      ->begin("master_frames_total", "Messages that came from workers and clients.",
              MetricType::Counter)
      .add(totals.frames);
  families
      ->begin("master_frames_rejected_total", "Messages that were no messages of this version.",
              MetricType::Counter)
      .add(totals.frames_rejected);
  families
      ->begin("master_frames_damaged_total", "Messages dropped because their checksum was wrong.",
              MetricType::Counter)
      .add(totals.frames_damaged);
  families->begin("master_facts_total", "Decisions made durable.", MetricType::Counter)
      .add(totals.facts);
  families
      ->begin("master_remembered_entries", "Entries of all tables of the scheduler.",
              MetricType::Gauge)
      .add(snapshot.scheduler_entries);
}

void add_workers(const Snapshot& snapshot, Families* families) {
  std::map<proto::WorkerStanding, std::uint64_t> standing;
  std::uint64_t draining = 0;
  std::uint64_t slots = 0;
  std::uint64_t busy = 0;
  std::uint64_t silent_ms = 0;
  for (const proto::WorkerStatus& worker : snapshot.workers) {
    ++standing[worker.standing];
    draining += worker.draining ? 1 : 0;
    slots += worker.slots;
    busy += std::min(worker.busy, worker.slots);
    silent_ms = std::max(silent_ms, worker.silent_ms);
  }
  families->begin("workers", "Workers that are there, by how far they are trusted.",
                  MetricType::Gauge);
  for (const auto one : {proto::WorkerStanding::kGood, proto::WorkerStanding::kProbation,
                         proto::WorkerStanding::kExcluded}) {
    families->add(standing[one], {label("standing", proto::name_of(one))});
  }
  families
      ->begin("workers_draining", "Of them, those that finish what runs and then go.",
              MetricType::Gauge)
      .add(draining);
  families->begin("worker_slots", "Slots of all workers.", MetricType::Gauge).add(slots);
  families
      ->begin("worker_slots_busy", "Of them, those in which an attempt runs.", MetricType::Gauge)
      .add(busy);
  families
      ->begin("worker_silence_seconds", "Since when the most silent worker was not heard.",
              MetricType::Gauge)
      .add(static_cast<double>(silent_ms) / 1000);
  families->begin("workers_joined_total", "Workers that came.", MetricType::Counter)
      .add(snapshot.totals.workers_joined);
  families->begin("workers_gone_total", "Workers that went away.", MetricType::Counter)
      .add(snapshot.totals.workers_lost, {label("reason", "lost")})
      .add(snapshot.totals.workers_left, {label("reason", "left")});
}

void add_jobs(const Snapshot& snapshot, Families* families) {
  const Totals& totals = snapshot.totals;
  std::map<proto::JobState, std::uint64_t> states;
  for (const auto& job : snapshot.active) ++states[job->state];
  families->begin("jobs", "Jobs that have not ended.", MetricType::Gauge)
      .add(std::uint64_t{snapshot.jobs_planned_now}, {label("state", "planning")});
  for (const auto state : {proto::JobState::kRunning, proto::JobState::kPublishing}) {
    families->add(states[state], {label("state", proto::name_of(state))});
  }
  families->begin("jobs_accepted_total", "Jobs that were planned and begun.", MetricType::Counter)
      .add(totals.jobs_accepted);
  families
      ->begin("jobs_refused_total",
              "Jobs that could not be begun, and whose clients were told why.", MetricType::Counter)
      .add(totals.jobs_refused);
  families->begin("jobs_ended_total", "Jobs that ended, by how.", MetricType::Counter);
  for (const auto state : {proto::JobState::kSucceeded, proto::JobState::kPartial,
                           proto::JobState::kFailed, proto::JobState::kCancelled}) {
    const auto found = totals.jobs_ended.find(state);
    families->add(found == totals.jobs_ended.end() ? 0 : found->second,
                  {label("state", proto::name_of(state))});
  }
  families
      ->begin("job_duration_seconds", "From the acceptance of a job to its end.",
              MetricType::Histogram)
      .add(totals.job_seconds);
  families
      ->begin("job_gather_seconds",
              "From the last map of a job that succeeded to its end: reduces and publication.",
              MetricType::Histogram)
      .add(totals.gather_seconds);
  families->begin("output_bytes_total", "Published output of jobs that ended.", MetricType::Counter)
      .add(totals.output_bytes);
  families->begin("output_records_total", "Records of published output.", MetricType::Counter)
      .add(totals.output_records);
}

void add_tasks(const Snapshot& snapshot, Families* families) {
  struct Counts {
    std::uint64_t waiting = 0;
    std::uint64_t running = 0;
    std::uint64_t done = 0;
  };
  std::map<Stage, Counts> tasks;
  for (const auto& job : snapshot.active) {
    for (const proto::StageStatus& stage : job->stages) {
      Counts& counts = tasks[stage.stage];
      // A task with a backup has two running attempts.
      const std::uint32_t open = stage.tasks - std::min(stage.tasks, stage.done);
      counts.done += stage.done;
      counts.running += std::min(stage.running, open);
      counts.waiting += open - std::min(stage.running, open);
    }
  }
  families->begin("tasks", "Tasks of jobs that have not ended.", MetricType::Gauge);
  for (const Stage stage : kStages) {
    families->add(tasks[stage].waiting, {of_stage(stage), label("state", "waiting")})
        .add(tasks[stage].running, {of_stage(stage), label("state", "running")})
        .add(tasks[stage].done, {of_stage(stage), label("state", "done")});
  }
}

void add_attempts(const Totals& totals, Families* families) {
  families->begin("attempts_assigned_total",
                  "Attempts given to workers: the first of a task, one after another had ended, or "
                  "a second one of a slow task.",
                  MetricType::Counter);
  for (const Stage stage : kStages) {
    for (const auto kind : {AttemptKind::kFirst, AttemptKind::kAgain, AttemptKind::kSpeculative}) {
      families->add(totals.stage(stage).assigned[static_cast<std::size_t>(kind)],
                    {of_stage(stage), label("kind", name_of(kind))});
    }
  }
  families->begin("attempts_ended_total",
                  "Attempts that are over.  abandoned: a duplicate whose result was discarded.",
                  MetricType::Counter);
  for (const Stage stage : kStages) {
    for (const auto outcome :
         {AttemptOutcome::kCommitted, AttemptOutcome::kFailed, AttemptOutcome::kLost,
          AttemptOutcome::kCancelled, AttemptOutcome::kAbandoned}) {
      families->add(totals.stage(stage).ended[static_cast<std::size_t>(outcome)],
                    {of_stage(stage), label("outcome", name_of(outcome))});
    }
  }
  using proto::FailureKind;
  families->begin("attempt_failures_total", "Attempts that failed or were lost, by cause.",
                  MetricType::Counter);
  for (const auto kind :
       {FailureKind::kException, FailureKind::kSignal, FailureKind::kExit, FailureKind::kTimeout,
        FailureKind::kStalled, FailureKind::kOutOfMemory, FailureKind::kInput, FailureKind::kPlugin,
        FailureKind::kNonDeterministic, FailureKind::kWorkerLost, FailureKind::kFetch,
        FailureKind::kNoSpace, FailureKind::kIo, FailureKind::kSpawn, FailureKind::kDrained}) {
    const auto found = totals.failures.find(kind);
    families->add(found == totals.failures.end() ? 0 : found->second,
                  {label("cause", proto::name_of(kind)),
                   label("charged_to", proto::charged_to_task(kind) ? "task" : "infrastructure")});
  }
  families
      ->begin("map_outputs_lost_total",
              "Committed map outputs that could not be read any more while they were needed.",
              MetricType::Counter)
      .add(totals.outputs_invalidated);
}

void add_stages(const Totals& totals, Families* families) {
  const auto histograms = [&](const char* name, const char* help, auto member) {
    families->begin(name, help, MetricType::Histogram);
    for (const Stage stage : kStages) families->add(totals.stage(stage).*member, {of_stage(stage)});
  };
  histograms("attempt_duration_seconds", "How long attempts ran that were committed.",
             &StageTotals::ran);
  histograms("attempt_wait_seconds",
             "From the assignment of an attempt that was committed to when it ran.",
             &StageTotals::waited);
  histograms("job_stage_tasks", "Tasks of the stages of accepted jobs: how far they fan out.",
             &StageTotals::tasks);
  histograms("job_straggler_ratio",
             "The longest run time of a stage, divided by the median, of each job that ended.",
             &StageTotals::straggling);

  const auto flows = [&](const char* name, const char* help, auto in, auto out) {
    families->begin(name, help, MetricType::Counter);
    for (const Stage stage : kStages) {
      families->add(totals.stage(stage).*in, {of_stage(stage), label("direction", "in")})
          .add(totals.stage(stage).*out, {of_stage(stage), label("direction", "out")});
    }
  };
  flows("stage_records_total", "Records that committed attempts read and wrote.",
        &StageTotals::records_in, &StageTotals::records_out);
  flows("stage_bytes_total", "Bytes that committed attempts read and wrote.",
        &StageTotals::bytes_in, &StageTotals::bytes_out);
  families->begin("stage_spills_total",
                  "Sorted runs that committed attempts wrote for want of memory.",
                  MetricType::Counter);
  for (const Stage stage : kStages) families->add(totals.stage(stage).spills, {of_stage(stage)});
  families
      ->begin("bad_records_total", "Records that committed maps did without.", MetricType::Counter)
      .add(totals.stage(Stage::kMap).records_skipped, {label("what", "skipped")})
      .add(totals.stage(Stage::kMap).dead_letters, {label("what", "dead-lettered")});
}

void add_process(const Snapshot& snapshot, const ProcessFacts& process, Families* families) {
  families
      ->begin_process("process_cpu_seconds_total", "User and system time of the master.",
                      MetricType::Counter)
      .add(process.cpu_seconds);
  families
      ->begin_process("process_resident_memory_bytes", "Memory of the master.", MetricType::Gauge)
      .add(process.resident_bytes);
  families
      ->begin_process("process_virtual_memory_bytes", "Address space of the master.",
                      MetricType::Gauge)
      .add(process.virtual_bytes);
  families->begin_process("process_open_fds", "Open file descriptors.", MetricType::Gauge)
      .add(process.open_files);
  families->begin_process("process_max_fds", "Most file descriptors.", MetricType::Gauge)
      .add(process.open_files_max);
  families
      ->begin_process("process_start_time_seconds", "When the process was started, as Unix time.",
                      MetricType::Gauge)
      .add(unix_seconds(snapshot.started_unix_us));
}

}  // namespace

std::string metrics_text(const Snapshot& snapshot, const ProcessFacts& process) {
  Families families;
  add_master(snapshot, &families);
  add_workers(snapshot, &families);
  add_jobs(snapshot, &families);
  add_tasks(snapshot, &families);
  add_attempts(snapshot.totals, &families);
  add_stages(snapshot.totals, &families);
  add_process(snapshot, process, &families);
  return families.text();
}

}  // namespace fanfold::master::web
