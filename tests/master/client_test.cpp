// What clients are answered and what they are refused.

#include <string>

#include "tests/master/master_fixture.hpp"

namespace fanfold::master {
namespace {

using namespace std::chrono_literals;

StatusCode code_of(const proto::Answer& answer) { return static_cast<StatusCode>(answer.code); }

TEST_F(MasterTest, RefusesAnOutputThatExistsBeforeAnythingStarts) {
  start_master();
  FakeClient client(address());
  directory().write("out/part-00000-of-00001", "old");
  const proto::Answer answer = client.try_submit(spec(1));
  EXPECT_EQ(code_of(answer), StatusCode::kAlreadyExists);
  EXPECT_NE(answer.message.find(directory().path("out")), std::string::npos) << answer.message;
  EXPECT_EQ(staging_directories(), 0u);
}

TEST_F(MasterTest, RefusesInputThatIsNotThereAndLeavesNoStaging) {
  start_master();
  FakeClient client(address());
  proto::JobSpec missing = spec(1);
  missing.inputs = {directory().path("no-such-file")};
  const proto::Answer answer = client.try_submit(missing);
  EXPECT_EQ(code_of(answer), StatusCode::kNotFound);
  EXPECT_NE(answer.message.find("no-such-file"), std::string::npos) << answer.message;
  EXPECT_EQ(staging_directories(), 0u);
  EXPECT_TRUE(client.ask<proto::JobList>(proto::ListJobs{}).jobs.empty());
}

TEST_F(MasterTest, RefusesASubmissionThatMakesNoSense) {
  start_master();
  FakeClient client(address());
  proto::JobSpec relative = spec(1);
  relative.output = "out";
  const proto::Answer answer = client.try_submit(relative);
  EXPECT_EQ(code_of(answer), StatusCode::kInvalidArgument);
  EXPECT_NE(answer.message.find("absolute"), std::string::npos) << answer.message;
}

TEST_F(MasterTest, GivesTheSameJobToTheSameClientId) {
  start_master();
  FakeClient client(address());
  proto::JobSpec identified = spec(1);
  identified.client_id = "run-4711";
  const JobId first = client.submit(identified);
  EXPECT_EQ(client.submit(identified), first);
  EXPECT_EQ(client.ask<proto::JobList>(proto::ListJobs{}).jobs.size(), 1u);
}

TEST_F(MasterTest, GivesTheSameJobToAClientIdThatIsStillBeingPlanned) {
  start_master();
  FakeClient client(address());
  proto::JobSpec identified = spec(1);
  identified.client_id = "run-4711";
  client.connection().send(proto::Submit{.spec = identified});
  client.connection().send(proto::Submit{.spec = identified});
  const JobId first = client.expect<proto::Answer>().job;
  EXPECT_EQ(client.expect<proto::Answer>().job, first);
}

TEST_F(MasterTest, RefusesCopiesOfARefusedSubmissionToo) {
  start_master();
  FakeClient client(address());
  proto::JobSpec identified = spec(1);
  identified.client_id = "run-4711";
  const std::vector<std::string> inputs = identified.inputs;
  identified.inputs = {directory().path("no-such-file")};
  EXPECT_EQ(code_of(client.try_submit(identified)), StatusCode::kNotFound);
  // Its client has ended by now: whoever wants that job submits it again, by another name.
  identified.inputs = inputs;
  EXPECT_EQ(code_of(client.try_submit(identified)), StatusCode::kNotFound);
  identified.client_id = "run-4712";
  client.submit(identified);
  EXPECT_EQ(client.ask<proto::JobList>(proto::ListJobs{}).jobs.size(), 1u);
}

TEST_F(MasterTest, RefusesASecondJobForAnOutputThatIsBeingWritten) {
  start_master();
  FakeClient client(address());
  client.submit(spec(1));
  proto::JobSpec second = spec(1);
  second.output += "/";
  EXPECT_EQ(code_of(client.try_submit(second)), StatusCode::kAlreadyExists);
}

TEST_F(MasterTest, SaysThatAJobIsUnknown) {
  start_master();
  FakeClient client(address());
  const JobId unknown{99};
  for (const proto::Answer& answer :
       {client.ask<proto::Answer>(proto::GetJob{.job = unknown}),
        client.ask<proto::Answer>(proto::CancelJob{.job = unknown}),
        client.ask<proto::Answer>(proto::GetLogs{.job = unknown, .task = {}})}) {
    EXPECT_EQ(code_of(answer), StatusCode::kNotFound);
    EXPECT_NE(answer.message.find("99"), std::string::npos) << answer.message;
    EXPECT_NE(answer.message.find("fanfold list"), std::string::npos) << answer.message;
  }
}

TEST_F(MasterTest, TellsAFollowerWhateverChanges) {
  start_master();
  FakeClient follower(address());
  FakeWorker worker(address(), {});
  const JobId job = follower.submit(spec_with_splits(1, 1));
  auto status = follower.ask<proto::JobReply>(proto::GetJob{.job = job, .follow = true}).status;
  EXPECT_EQ(status.state, proto::JobState::kRunning);
  worker.do_task(worker.expect_task());
  // Sooner or later the follower sees the map done, without asking.
  while (status.stages.at(0).done == 0) status = follower.expect<proto::JobReply>().status;
  worker.do_task(worker.expect_task());
  while (!proto::is_final(status.state)) status = follower.expect<proto::JobReply>().status;
  EXPECT_EQ(status.state, proto::JobState::kSucceeded);
}

TEST_F(MasterTest, AnswersAFollowerOfAnEndedJobOnce) {
  start_master();
  FakeWorker worker(address(), {});
  FakeClient client(address());
  const JobId job = client.submit(spec(1));
  worker.do_tasks(2);
  client.wait(job);
  EXPECT_EQ(client.wait(job).state, proto::JobState::kSucceeded);
}

TEST_F(MasterTest, SaysThatThereIsNothingToCancelInAJobThatSucceeded) {
  start_master();
  FakeWorker worker(address(), {});
  FakeClient client(address());
  const JobId job = client.submit(spec(1));
  worker.do_tasks(2);
  client.wait(job);
  const auto answer = client.ask<proto::Answer>(proto::CancelJob{.job = job});
  EXPECT_EQ(code_of(answer), StatusCode::kInvalidArgument);
  EXPECT_NE(answer.message.find("succeeded"), std::string::npos) << answer.message;
}

TEST_F(MasterTest, ShowsWhatAttemptsWrote) {
  start_master();
  FakeWorker worker(address(), {});
  FakeClient client(address());
  const JobId job = client.submit(spec_with_splits(2, 1));
  proto::FailureReport failure;
  failure.kind = proto::FailureKind::kException;
  failure.message = "no good";
  const proto::TaskAssignment failed = worker.expect_task();
  worker.fail(failed, failure, "before the end\n");
  worker.do_tasks(3);
  client.wait(job);
  const auto all = client.ask<proto::Logs>(proto::GetLogs{.job = job, .task = {}});
  EXPECT_EQ(all.entries.size(), 4u);
  const auto of_task =
      client.ask<proto::Logs>(proto::GetLogs{.job = job, .one_task = true, .task = failed.task});
  ASSERT_EQ(of_task.entries.size(), 2u);
  EXPECT_EQ(of_task.entries[0].outcome, "exception");
  EXPECT_EQ(of_task.entries[0].text, "before the end\n");
  EXPECT_EQ(of_task.entries[0].failure.message, "no good");
  EXPECT_EQ(of_task.entries[0].worker, "host/1");
  EXPECT_EQ(of_task.entries[1].outcome, "committed");
  EXPECT_EQ(of_task.entries[1].attempt_number, 2u);
  const auto of_attempt = client.ask<proto::Logs>(
      proto::GetLogs{.job = job, .one_task = true, .task = failed.task, .attempt_number = 1});
  EXPECT_EQ(of_attempt.entries.size(), 1u);
}

TEST_F(MasterTest, ShowsRunningAttemptsInTheLogs) {
  start_master();
  FakeWorker worker(address(), {});
  FakeClient client(address());
  const JobId job = client.submit(spec(1));
  worker.expect_task();
  const auto logs = client.ask<proto::Logs>(proto::GetLogs{.job = job, .task = {}});
  ASSERT_EQ(logs.entries.size(), 1u);
  EXPECT_EQ(logs.entries[0].outcome, "running");
}

TEST_F(MasterTest, DescribesTheCluster) {
  start_master();
  FakeWorker worker(address(), {.name = "host/7", .slots = 3});
  FakeClient client(address());
  const auto cluster = client.ask<proto::ClusterReply>(proto::GetCluster{});
  EXPECT_EQ(cluster.address, address());
  EXPECT_EQ(cluster.process, 42u);
  ASSERT_EQ(cluster.workers.size(), 1u);
  EXPECT_EQ(cluster.workers[0].name, "host/7");
  EXPECT_EQ(cluster.workers[0].slots, 3u);
  EXPECT_EQ(cluster.workers[0].process, 4711u);
}

TEST_F(MasterTest, RefusesAnotherProtocolVersionNamingBoth) {
  start_master();
  FakeClient client(address());
  client.connection().send(proto::ListJobs{.protocol = 77});
  const auto answer = client.expect<proto::Answer>();
  EXPECT_EQ(code_of(answer), StatusCode::kInvalidArgument);
  EXPECT_NE(answer.message.find("77"), std::string::npos) << answer.message;
  EXPECT_NE(answer.message.find(std::to_string(proto::kProtocolVersion)), std::string::npos);
}

TEST_F(MasterTest, SurvivesGarbage) {
  start_master();
  FakeClient client(address());
  for (const std::string& garbage : {std::string(), std::string("x"), std::string(1000, '\xff'),
                                     std::string("\x2a\x00 rubbish", 10)}) {
    client.connection().send_bytes(garbage);
  }
  // A damaged request gets an answer, because somebody waits for it.
  std::string damaged = proto::encode(proto::GetJob{.job = JobId{1}});
  damaged.pop_back();
  client.connection().send_bytes(damaged);
  EXPECT_EQ(code_of(client.expect<proto::Answer>()), StatusCode::kCorruption);
  EXPECT_TRUE(client.ask<proto::JobList>(proto::ListJobs{}).jobs.empty());
}

}  // namespace
}  // namespace fanfold::master
