// A master that was killed goes on where it was, as clients and workers see it.

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "common/io/manifest.hpp"
#include "tests/master/master_fixture.hpp"

namespace fanfold::master {
namespace {

using namespace std::chrono_literals;
using proto::JobState;

class RecoveryTest : public MasterTest {
 protected:
  void restart() {
    crash_master();
    start_master();
  }
};

TEST_F(RecoveryTest, GoesOnWithAJobWhoseAttemptStillRuns) {
  start_master();
  FakeWorker worker(address(), {});
  JobId job;
  {
    FakeClient client(address());
    job = client.submit(spec(1));
  }
  const proto::TaskAssignment map = worker.expect_task();
  worker.hold(map);
  restart();
  const WorkerId id = worker.id();
  worker.introduce();
  EXPECT_EQ(worker.id(), id);
  EXPECT_GT(worker.welcome().epoch, epoch_of(map.attempt));
  worker.do_task(map);
  worker.do_task(worker.expect_task());
  FakeClient client(address());
  EXPECT_EQ(client.wait(job).state, JobState::kSucceeded);
}

TEST_F(RecoveryTest, CommitsWhatIsAskedForInTheTurnInWhichItsWorkerComesBack) {
  start_master();
  FakeWorker worker(address(), {});
  FakeClient client(address());
  const JobId job = client.submit(spec(1));
  const proto::TaskAssignment map = worker.expect_task();
  worker.hold(map);
  restart();
  worker.connection().send(worker.hello());
  worker.connection().send(proto::CommitRequest{
      .worker = worker.id(), .attempt = map.attempt, .report = {}, .log_text = {}});
  EXPECT_TRUE(worker.expect<proto::CommitAnswer>().granted);
  worker.do_task(worker.expect_task());
  FakeClient later(address());
  EXPECT_EQ(later.wait(job).state, JobState::kSucceeded);
}

TEST_F(RecoveryTest, RunsNoCommittedTaskAgain) {
  start_master();
  FakeWorker worker(address(), {});
  FakeClient client(address());
  const JobId job = client.submit(spec_with_splits(3, 1));
  for (int i = 0; i < 2; ++i) {
    const proto::TaskAssignment map = worker.expect_task();
    worker.do_task(map);
    worker.keep(map);
  }
  worker.hold(worker.expect_task());
  restart();
  worker.introduce();
  FakeClient later(address());
  const proto::JobStatus status = later.status(job);
  ASSERT_EQ(status.stages.size(), 2u);
  EXPECT_EQ(status.stages[0].done, 2u);
  EXPECT_EQ(status.stages[0].records_in, 20u);
  EXPECT_EQ(status.counters.at("seen"), 20);
  EXPECT_EQ(status.job_name, "word_count");
  EXPECT_EQ(status.submitted_by, "tester");
}

TEST_F(RecoveryTest, MakesAnOutputAgainThatItsWorkerDoesNotListAnyMore) {
  start_master();
  FakeWorker worker(address(), {});
  FakeClient client(address());
  const JobId job = client.submit(spec(1));
  worker.do_task(worker.expect_task());
  const proto::TaskAssignment reduce = worker.expect_task();
  ASSERT_EQ(reduce.task.stage, Stage::kReduce);
  restart();
  worker.introduce();
  const proto::TaskAssignment again = worker.expect_task();
  EXPECT_EQ(again.task.stage, Stage::kMap);
  worker.do_task(again);
  worker.do_task(worker.expect_task());
  FakeClient later(address());
  EXPECT_EQ(later.wait(job).state, JobState::kSucceeded);
}

TEST_F(RecoveryTest, AnswersACommitThatWasRecordedWithoutRecordingItTwice) {
  start_master();
  FakeWorker worker(address(), {});
  FakeClient client(address());
  const JobId job = client.submit(spec_with_splits(2, 1));
  const proto::TaskAssignment map = worker.expect_task();
  worker.do_task(map);
  // The answer was lost: the worker still holds the attempt, and asks again.
  worker.hold(map);
  restart();
  worker.introduce();
  EXPECT_TRUE(worker.commit(map, {}));
  FakeClient later(address());
  EXPECT_EQ(later.status(job).stages[0].done, 1u);
  EXPECT_EQ(later.status(job).counters.at("seen"), 10);
}

TEST_F(RecoveryTest, WaitsForNoWorkerThatIsKnownToBeDead) {
  start_master();
  std::string dead;
  {
    FakeWorker worker(address(), {});
    FakeClient client(address());
    client.submit(spec(1));
    worker.do_task(worker.expect_task());
    EXPECT_EQ(worker.expect_task().task.stage, Stage::kReduce);
    dead = worker.hello().uuid;
  }
  restart();
  // The master's clock stands still: no patience can run out.
  FakeWorker successor(address(), {});
  successor.connection().send(proto::WorkersDied{{"of nobody", dead}});
  EXPECT_EQ(successor.expect_task().task.stage, Stage::kMap);
}

TEST_F(RecoveryTest, RefusesAnAttemptOfAWorkerThatItHadGivenUp) {
  start_master();
  FakeWorker worker(address(), {});
  FakeClient client(address());
  client.submit(spec(1));
  const proto::TaskAssignment map = worker.expect_task();
  let_pass(11s);
  // A heartbeat that is read before the master looks at its deadlines would still count.
  while (!client.ask<proto::ClusterReply>(proto::GetCluster{}).workers.empty()) {
  }
  worker.heartbeat({{map.attempt, 0, 0, true}});
  worker.expect<proto::Unknown>();
  restart();
  worker.hold(map);
  worker.introduce();
  worker.heartbeat({{map.attempt, 0, 0, true}});
  EXPECT_EQ(worker.expect<proto::CancelAttempt>().attempt, map.attempt);
}

TEST_F(RecoveryTest, CompletesAPublicationThatWasInterrupted) {
  start_master();
  FakeWorker worker(address(), {});
  FakeClient client(address());
  const JobId job = client.submit(spec(1));
  worker.do_task(worker.expect_task());
  const proto::TaskAssignment reduce = worker.expect_task();
  // The master dies between the record of the commit and the end of the publication: here, before
  // it begins.
  store().drop_ends();
  worker.do_task(reduce);
  EXPECT_EQ(client.wait(job).state, JobState::kSucceeded);
  ASSERT_TRUE(directory().contains("out/_SUCCESS"));
  restart();
  FakeClient later(address());
  const proto::JobStatus status = later.wait(job);
  EXPECT_EQ(status.state, JobState::kSucceeded) << status.reason;
  EXPECT_EQ(status.output_records, 1u);
  EXPECT_EQ(directory().read("out/part-00000-of-00001"), "key\tvalue\n");
}

TEST_F(RecoveryTest, GivesTheSameJobForTheSameSubmissionAfterARestart) {
  start_master();
  FakeClient client(address());
  proto::JobSpec identified = spec(1);
  identified.client_id = "run-4711";
  const JobId job = client.submit(identified);
  restart();
  FakeClient later(address());
  EXPECT_EQ(later.submit(identified), job);
  later.ask<proto::Answer>(proto::CancelJob{.job = job});
  later.wait(job);
  // And after its end, under a third master.
  restart();
  FakeClient last(address());
  EXPECT_EQ(last.submit(identified), job);
}

TEST_F(RecoveryTest, LetsAWorkerForgetAJobThatEndedWhileItWasAway) {
  start_master();
  FakeWorker worker(address(), {});
  FakeClient client(address());
  const JobId job = client.submit(spec(1));
  const proto::TaskAssignment map = worker.expect_task();
  client.ask<proto::Answer>(proto::CancelJob{.job = job});
  client.wait(job);
  worker.hold(map);
  restart();
  worker.introduce();
  EXPECT_EQ(worker.expect<proto::ForgetJob>().job, job);
}

TEST_F(RecoveryTest, RemembersWhyATaskFailed) {
  start_master();
  FakeWorker worker(address(), {});
  FakeClient client(address());
  proto::JobSpec twice = spec(1);
  twice.attempts_max = 2;
  const JobId job = client.submit(twice);
  proto::FailureReport failure;
  failure.kind = proto::FailureKind::kException;
  failure.message = "the first";
  worker.fail(worker.expect_task(), failure);
  restart();
  worker.introduce();
  failure.message = "the second";
  worker.fail(worker.expect_task(), failure);
  FakeClient later(address());
  const proto::JobStatus status = later.wait(job);
  EXPECT_EQ(status.state, JobState::kFailed);
  EXPECT_EQ(status.first_cause.message, "the first");
}

TEST_F(RecoveryTest, RemovesTheStagingDirectoryOfAnEndedJobAgain) {
  start_master();
  FakeWorker worker(address(), {});
  FakeClient client(address());
  const JobId job = client.submit(spec(1));
  const proto::TaskAssignment map = worker.expect_task();
  client.ask<proto::Answer>(proto::CancelJob{.job = job});
  client.wait(job);
  crash_master();
  std::filesystem::create_directories(map.staging + "/1");
  start_master();
  FakeClient later(address());
  later.ask<proto::Answer>(proto::StopCluster{});
  EXPECT_EQ(staging_directories(), 0u);
}

TEST_F(RecoveryTest, RefusesToStartOverAPastThatDoesNotFitTogether) {
  start_master();
  FakeClient client(address());
  client.submit(spec(1));
  StoredState stored = store().stored();
  crash_master();
  std::erase_if(stored.facts, [](const StoredFact& one) {
    return std::holds_alternative<JobAccepted>(one.fact);
  });
  stored.facts.push_back({JobCommitStarted{JobId{1}}, {}});
  const Status refused = start_master_on(stored);
  EXPECT_EQ(refused.code(), StatusCode::kCorruption);
  EXPECT_NE(refused.message().find("job 1"), std::string::npos) << refused.message();
}

TEST_F(RecoveryTest, RefusesToStartOverHotPartitionsThatAreNone) {
  start_master();
  FakeClient client(address());
  const JobId job = client.submit(spec(1));
  StoredState stored = store().stored();
  crash_master();
  stored.facts.push_back({PartitionsWeighed{job, {{7, 1, true, 0}}}, {}});
  const Status refused = start_master_on(stored);
  EXPECT_EQ(refused.code(), StatusCode::kCorruption);
  EXPECT_NE(refused.message().find("hot partitions of job"), std::string::npos)
      << refused.message();
}

}  // namespace
}  // namespace fanfold::master
