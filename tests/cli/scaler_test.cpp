// How many nodes a cluster under Slurm wants, and which go.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "cli/process/run_programs.hpp"
#include "cli/slurm/scaler.hpp"
#include "cli/slurm/slurm_cluster.hpp"
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

TEST_F(ScalerTest, CountsWhatWasSubmittedAndIsNotSeen) {
  sight_.tasks_waiting = 6;
  EXPECT_EQ(look().add, 3u);
  for (const std::uint64_t job : {5, 6, 7}) scaler_.submitted(now_, job);
  EXPECT_TRUE(look().empty());
  sight_.jobs = {{5, false}};
  EXPECT_TRUE(look().empty());
  sight_.ended = {6};
  EXPECT_EQ(look().add, 1u) << "it has come to an end unseen";
  const ScaleOrders late = look(400s);
  EXPECT_THAT(late.forget, ElementsAre(7)) << "should it be there, it is of no use";
  EXPECT_EQ(late.add, 2u);
}

TEST_F(ScalerTest, GivesWorkersTimeToFindANewMaster) {
  sight_.master = 10;
  sight_.tasks_waiting = 4;
  node(1, 1);
  node(2, 1);
  EXPECT_TRUE(look().empty());
  const std::vector<NodeWorker> workers = std::exchange(sight_.workers, {});
  sight_.master = 11;
  EXPECT_TRUE(look().empty()) << "it lists nobody yet";
  EXPECT_TRUE(look(30s).empty());
  sight_.workers = {workers[0]};
  EXPECT_TRUE(look().empty());
  sight_.workers.clear();
  EXPECT_THAT(look().forget, ElementsAre(1)) << "it had found it";
  sight_.jobs = {{2, true}, {3, false}};
  EXPECT_THAT(look(100s).forget, ElementsAre(2)) << "it does not come";
}

TEST_F(ScalerTest, LetsOneThatWasReleasedFinishWhatItGotMeanwhile) {
  limits_.nodes_min = 0;
  node(1);
  EXPECT_TRUE(look().empty());
  EXPECT_THAT(look(11s).release, ElementsAre(1));
  EXPECT_THAT(look().release, ElementsAre(1)) << "Slurm did not take the first";
  scaler_.released(now_, {1});
  sight_.workers[0] = {1, 1, true};
  EXPECT_TRUE(look(1000s).empty());
  sight_.workers[0].busy = 0;
  EXPECT_TRUE(look(100s).empty());
  EXPECT_THAT(look(100s).forget, ElementsAre(1));
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
  scaler_.released(now_, {2});
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
  scaler_.released(now_, {1});
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
  const auto queue = parse_queue("17 RUNNING\n18 PENDING\n19 COMPLETING\n20 CONFIGURING\n");
  ASSERT_TRUE(queue.ok());
  const std::vector<NodeJob>& jobs = queue->jobs;
  ASSERT_EQ(jobs.size(), 3u);
  EXPECT_TRUE(jobs[0].runs);
  EXPECT_FALSE(jobs[1].runs);
  EXPECT_EQ(jobs[2].id, 20u);
  EXPECT_THAT(queue->ended, ElementsAre(19));
  for (const char* bad : {"JOBID STATE\n", "17\n", "17_3 RUNNING\n", "x RUNNING\n"}) {
    EXPECT_EQ(parse_queue(bad).status().code(), StatusCode::kCorruption) << bad;
  }
}

TEST(SlurmWish, ChangesWhatItSaysAlone) {
  SlurmClusterWish wish;
  wish.nodes_min = 2;
  wish.slots = 8;
  wish.sbatch_words = {"--partition=long"};
  wish.host_inputs = {"/var/log"};
  const auto first = record_with(wish, SlurmRecord(), true);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(first->limits.nodes_max, 2u);
  SlurmClusterWish more;
  more.nodes_max = 5;
  const auto second = record_with(more, *first, false);
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(second->limits.nodes_min, 2u);
  EXPECT_EQ(second->limits.nodes_max, 5u);
  EXPECT_EQ(second->limits.slots, 8u);
  EXPECT_THAT(second->sbatch_words, ElementsAre("--partition=long"));
  EXPECT_THAT(second->host_inputs, ElementsAre("/var/log"));
  more.nodes_max = 1;
  EXPECT_EQ(record_with(more, *first, false).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(record_with(SlurmClusterWish(), SlurmRecord(), true)->limits.nodes_max, 1u);
}

TEST(SlurmSubmission, IsReadWithAndWithoutACluster) {
  EXPECT_EQ(*parse_submitted("17\n"), 17u);
  EXPECT_EQ(*parse_submitted("17;far\n"), 17u);
  for (const char* bad : {"", "\n", "Submitted batch job 17\n", "17x\n", "-1\n"}) {
    EXPECT_EQ(parse_submitted(bad).status().code(), StatusCode::kCorruption) << bad;
  }
}

TEST(SlurmSubmission, KnowsWordsThatHideJobs) {
  for (const char* word : {"--job-name=x", "--job-name", "--job=x", "-J", "-Jx", "-HJx",
                           "--array=1-9", "-a1-9", "--clusters=all", "--cluster=x", "-Mx"}) {
    EXPECT_TRUE(hides_jobs(word)) << word;
  }
  for (const char* word : {"--partition=long", "-pJ", "-A", "--account=a", "--constraint=fast",
                           "-C", "--exclusive", "-H", "--mem=1G", "-"}) {
    EXPECT_FALSE(hides_jobs(word)) << word;
  }
}

/// Directory with a program `name` that does what the shell text says.
std::string with_program(const std::string& name, const std::string& text) {
  const std::string directory = testing::TempDir() + "/programs";
  std::filesystem::create_directories(directory);
  std::ofstream(directory + "/" + name) << "#!/bin/sh\n" << text;
  std::filesystem::permissions(directory + "/" + name, std::filesystem::perms::owner_all);
  return directory + "/" + name;
}

TEST(RunPrograms, SaysWhenOutputIsCutAndKeepsVariablesBack) {
  Interrupts interrupts;
  ASSERT_TRUE(interrupts.start().ok());
  ProgramCall call{with_program("tell", "printf %s \"${SQUEUE_USERS-none}\""), {}, ""};
  ::setenv("SQUEUE_USERS", "nobody", 1);
  EXPECT_EQ(run_program(call, interrupts).output, "nobody");
  call.output_bytes_max = 4;
  EXPECT_EQ(run_program(call, interrupts).output, "nobo");
  EXPECT_TRUE(run_program(call, interrupts).cut);
  call.without = {"SQUEUE_"};
  const ProgramEnd kept = run_program(call, interrupts);
  EXPECT_EQ(kept.output, "none");
  EXPECT_FALSE(kept.cut);
  ::unsetenv("SQUEUE_USERS");
}

TEST(WorkerScriptTest, QuotesWhatItIsGivenAndNamesItsJob) {
  SlurmRecord record;
  record.limits.slots = 4;
  record.memory_bytes = 1u << 30;
  record.scratch = "/s/$(x)'y";
  record.host_inputs = {"/var/log", "/data"};
  record.sbatch_words = {"--partition=long"};
  const std::string script = worker_script({"/opt/f f", "/c", "tcp://h:1"}, record);
  EXPECT_THAT(script, HasSubstr("exec '/opt/f f/fanfold-worker' --key '/c/nodes.key'"));
  EXPECT_THAT(script, HasSubstr("'--scratch' '/s/$(x)'\\''y'"));
  EXPECT_THAT(script, HasSubstr("'--host-input' '/var/log' '--host-input' '/data'"));
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
