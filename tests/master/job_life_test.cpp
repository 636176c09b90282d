// Jobs from submission to their end, as clients and workers see them.

#include <algorithm>
#include <filesystem>
#include <string>

#include "common/proto/output_list.hpp"
#include "tests/master/master_fixture.hpp"

namespace fanfold::master {
namespace {

using namespace std::chrono_literals;
using proto::JobState;

TEST_F(MasterTest, RunsAJobFromSubmissionToItsPublishedOutput) {
  start_master();
  FakeWorker worker(address(), {});
  FakeClient client(address());
  const JobId job = client.submit(spec_with_splits(3, 2));
  worker.do_tasks(3 + 2);
  const proto::JobStatus status = client.wait(job);
  EXPECT_EQ(status.state, JobState::kSucceeded) << status.reason;
  EXPECT_EQ(status.output_files, 2u);
  EXPECT_EQ(status.output_records, 2u);
  EXPECT_EQ(directory().read("out/part-00000-of-00002"), "key\tvalue\n");
  EXPECT_TRUE(directory().contains("out/_SUCCESS"));
}

TEST_F(MasterTest, TellsEachTaskWhatItNeeds) {
  start_master();
  FakeWorker worker(address(), {});
  FakeClient client(address());
  client.submit(spec_with_splits(2, 1));
  proto::TaskAssignment first = worker.expect_task();
  EXPECT_EQ(first.task.stage, Stage::kMap);
  EXPECT_EQ(first.spec.job_name, "word_count");
  EXPECT_EQ(first.partitions, 1u);
  ASSERT_EQ(first.split.pieces.size(), 1u);
  EXPECT_EQ(first.split.pieces[0].path, directory().path("input.txt"));
  worker.do_task(first);
  worker.do_task(worker.expect_task());
  const proto::TaskAssignment reduce = worker.expect_task();
  EXPECT_EQ(reduce.task.stage, Stage::kReduce);
  const auto page = worker.expect<proto::ListPage>();
  EXPECT_EQ(page.version, reduce.list_version);
  EXPECT_EQ(page.pages, 1u);
  proto::OutputUnpacker unpacker;
  ASSERT_TRUE(unpacker.add(page.packed).ok());
  const proto::OutputList list = unpacker.take();
  ASSERT_EQ(list.outputs.size(), 2u);
  EXPECT_EQ(list.outputs[0].attempt, first.attempt);
  ASSERT_EQ(list.holders.size(), 1u);
  EXPECT_EQ(list.holders[0].scratch, worker.hello().scratch);
  EXPECT_EQ(list.holders[0].data_endpoint, worker.hello().data_endpoint);
}

TEST_F(MasterTest, TellsAWorkerOnceWhereItsReducesReadAndAgainWhenItAsks) {
  start_master();
  FakeWorker worker(address(), {.slots = 2});
  FakeClient client(address());
  const JobId job = client.submit(spec_with_splits(1, 3));
  worker.do_task(worker.expect_task());
  const proto::TaskAssignment first = worker.expect_task();
  worker.do_task(worker.expect_task());
  const proto::TaskAssignment third = worker.expect_task();
  EXPECT_EQ(first.list_version, third.list_version);
  EXPECT_EQ(worker.unread<proto::ListPage>(), 1u);
  proto::InputsWanted wanted;
  wanted.worker = worker.id();
  wanted.attempt = first.attempt;
  // What is on its way is not sent twice at once, however many attempts ask.
  std::size_t asked = 0;
  while (worker.unread<proto::ListPage>() < 2) {
    worker.connection().send(wanted);
    worker.heartbeat({{first.attempt, 0, 0, true}, {third.attempt, 0, 0, true}});
    worker.expect<proto::HeartbeatEcho>();
    ++asked;
  }
  EXPECT_GT(asked, 1u);
  worker.expect<proto::ListPage>();
  EXPECT_EQ(worker.expect<proto::ListPage>().version, first.list_version);
  worker.do_task(first);
  worker.do_task(third);
  EXPECT_EQ(client.wait(job).state, JobState::kSucceeded);
}

TEST_F(MasterTest, SumsUpWhatCommittedAttemptsReport) {
  start_master();
  FakeWorker worker(address(), {});
  FakeClient client(address());
  const JobId job = client.submit(spec_with_splits(3, 1));
  worker.do_tasks(4);
  const proto::JobStatus status = client.wait(job);
  EXPECT_EQ(status.counters.at("seen"), 40);
  ASSERT_EQ(status.stages.size(), 2u);
  EXPECT_EQ(status.stages[0].records_in, 30u);
  EXPECT_EQ(status.stages[0].records_out, 15u);
  EXPECT_EQ(status.stages[0].bytes_out, 150u);
  EXPECT_EQ(status.stages[1].records_in, 10u);
  // Never more than the maps have written.
  EXPECT_EQ(status.stages[1].bytes_done, 100u);
  EXPECT_EQ(status.stages[1].bytes_total, 100u);
}

TEST_F(MasterTest, CountsATaskOnceThoughItsCommitIsAskedForTwice) {
  start_master();
  FakeWorker worker(address(), {});
  FakeClient client(address());
  const JobId job = client.submit(spec_with_splits(1, 1));
  const proto::TaskAssignment task = worker.expect_task();
  proto::AttemptReport report;
  report.counters["seen"] = 1;
  EXPECT_TRUE(worker.commit(task, report));
  EXPECT_TRUE(worker.commit(task, report));
  EXPECT_EQ(client.status(job).counters.at("seen"), 1);
}

TEST_F(MasterTest, GivesSplittersOfTheSampleToTheMapsAlone) {
  start_master();
  FakeWorker worker(address(), {});
  FakeClient client(address());
  proto::JobSpec sorted = spec_with_splits(2, 2);
  sorted.partitioning = abi::Partitioning::kRange;
  client.submit(sorted);
  const proto::TaskAssignment sample = worker.expect_task();
  ASSERT_EQ(sample.task.stage, Stage::kSample);
  EXPECT_FALSE(sample.split.pieces.empty());
  worker.do_task(sample);
  proto::TaskAssignment task = worker.expect_task();
  for (; task.task.stage == Stage::kMap; task = worker.expect_task()) {
    EXPECT_EQ(task.splitters, std::vector<std::string>{"m"});
    worker.do_task(task);
  }
  EXPECT_EQ(task.task.stage, Stage::kReduce);
  EXPECT_TRUE(task.splitters.empty()) << "thousands of them, for each of as many reduces";
}

TEST_F(MasterTest, SucceedsOverEmptyInput) {
  start_master();
  FakeWorker worker(address(), {});
  FakeClient client(address());
  proto::JobSpec empty = spec(1);
  empty.inputs = {directory().write("empty.txt", "")};
  const JobId job = client.submit(empty);
  // A plan may or may not have a split for an empty file; the reduce comes last in any case.
  proto::TaskAssignment task = worker.expect_task();
  while (task.task.stage != Stage::kReduce) {
    worker.do_task(task);
    task = worker.expect_task();
  }
  worker.do_task(task, "");
  EXPECT_EQ(client.wait(job).state, JobState::kSucceeded);
}

TEST_F(MasterTest, ReportsTheFirstFailureOfTheTaskThatFailedTheJob) {
  start_master();
  FakeWorker worker(address(), {});
  FakeClient client(address());
  proto::JobSpec twice = spec(1);
  twice.attempts_max = 2;
  const JobId job = client.submit(twice);
  for (const char* message : {"the first", "the second"}) {
    proto::FailureReport failure;
    failure.kind = proto::FailureKind::kException;
    failure.message = message;
    failure.record_file = "input.txt";
    failure.record_offset = 16;
    worker.fail(worker.expect_task(), failure, "log text\n");
  }
  const proto::JobStatus status = client.wait(job);
  EXPECT_EQ(status.state, JobState::kFailed);
  EXPECT_EQ(status.first_cause.message, "the first");
  EXPECT_EQ(status.first_cause.record_offset, 16u);
  EXPECT_EQ(status.first_cause.worker, "host/1");
  EXPECT_EQ(status.failed_attempts, 2u);
  EXPECT_EQ(worker.expect<proto::ForgetJob>().job, job);
}

TEST_F(MasterTest, LeavesNothingBehindWhenAJobFails) {
  start_master();
  FakeWorker worker(address(), {});
  FakeClient client(address());
  proto::FailureReport failure;
  failure.kind = proto::FailureKind::kExit;
  const JobId job = submit_and_fail(client, worker, failure);
  EXPECT_EQ(client.wait(job).state, JobState::kFailed);
  client.ask<proto::Answer>(proto::StopCluster{});
  EXPECT_EQ(staging_directories(), 0u);
  EXPECT_FALSE(directory().contains("out"));
}

TEST_F(MasterTest, FailsAJobWhoseOutputAppearedMeanwhile) {
  start_master();
  FakeWorker worker(address(), {});
  FakeClient client(address());
  const JobId job = client.submit(spec(1));
  worker.do_task(worker.expect_task());
  directory().write("out/precious", "do not touch");
  worker.do_task(worker.expect_task());
  const proto::JobStatus status = client.wait(job);
  EXPECT_EQ(status.state, JobState::kFailed);
  EXPECT_NE(status.reason.find("out"), std::string::npos) << status.reason;
  EXPECT_EQ(directory().read("out/precious"), "do not touch");
}

TEST_F(MasterTest, CancelsARunningJob) {
  start_master();
  FakeWorker worker(address(), {});
  FakeClient client(address());
  const JobId job = client.submit(spec(1));
  const proto::TaskAssignment task = worker.expect_task();
  EXPECT_EQ(client.ask<proto::Answer>(proto::CancelJob{.job = job}).code, 0);
  EXPECT_EQ(worker.expect<proto::CancelAttempt>().attempt, task.attempt);
  EXPECT_EQ(client.wait(job).state, JobState::kCancelled);
  // Asking again is fine.
  EXPECT_EQ(client.ask<proto::Answer>(proto::CancelJob{.job = job}).code, 0);
}

TEST_F(MasterTest, KeepsStagingUntilCancelledAttemptsHaveDied) {
  start_master();
  FakeWorker worker(address(), {});
  FakeClient client(address());
  const JobId job = client.submit(spec(1));
  const proto::TaskAssignment task = worker.expect_task();
  client.ask<proto::Answer>(proto::CancelJob{.job = job});
  // As an attempt does that has not died yet.
  std::filesystem::create_directories(task.staging + "/1");
  EXPECT_EQ(client.wait(job).state, JobState::kCancelled);
  EXPECT_EQ(staging_directories(), 1u);
  proto::FailureReport killed;
  killed.kind = proto::FailureKind::kCancelled;
  worker.fail(task, killed);
  client.ask<proto::Answer>(proto::StopCluster{});
  EXPECT_EQ(staging_directories(), 0u);
}

TEST_F(MasterTest, KeepsStagingWhileACancelledAttemptMayBeOnItsWayToItsWorker) {
  start_master();
  FakeWorker worker(address(), {});
  FakeClient client(address());
  const JobId job = client.submit(spec(1));
  const proto::TaskAssignment task = worker.expect_task();
  std::filesystem::create_directories(task.staging + "/1");
  client.ask<proto::Answer>(proto::CancelJob{.job = job});
  EXPECT_EQ(client.wait(job).state, JobState::kCancelled);
  worker.heartbeat({}, AttemptId{task.attempt.value - 1});
  worker.expect<proto::HeartbeatEcho>();
  client.status(job);
  EXPECT_EQ(staging_directories(), 1u);
  worker.heartbeat({}, task.attempt);
  worker.expect<proto::HeartbeatEcho>();
  // Long before it would go without being told.
  const auto patience = std::chrono::steady_clock::now() + limits::kStagingPatience / 2;
  while (staging_directories() > 0 && std::chrono::steady_clock::now() < patience) {
    client.status(job);
  }
  EXPECT_EQ(staging_directories(), 0u);
}

TEST_F(MasterTest, RunsSeveralJobsAtOnce) {
  start_master();
  FakeWorker worker(address(), {.slots = 2});
  FakeClient client(address());
  std::vector<JobId> jobs;
  for (int i = 0; i < 5; ++i) {
    proto::JobSpec one = spec_with_splits(2, 1);
    one.output = directory().path("out" + std::to_string(i));
    jobs.push_back(client.submit(one));
  }
  worker.do_tasks(5 * 3);
  for (const JobId job : jobs) EXPECT_EQ(client.wait(job).state, JobState::kSucceeded);
  const auto list = client.ask<proto::JobList>(proto::ListJobs{});
  ASSERT_EQ(list.jobs.size(), 5u);
  EXPECT_TRUE(std::is_sorted(list.jobs.begin(), list.jobs.end(),
                             [](const auto& a, const auto& b) { return a.job < b.job; }));
}

}  // namespace
}  // namespace fanfold::master
