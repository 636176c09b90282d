#include "master/web/metrics.hpp"

#include <algorithm>
#include <map>
#include <span>
#include <sstream>
#include <utility>
#include <vector>

namespace fanfold::master::web {
namespace {

using Families = MetricText;
using Labels = MetricLabels;

MetricLabel label(const char* name, const char* value) { return {name, value}; }
MetricLabel of_stage(Stage stage) { return label("stage", name_of(stage)); }

MetricHistogram histogram_of(const Distribution& distribution) {
  return {.bounds = distribution.bounds(),
          .counts = distribution.counts(),
          .count = distribution.count(),
          .sum = distribution.sum()};
}

double unix_seconds(std::int64_t microseconds) { return static_cast<double>(microseconds) / 1e6; }

void add_wire(const Totals& totals, Families* families) {
  families
      ->begin("master_frames_dropped_total",
              "Messages to workers and clients that were dropped; what matters is said again.",
              MetricKind::kCounter)
      .add(totals.frames_to_nobody, {label("reason", "gone")})
      .add(totals.frames_over_queues, {label("reason", "full")})
      .add(totals.frames_withheld, {label("reason", "older")});
  families->begin("master_resends_total", "Messages to workers that were said again.",
                  MetricKind::kCounter);
  for (const auto what :
       {Resend::kAssignment, Resend::kCancellation, Resend::kOutputs, Resend::kKeys}) {
    families->add(totals.resent[static_cast<std::size_t>(what)], {label("what", name_of(what))});
  }
  families->begin("master_refusals_total", "Connections, messages and workers that were refused.",
                  MetricKind::kCounter);
  for (const auto what : {Refusal::kStranger, Refusal::kRevoked, Refusal::kRole, Refusal::kVersion,
                          Refusal::kWorker}) {
    families->add(totals.refused[static_cast<std::size_t>(what)], {label("what", name_of(what))});
  }
}

void add_master(const Snapshot& snapshot, Families* families) {
  const Totals& totals = snapshot.totals;
  families->begin("build_info", "1; the label says which version this is.", MetricKind::kGauge)
      .add(1.0, {label("version", FANFOLD_VERSION)});
  families
      ->begin("master_start_time_seconds", "When this master was started, as Unix time.",
              MetricKind::kGauge)
      .add(unix_seconds(snapshot.started_unix_us));
  families
      ->begin("master_snapshot_time_seconds",
              "When the numbers about jobs and workers were taken, as Unix time.",
              MetricKind::kGauge)
      .add(unix_seconds(snapshot.unix_us));
  families
      ->begin("master_epoch", "Number of this master among those on the same state directory.",
              MetricKind::kGauge)
      .add(snapshot.epoch);
  families
      ->begin("master_turn_seconds", "Time that the master spent on one turn, without waiting.",
              MetricKind::kHistogram)
      .add(histogram_of(totals.turn_seconds));
  families
      ->begin("master_frames_total", "Messages that came from workers and clients.",
              MetricKind::kCounter)
      .add(totals.frames);
  families->begin("master_frames_rejected_total", "Messages that were none.", MetricKind::kCounter)
      .add(totals.frames_rejected);
  families
      ->begin("master_frames_damaged_total", "Messages dropped because their checksum was wrong.",
              MetricKind::kCounter)
      .add(totals.frames_damaged);
  families->begin("master_facts_total", "Decisions made durable.", MetricKind::kCounter)
      .add(totals.facts);
  families
      ->begin("master_remembered_entries", "Entries of all tables of the scheduler.",
              MetricKind::kGauge)
      .add(snapshot.scheduler_entries);
}

/// Of all workers the one that has least: no label names a worker.
void add_room(const Snapshot& snapshot, Families* families) {
  // Nobody is short of what nobody tells of.
  double memory = 1;
  double scratch = 1;
  const auto note = [](std::uint64_t free, std::uint64_t all, double* least) {
    if (all == 0) return;
    *least = std::min(*least, static_cast<double>(free) / static_cast<double>(all));
  };
  for (const proto::WorkerStatus& worker : snapshot.workers) {
    note(worker.room.memory_bytes_free, worker.room.memory_bytes, &memory);
    note(worker.room.scratch_bytes_free, worker.room.scratch_bytes, &scratch);
  }
  families
      ->begin("worker_memory_free_ratio",
              "Part of its host's memory that is available to the worker that has least.",
              MetricKind::kGauge)
      .add(memory);
  families
      ->begin("worker_scratch_free_ratio",
              "Part of its scratch disk that is free for the worker that has least.",
              MetricKind::kGauge)
      .add(scratch);
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
                  MetricKind::kGauge);
  for (const auto one : {proto::WorkerStanding::kGood, proto::WorkerStanding::kProbation,
                         proto::WorkerStanding::kExcluded}) {
    families->add(standing[one], {label("standing", proto::name_of(one))});
  }
  families
      ->begin("workers_draining", "Of them, those that finish what runs and then go.",
              MetricKind::kGauge)
      .add(draining);
  families->begin("worker_slots", "Slots of all workers.", MetricKind::kGauge).add(slots);
  families
      ->begin("worker_slots_busy", "Of them, those in which an attempt runs.", MetricKind::kGauge)
      .add(busy);
  families
      ->begin("worker_silence_seconds", "Since when the most silent worker was not heard.",
              MetricKind::kGauge)
      .add(static_cast<double>(silent_ms) / 1000);
  add_room(snapshot, families);
  families->begin("workers_joined_total", "Workers that came.", MetricKind::kCounter)
      .add(snapshot.totals.workers_joined);
  families->begin("workers_gone_total", "Workers that went away.", MetricKind::kCounter)
      .add(snapshot.totals.workers_lost, {label("reason", "lost")})
      .add(snapshot.totals.workers_left, {label("reason", "left")});
}

void add_jobs(const Snapshot& snapshot, Families* families) {
  const Totals& totals = snapshot.totals;
  std::map<proto::JobState, std::uint64_t> states;
  for (const auto& job : snapshot.active) ++states[job->state];
  families->begin("jobs", "Jobs that have not ended.", MetricKind::kGauge)
      .add(std::uint64_t{snapshot.jobs_planned_now}, {label("state", "planning")});
  for (const auto state : {proto::JobState::kRunning, proto::JobState::kPublishing}) {
    families->add(states[state], {label("state", proto::name_of(state))});
  }
  families->begin("jobs_accepted_total", "Jobs that were planned and begun.", MetricKind::kCounter)
      .add(totals.jobs_accepted);
  families
      ->begin("jobs_refused_total",
              "Jobs that could not be begun, and whose clients were told why.",
              MetricKind::kCounter)
      .add(totals.jobs_refused);
  families->begin("jobs_ended_total", "Jobs that ended, by how.", MetricKind::kCounter);
  for (const auto state : {proto::JobState::kSucceeded, proto::JobState::kPartial,
                           proto::JobState::kFailed, proto::JobState::kCancelled}) {
    const auto found = totals.jobs_ended.find(state);
    families->add(found == totals.jobs_ended.end() ? 0 : found->second,
                  {label("state", proto::name_of(state))});
  }
  families
      ->begin("job_duration_seconds", "From the acceptance of a job to its end.",
              MetricKind::kHistogram)
      .add(histogram_of(totals.job_seconds));
  families
      ->begin("job_gather_seconds",
              "From the last map of a job that succeeded to its end: reduces and publication.",
              MetricKind::kHistogram)
      .add(histogram_of(totals.gather_seconds));
  families
      ->begin("output_bytes_total", "Published output of jobs that ended.", MetricKind::kCounter)
      .add(totals.output_bytes);
  families->begin("output_records_total", "Records of published output.", MetricKind::kCounter)
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
  families->begin("tasks", "Tasks of jobs that have not ended.", MetricKind::kGauge);
  for (const Stage stage : kAllStages) {
    families->add(tasks[stage].waiting, {of_stage(stage), label("state", "waiting")})
        .add(tasks[stage].running, {of_stage(stage), label("state", "running")})
        .add(tasks[stage].done, {of_stage(stage), label("state", "done")});
  }
}

void add_attempts(const Totals& totals, Families* families) {
  families->begin("attempts_assigned_total",
                  "Attempts given to workers: the first of a task, one after another had ended, or "
                  "a second one of a slow task.",
                  MetricKind::kCounter);
  for (const Stage stage : kAllStages) {
    for (const auto kind : {AttemptKind::kFirst, AttemptKind::kAgain, AttemptKind::kSpeculative}) {
      families->add(totals.stage(stage).assigned[static_cast<std::size_t>(kind)],
                    {of_stage(stage), label("kind", name_of(kind))});
    }
  }
  families->begin("attempts_ended_total",
                  "Attempts that are over.  abandoned: a duplicate whose result was discarded.",
                  MetricKind::kCounter);
  for (const Stage stage : kAllStages) {
    for (const auto outcome :
         {AttemptOutcome::kCommitted, AttemptOutcome::kFailed, AttemptOutcome::kLost,
          AttemptOutcome::kCancelled, AttemptOutcome::kAbandoned}) {
      families->add(totals.stage(stage).ended[static_cast<std::size_t>(outcome)],
                    {of_stage(stage), label("outcome", name_of(outcome))});
    }
  }
  using proto::FailureKind;
  families->begin("attempt_failures_total", "Attempts that failed or were lost, by cause.",
                  MetricKind::kCounter);
  for (const auto kind :
       {FailureKind::kException, FailureKind::kSignal, FailureKind::kExit, FailureKind::kTimeout,
        FailureKind::kStalled, FailureKind::kOutOfMemory, FailureKind::kInput, FailureKind::kPlugin,
        FailureKind::kNonDeterministic, FailureKind::kGivenBack, FailureKind::kWorkerLost,
        FailureKind::kFetch, FailureKind::kNoSpace, FailureKind::kIo, FailureKind::kSpawn,
        FailureKind::kDrained}) {
    const auto found = totals.failures.find(kind);
    families->add(found == totals.failures.end() ? 0 : found->second,
                  {label("cause", proto::name_of(kind)),
                   label("charged_to", proto::charged_to_task(kind) ? "task" : "infrastructure")});
  }
  families
      ->begin("map_outputs_lost_total",
              "Committed map outputs that could not be read any more while they were needed.",
              MetricKind::kCounter)
      .add(totals.outputs_invalidated);
  families
      ->begin("results_dissenting_total",
              "Results of replicas that differed from those of the majority.", MetricKind::kCounter)
      .add(totals.results_dissenting);
  families
      ->begin("preferring_maps_total", "Maps of jobs that ended that preferred certain hosts.",
              MetricKind::kCounter)
      .add(totals.maps_there, {label("ran", "there")})
      .add(totals.maps_elsewhere, {label("ran", "elsewhere")});
}

void add_stages(const Totals& totals, Families* families) {
  const auto histograms = [&](const char* name, const char* help, auto member) {
    families->begin(name, help, MetricKind::kHistogram);
    for (const Stage stage : kAllStages)
      families->add(histogram_of(totals.stage(stage).*member), {of_stage(stage)});
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
    families->begin(name, help, MetricKind::kCounter);
    for (const Stage stage : kAllStages) {
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
                  MetricKind::kCounter);
  for (const Stage stage : kAllStages) families->add(totals.stage(stage).spills, {of_stage(stage)});
  families
      ->begin("bad_records_total", "Records that committed maps did without.", MetricKind::kCounter)
      .add(totals.stage(Stage::kMap).records_skipped, {label("what", "skipped")})
      .add(totals.stage(Stage::kMap).dead_letters, {label("what", "dead-lettered")});
}

}  // namespace

std::string metrics_text(const Snapshot& snapshot, const ProcessFacts& process) {
  Families families;
  add_master(snapshot, &families);
  add_wire(snapshot.totals, &families);
  add_workers(snapshot, &families);
  add_jobs(snapshot, &families);
  add_tasks(snapshot, &families);
  add_attempts(snapshot.totals, &families);
  add_stages(snapshot.totals, &families);
  families.add_process(process, unix_seconds(snapshot.started_unix_us));
  return families.text();
}

}  // namespace fanfold::master::web
