// How many nodes a cluster under Slurm wants, and which go.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/slurm/scaler.hpp"
#include "cli/slurm/slurm_commands.hpp"
#include "cli/slurm/worker_script.hpp"

namespace fanfold::cli {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ScalerTest : public testing::Test {
 protected:
  ScalerTest() {
    limits_.nodes_min = 1;
    limits_.nodes_max = 4;
    limits_.slots = 2;
    limits_.idle_max = 10s;
  }
  ScaleOrders look(Duration later = 1s) {
    now_ = now_ + later;
    scaler_.set_limits(limits_);
    return scaler_.look(now_, sight_);
  }
  void node(std::uint64_t job, std::uint32_t busy = 0) {
    sight_.jobs.push_back({job, true});
    sight_.workers.push_back({job, busy, false});
  }

  ScaleLimits limits_;
  Scaler scaler_{ScaleLimits()};
  Sight sight_;
  Instant now_ = Instant() + 1000s;
};

TEST_F(ScalerTest, WantsANodeForEveryFewTasksWithinItsLimits) {
  const std::map<std::uint64_t, std::uint32_t> nodes = {
      {0, 1}, {1, 1}, {2, 1}, {3, 2}, {8, 4}, {9, 4}, {1'000'000'000'000, 4}};
  for (const auto& [tasks, wanted] : nodes) {
    sight_.tasks_waiting = tasks;
    EXPECT_EQ(Scaler(limits_).wanted(sight_), wanted) << tasks;
  }
}

TEST_F(ScalerTest, AsksForWhatIsMissingOnce) {
  sight_.tasks_waiting = 6;
  EXPECT_EQ(look().add, 3u);
  sight_.jobs = {{1, false}, {2, false}, {3, true}};
  EXPECT_EQ(look().add, 0u);
}

TEST_F(ScalerTest, TakesBackWhatStillWaitsBeforeItReleasesANode) {
  node(1, 1);
  sight_.jobs.push_back({2, false});
  sight_.jobs.push_back({3, false});
  sight_.tasks_waiting = 3;
  const ScaleOrders orders = look();
  EXPECT_THAT(orders.forget, ElementsAre(3));
  EXPECT_THAT(orders.release, IsEmpty());
}

TEST_F(ScalerTest, ReleasesOneThatIdlesForLongerThanAnyJobHasRun) {
  node(1, 1);
  node(2);
  sight_.tasks_waiting = 1;
  sight_.oldest_job = 30s;
  EXPECT_TRUE(look().empty());
  EXPECT_TRUE(look(29s).empty()) << "it may hold what the job needs";
  EXPECT_THAT(look(2s).release, ElementsAre(2));
  EXPECT_TRUE(look().empty()) << "told once";
  sight_.jobs = {{1, true}, {2, true}};
  sight_.workers = {{1, 1, false}};
  EXPECT_TRUE(look().empty());
  EXPECT_THAT(look(1000s).forget, ElementsAre(2)) << "its Slurm job does not end";
}

TEST_F(ScalerTest, KeepsOneThatWasBusyAMomentAgo) {
  node(1);
  node(2, 1);
  EXPECT_TRUE(look().empty());
  look(9s);
  sight_.workers[1].busy = 0;
  EXPECT_THAT(look(2s).release, ElementsAre(1)) << "the other one";
  EXPECT_TRUE(look(100s).empty()) << "fewer than --min";
}

TEST_F(ScalerTest, ReplacesANodeWhoseWorkerIsGone) {
  node(1);
  EXPECT_TRUE(look().empty());
  sight_.workers.clear();
  const ScaleOrders orders = look();
  EXPECT_THAT(orders.forget, ElementsAre(1));
  EXPECT_EQ(orders.add, 1u);
}

TEST_F(ScalerTest, GivesAWorkerTimeToCome) {
  sight_.jobs = {{1, true}};
  EXPECT_TRUE(look().empty());
  EXPECT_TRUE(look(100s).empty());
  EXPECT_THAT(look(100s).forget, ElementsAre(1));
}

TEST_F(ScalerTest, ReplacesOneThatDrainsAndLetsItFinish) {
  node(1, 1);
  sight_.workers[0].draining = true;
  const ScaleOrders orders = look();
  EXPECT_EQ(orders.add, 1u);
  EXPECT_THAT(orders.forget, IsEmpty());
}

proto::JobStatus job_of(std::uint32_t tasks, std::uint32_t done) {
  proto::JobStatus job;
  proto::StageStatus map;
  map.tasks = tasks;
  map.done = done;
  job.stages = {map};
  return job;
}

TEST(TasksWaiting, AreThoseThatJobsMayRun) {
  std::vector<proto::JobStatus> jobs = {job_of(10, 4), job_of(10, 0), job_of(10, 0), job_of(5, 1)};
  jobs[1].control.paused = true;
  jobs[2].control.max_concurrency = 3;
  jobs[3].state = proto::JobState::kSucceeded;
  jobs[0].elapsed_ms = 5000;
  jobs[3].elapsed_ms = 9000;
  EXPECT_EQ(tasks_waiting(jobs), 9u);
  EXPECT_EQ(oldest_of(jobs), Duration(5s));
}

TEST(SlurmQueue, IsReadWithWhatEndsLeftOut) {
  const auto jobs = parse_queue("17 RUNNING\n18 PENDING\n19 COMPLETING\n20 CONFIGURING\n");
  ASSERT_TRUE(jobs.ok());
  ASSERT_EQ(jobs->size(), 3u);
  EXPECT_TRUE((*jobs)[0].runs);
  EXPECT_FALSE((*jobs)[1].runs);
  EXPECT_EQ((*jobs)[2].id, 20u);
  for (const char* bad : {"JOBID STATE\n", "17\n", "17_3 RUNNING\n", "x RUNNING\n"}) {
    EXPECT_EQ(parse_queue(bad).status().code(), StatusCode::kCorruption) << bad;
  }
}

TEST(WorkerScriptTest, QuotesWhatItIsGivenAndNamesItsJob) {
  SlurmRecord record;
  record.limits.slots = 4;
  record.memory_bytes = 1u << 30;
  record.scratch = "/s/$(x)'y";
  record.sbatch_words = {"--partition=long"};
  const std::string script = worker_script({"/opt/f f", "/c", "tcp://h:1"}, record);
  EXPECT_THAT(script, HasSubstr("exec '/opt/f f/fanfold-worker' --key '/c/nodes.key'"));
  EXPECT_THAT(script, HasSubstr("'--scratch' '/s/$(x)'\\''y'"));
  EXPECT_THAT(sbatch_words("/c", record),
              ElementsAre("--output=/c/workers/%j.log", "--chdir=/", "--cpus-per-task=4",
                          "--mem=4352M", "--partition=long"));
  EXPECT_EQ(job_of_worker("n3.17"), 17u);
  for (const char* other : {"h1", "n3.", "n3.x", "n3.17x", ""}) {
    EXPECT_EQ(job_of_worker(other), std::nullopt) << other;
  }
}

}  // namespace
}  // namespace fanfold::cli
