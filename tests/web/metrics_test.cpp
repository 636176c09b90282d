// The text that Prometheus reads.

#include "master/web/metrics.hpp"

#include <gmock/gmock.h>

#include <set>
#include <sstream>

namespace fanfold::master::web {
namespace {

using testing::HasSubstr;
using testing::Not;

std::shared_ptr<const proto::JobStatus> job(proto::JobState state, proto::StageStatus maps) {
  proto::JobStatus status;
  status.job_name = "secret \"name\"\n";
  status.submitted_by = "somebody";
  status.state = state;
  status.stages = {maps};
  return std::make_shared<const proto::JobStatus>(status);
}

Snapshot sample() {
  Snapshot snapshot;
  snapshot.unix_us = 2'500'000;
  snapshot.started_unix_us = 1'000'000;
  snapshot.epoch = 3;
  proto::WorkerStatus good;
  good.name = "host/1";
  good.slots = 4;
  good.busy = 3;
  good.silent_ms = 1500;
  good.room = {.memory_bytes = 1000,
               .memory_bytes_free = 500,
               .scratch_bytes = 400,
               .scratch_bytes_free = 300};
  proto::WorkerStatus bad = good;
  bad.busy = 0;
  bad.silent_ms = 10;
  bad.draining = true;
  bad.room = {.memory_bytes = 100, .memory_bytes_free = 75};  // It does not find its disk.
  bad.standing = proto::WorkerStanding::kExcluded;
  snapshot.workers = {good, bad};
  proto::StageStatus maps;
  maps.tasks = 10;
  maps.done = 6;
  maps.running = 3;
  proto::StageStatus late = maps;
  late.running = 9;  // Backups of the last tasks.
  snapshot.active = {job(proto::JobState::kRunning, maps), job(proto::JobState::kRunning, late)};
  snapshot.jobs_planned_now = 1;
  Totals& totals = snapshot.totals;
  totals.stage(Stage::kMap).ran.add(0.003);
  totals.stage(Stage::kMap).ran.add(1e6);
  totals.stage(Stage::kReduce).ended[static_cast<std::size_t>(AttemptOutcome::kAbandoned)] = 5;
  totals.failures[proto::FailureKind::kOutOfMemory] = 2;
  totals.jobs_ended[proto::JobState::kFailed] = 4;
  totals.frames_to_nobody = 11;
  totals.refused[static_cast<std::size_t>(Refusal::kRole)] = 12;
  totals.resent[static_cast<std::size_t>(Resend::kOutputs)] = 13;
  return snapshot;
}

class Metrics : public testing::Test {
 protected:
  const std::string text_ = metrics_text(sample(), {.cpu_seconds = 1.5, .open_files = 9});
};

TEST_F(Metrics, AreThoseOfTheSnapshot) {
  for (const char* line :
       {"fanfold_master_snapshot_time_seconds 2.5\n",
        "fanfold_master_epoch 3\n",
        "fanfold_workers{standing=\"good\"} 1\n",
        "fanfold_workers{standing=\"probation\"} 0\n",
        "fanfold_workers{standing=\"excluded\"} 1\n",
        "fanfold_workers_draining 1\n",
        "fanfold_worker_slots 8\n",
        "fanfold_worker_slots_busy 3\n",
        "fanfold_worker_memory_free_ratio 0.5\n",
        "fanfold_worker_scratch_free_ratio 0.75\n",
        "fanfold_worker_silence_seconds 1.5\n",
        "fanfold_jobs{state=\"planning\"} 1\n",
        "fanfold_jobs{state=\"running\"} 2\n",
        "fanfold_jobs_ended_total{state=\"failed\"} 4\n",
        "fanfold_attempts_ended_total{stage=\"reduce\",outcome=\"abandoned\"} 5\n",
        "fanfold_attempt_failures_total{cause=\"out of memory\",charged_to=\"task\"} 2\n",
        "fanfold_master_frames_dropped_total{reason=\"gone\"} 11\n",
        "fanfold_master_frames_dropped_total{reason=\"full\"} 0\n",
        "fanfold_master_refusals_total{what=\"role\"} 12\n",
        "fanfold_master_refusals_total{what=\"version\"} 0\n",
        "fanfold_master_resends_total{what=\"outputs\"} 13\n",
        "process_cpu_seconds_total 1.5\n",
        "process_open_fds 9\n"}) {
    EXPECT_THAT(text_, HasSubstr(std::string("\n") + line));
  }
}

TEST_F(Metrics, CountATaskWithABackupOnce) {
  EXPECT_THAT(text_, HasSubstr("\nfanfold_tasks{stage=\"map\",state=\"done\"} 12\n"));
  EXPECT_THAT(text_, HasSubstr("\nfanfold_tasks{stage=\"map\",state=\"running\"} 7\n"));
  EXPECT_THAT(text_, HasSubstr("\nfanfold_tasks{stage=\"map\",state=\"waiting\"} 1\n"));
}

TEST_F(Metrics, CallNobodyShortWhoSaysNothing) {
  const std::string text = metrics_text(Snapshot(), {});
  EXPECT_THAT(text, HasSubstr("\nfanfold_worker_memory_free_ratio 1\n"));
  EXPECT_THAT(text, HasSubstr("\nfanfold_worker_scratch_free_ratio 1\n"));
}

TEST_F(Metrics, OfDurationsAreCumulative) {
  const std::string name = "\nfanfold_attempt_duration_seconds";
  EXPECT_THAT(text_, HasSubstr(name + "_bucket{stage=\"map\",le=\"0.002\"} 0\n"));
  EXPECT_THAT(text_, HasSubstr(name + "_bucket{stage=\"map\",le=\"0.004\"} 1\n"));
  EXPECT_THAT(text_, HasSubstr(name + "_bucket{stage=\"map\",le=\"+Inf\"} 2\n"));
  EXPECT_THAT(text_, HasSubstr(name + "_count{stage=\"map\"} 2\n"));
}

TEST_F(Metrics, DoNotGrowWithJobsWorkersOrUsers) {
  Snapshot more = sample();
  for (int i = 0; i < 1000; ++i) {
    more.workers.push_back(more.workers.front());
    more.active.push_back(more.active.front());
  }
  const auto lines = [](const std::string& text) {
    return std::count(text.begin(), text.end(), '\n');
  };
  EXPECT_EQ(lines(metrics_text(more, {})), lines(text_));
  EXPECT_THAT(text_, Not(HasSubstr("secret")));
  EXPECT_THAT(text_, Not(HasSubstr("somebody")));
}

TEST_F(Metrics, AreThereFromTheFirstScrape) {
  // A counter that appears with its first event has no increase over it.
  std::set<std::string> names;
  const auto names_in = [](const std::string& text) {
    std::set<std::string> series;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) {
      if (!line.starts_with('#')) series.insert(line.substr(0, line.rfind(' ')));
    }
    return series;
  };
  EXPECT_EQ(names_in(metrics_text(Snapshot(), {})), names_in(text_));
}

TEST(ProcessFacts, AreThoseOfThisProcess) {
  const ProcessFacts facts = process_facts();
  EXPECT_GT(facts.resident_bytes, 1u << 20);
  EXPECT_GT(facts.virtual_bytes, facts.resident_bytes);
  EXPECT_GE(facts.open_files, 3u);
  EXPECT_GT(facts.open_files_max, facts.open_files);
}

}  // namespace
}  // namespace fanfold::master::web
