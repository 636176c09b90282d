// How workers join, fall silent, come back and leave.

#include <string>

#include "common/core/limits.hpp"
#include "tests/master/master_fixture.hpp"

namespace fanfold::master {
namespace {

using namespace std::chrono_literals;
using proto::JobState;

TEST_F(MasterTest, WelcomesAWorkerWithTheIntervalsItMustKeep) {
  start_master({.worker_silence = 7s, .heartbeat = 250ms});
  FakeWorker worker(address(), {});
  EXPECT_NE(worker.id(), WorkerId{});
  EXPECT_EQ(worker.welcome().epoch, 1u);
  EXPECT_EQ(worker.welcome().heartbeat_ms, 250u);
  EXPECT_EQ(worker.welcome().silence_ms, 7000u);
}

TEST_F(MasterTest, KnowsAWorkerThatSaysHelloTwice) {
  start_master();
  FakeWorker worker(address(), {});
  const WorkerId first = worker.id();
  worker.introduce();
  EXPECT_EQ(worker.id(), first);
  FakeClient client(address());
  EXPECT_EQ(client.ask<proto::ClusterReply>(proto::GetCluster{}).workers.size(), 1u);
}

TEST_F(MasterTest, FollowsAWorkerToItsNewConnection) {
  start_master();
  FakeWorker worker(address(), {});
  FakeClient client(address());
  client.submit(spec(1));
  const proto::TaskAssignment task = worker.expect_task();
  // The same process, after its connection broke.
  Connection again(address());
  again.send(proto::CommitRequest{
      .worker = worker.id(), .attempt = task.attempt, .report = {}, .log_text = {}});
  const auto frame = again.receive(20s);
  ASSERT_TRUE(frame.has_value());
  auto message = proto::decode<proto::MasterMessage>(*frame);
  ASSERT_TRUE(message.ok());
  EXPECT_TRUE(std::get<proto::CommitAnswer>(*message).granted);
}

TEST_F(MasterTest, EchoesHeartbeats) {
  start_master();
  FakeWorker worker(address(), {});
  worker.heartbeat({});
  EXPECT_EQ(worker.expect<proto::HeartbeatEcho>().epoch, worker.welcome().epoch);
}

TEST_F(MasterTest, TellsWhatWorkersSayOfTheirHosts) {
  start_master();
  FakeClient client(address());
  FakeWorker worker(address(), {});
  const auto told = [&client] {
    const auto cluster = client.ask<proto::ClusterReply>(proto::GetCluster{});
    EXPECT_EQ(cluster.workers.size(), 1u);
    return cluster.workers.empty() ? proto::HostRoom{} : cluster.workers[0].room;
  };
  EXPECT_EQ(told().memory_bytes, 0u);
  worker.connection().send(proto::Heartbeat{.worker = worker.id(),
                                            .epoch = worker.welcome().epoch,
                                            .attempts = {},
                                            .newest = {},
                                            .room = {.memory_bytes = 100,
                                                     .memory_bytes_free = 40,
                                                     .executor_bytes = 50,
                                                     .scratch_bytes = 300,
                                                     .scratch_bytes_free = 999}});
  worker.expect<proto::HeartbeatEcho>();
  EXPECT_EQ(told().memory_bytes_free, 40u);
  EXPECT_EQ(told().executor_bytes, 50u);
  // Nobody has more room than there is.
  EXPECT_EQ(told().scratch_bytes_free, 300u);
}

TEST_F(MasterTest, AsksAStrangerToIntroduceItself) {
  start_master();
  FakeWorker worker(address(), {});
  worker.connection().send(
      proto::Heartbeat{.worker = WorkerId{12345}, .epoch = 1, .attempts = {}, .newest = {}});
  worker.expect<proto::Unknown>();
  worker.connection().send(
      proto::Heartbeat{.worker = worker.id(), .epoch = 99, .attempts = {}, .newest = {}});
  worker.expect<proto::Unknown>();
}

TEST_F(MasterTest, SendsAwayAWorkerOfAnotherState) {
  start_master();
  FakeWorker worker(address(), {});
  EXPECT_NE(worker.welcome().state_id, 0u);
  proto::Hello hello = worker.hello();
  hello.uuid = "of another state";
  hello.state_id = worker.welcome().state_id + 1;
  Connection stranger(address());
  stranger.send(hello);
  const auto frame = stranger.receive(20s);
  ASSERT_TRUE(frame.has_value());
  const auto message = proto::decode<proto::MasterMessage>(*frame);
  ASSERT_TRUE(message.ok());
  const auto* welcome = std::get_if<proto::Welcome>(&*message);
  ASSERT_NE(welcome, nullptr);
  EXPECT_EQ(welcome->worker, WorkerId{});
  EXPECT_EQ(welcome->state_id, worker.welcome().state_id);
  FakeClient client(address());
  EXPECT_EQ(client.ask<proto::ClusterReply>(proto::GetCluster{}).workers.size(), 1u);
  // One of this state comes back.
  hello = worker.hello();
  hello.state_id = worker.welcome().state_id;
  worker.connection().send(hello);
  EXPECT_EQ(worker.expect<proto::Welcome>().worker, worker.id());
}

TEST_F(MasterTest, DoesNotTakeAWorkerOfAnotherStateForItsOwn) {
  start_master();
  FakeWorker worker(address(), {});
  // The first one of the first master on another state directory.
  const WorkerId theirs{(std::uint64_t{1} << 32) + 1};
  EXPECT_NE(worker.id(), theirs);
  Connection stranger(address());
  stranger.send(proto::Heartbeat{.worker = theirs, .epoch = 1, .attempts = {}, .newest = {}});
  const auto frame = stranger.receive(20s);
  ASSERT_TRUE(frame.has_value());
  const auto message = proto::decode<proto::MasterMessage>(*frame);
  ASSERT_TRUE(message.ok());
  EXPECT_TRUE(std::holds_alternative<proto::Unknown>(*message));
}

TEST_F(MasterTest, CancelsAndFeedsNoJobOfAnotherState) {
  start_master();
  FakeClient client(address());
  const JobId job = client.submit(spec(1));
  const auto told = client.ask<proto::JobReply>(proto::GetJob{.job = job});
  EXPECT_NE(told.state_id, 0u);
  const auto refused =
      client.ask<proto::Answer>(proto::CancelJob{.job = job, .state_id = told.state_id + 1});
  EXPECT_EQ(refused.code, static_cast<std::uint8_t>(StatusCode::kNotFound));
  const auto unfed = client.ask<proto::Answer>(proto::Feed{
      .job = job, .feeder = "a", .bytes = {}, .close = true, .state_id = told.state_id + 1});
  EXPECT_EQ(unfed.code, static_cast<std::uint8_t>(StatusCode::kNotFound));
  EXPECT_EQ(client.status(job).state, proto::JobState::kRunning);
  client.ask<proto::Answer>(proto::CancelJob{.job = job, .state_id = told.state_id});
}

TEST_F(MasterTest, GivesTheTasksOfASilentWorkerToAnother) {
  start_master();
  FakeClient client(address());
  FakeWorker silent(address(), {.name = "host/silent"});
  const JobId job = client.submit(spec(1));
  const proto::TaskAssignment lost = silent.expect_task();
  let_pass(limits::kWorkerSilence);
  FakeWorker other(address(), {.name = "host/other"});
  const proto::TaskAssignment again = other.expect_task();
  EXPECT_EQ(again.task, lost.task);
  EXPECT_NE(again.attempt, lost.attempt);
  const proto::JobStatus status = client.status(job);
  EXPECT_EQ(status.lost_attempts, 1u);
  EXPECT_EQ(status.failed_attempts, 0u);
  const auto logs = client.ask<proto::Logs>(proto::GetLogs{.job = job, .task = {}});
  ASSERT_FALSE(logs.entries.empty());
  EXPECT_EQ(logs.entries[0].outcome, "worker lost");
}

TEST_F(MasterTest, GivesNothingToAWorkerThatDrains) {
  start_master();
  FakeClient client(address());
  FakeWorker draining(address(), {.name = "host/draining"});
  draining.connection().send(proto::Bye{.worker = draining.id(), .finished = false});
  draining.heartbeat({});
  draining.expect<proto::HeartbeatEcho>();
  const JobId job = client.submit(spec(1));
  FakeWorker other(address(), {.name = "host/other"});
  other.do_tasks(2);
  EXPECT_EQ(client.wait(job).state, JobState::kSucceeded);
}

TEST_F(MasterTest, SaysGoodbyeToAWorkerThatHasFinished) {
  start_master();
  FakeClient client(address());
  FakeWorker worker(address(), {});
  worker.connection().send(proto::Bye{.worker = worker.id(), .finished = true});
  worker.expect<proto::Goodbye>();
  EXPECT_TRUE(client.ask<proto::ClusterReply>(proto::GetCluster{}).workers.empty());
  // It did not hear the answer and asks again.
  worker.connection().send(proto::Bye{.worker = worker.id(), .finished = true});
  worker.expect<proto::Goodbye>();
}

TEST_F(MasterTest, RefusesALateCommitOfAnAttemptThatWasReplaced) {
  start_master();
  FakeClient client(address());
  FakeWorker slow(address(), {.name = "host/slow"});
  client.submit(spec(1));
  const proto::TaskAssignment late = slow.expect_task();
  let_pass(limits::kWorkerSilence);
  FakeWorker other(address(), {.name = "host/other"});
  other.do_task(other.expect_task());
  // The master has forgotten the slow one; it comes back as the worker that it is.
  slow.introduce();
  EXPECT_FALSE(slow.commit(late, {}));
}

TEST_F(MasterTest, RefusesAWorkerWithoutSlots) {
  start_master();
  Connection connection(address());
  connection.send(proto::Hello{.uuid = "u",
                               .name = "host/0",
                               .host_id = "host",
                               .scratch = "/scratch",
                               .data_endpoint = {},
                               .slots = 0,
                               .attempts = {},
                               .outputs = {}});
  const auto frame = connection.receive(20s);
  ASSERT_TRUE(frame.has_value());
  auto message = proto::decode<proto::MasterMessage>(*frame);
  ASSERT_TRUE(message.ok());
  EXPECT_TRUE(std::holds_alternative<proto::Goodbye>(*message));
}

}  // namespace
}  // namespace fanfold::master
