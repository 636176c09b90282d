// Hello, Welcome, heartbeats, and what becomes of them when the master falls silent or restarts.

#include "common/proto/output_list.hpp"
#include "tests/agent/agent_test.hpp"

namespace fanfold::worker {
namespace {

TEST_F(AgentTest, SaysHelloBeforeAnythingElse) {
  start();
  ASSERT_EQ(last.size(), 1u);
  ASSERT_EQ(sent<proto::Hello>().size(), 1u);
  EXPECT_EQ(sent<proto::Hello>()[0].uuid, "u-1");
  EXPECT_EQ(sent<proto::Hello>()[0].slots, kSlots);
}

TEST_F(AgentTest, RepeatsItsHelloUntilItIsWelcome) {
  start();
  wait(2 * kResend);
  EXPECT_EQ(sent<proto::Hello>().size(), 2u);
  welcome();
  wait(2 * kResend);
  EXPECT_TRUE(sent<proto::Hello>().empty());
}

TEST_F(AgentTest, TellsWhoDiedUntilItIsWelcome) {
  agent = std::make_unique<Agent>(AgentOptions{hello(), kResend, {"a", "b"}});
  start();
  ASSERT_EQ(sent<proto::WorkersDied>().size(), 1u);
  EXPECT_EQ(sent<proto::WorkersDied>()[0].uuids, (std::vector<std::string>{"a", "b"}));
  wait(kResend);
  EXPECT_EQ(sent<proto::WorkersDied>().size(), 1u);
  welcome();
  master_says(proto::Unknown{});
  EXPECT_EQ(sent<proto::Hello>().size(), 1u);
  EXPECT_TRUE(sent<proto::WorkersDied>().empty());
}

TEST_F(AgentTest, NamesJobsOfWhichItIsOnlyAHomeUntilTheyAreOver) {
  join();
  proto::HomeOutputs outputs;
  outputs.job = JobId{9};
  outputs.partitions = {0};
  outputs.packed = proto::pack_outputs({{{WorkerId{2}, "there", "/two", "x"}}, {{0, {5}, 0}}})[0];
  master_says(outputs);
  ASSERT_EQ(actions<BringEarly>().size(), 1u);
  outputs.packed.clear();
  master_says(outputs);
  ASSERT_EQ(actions<DropEarly>().size(), 1u);
  EXPECT_EQ(actions<DropEarly>()[0].partitions, std::vector<std::uint32_t>{0});
  master_says(proto::Unknown{});
  ASSERT_EQ(sent<proto::Hello>().size(), 1u);
  ASSERT_EQ(sent<proto::Hello>()[0].outputs.size(), 1u);
  EXPECT_EQ(sent<proto::Hello>()[0].outputs[0].job, JobId{9});
  EXPECT_TRUE(sent<proto::Hello>()[0].outputs[0].attempts.empty());
  master_says(proto::ForgetJob{JobId{9}});
  EXPECT_EQ(actions<DropJobFiles>().size(), 1u);
  wait(kResend);
  ASSERT_EQ(sent<proto::Hello>().size(), 1u);
  EXPECT_TRUE(sent<proto::Hello>()[0].outputs.empty());
}

TEST_F(AgentTest, AnswersAWelcomeWithAHeartbeat) {
  start();
  welcome();
  ASSERT_EQ(sent<proto::Heartbeat>().size(), 1u);
  EXPECT_EQ(sent<proto::Heartbeat>()[0].worker, kWorker);
  EXPECT_EQ(sent<proto::Heartbeat>()[0].epoch, 1u);
}

TEST_F(AgentTest, SendsHeartbeatsAtThePaceOfTheMaster) {
  start();
  proto::Welcome message;
  message.worker = kWorker;
  message.epoch = 1;
  message.heartbeat_ms = 250;
  message.silence_ms = 3000;
  master_says(message);
  wait(2s);
  EXPECT_EQ(sent<proto::Heartbeat>().size(), 8u);
}

TEST_F(AgentTest, UsesItsOwnPaceWhenTheMasterNamesNone) {
  start();
  proto::Welcome message;
  message.worker = kWorker;
  message.epoch = 1;
  master_says(message);
  wait(2 * limits::kHeartbeatInterval);
  EXPECT_EQ(sent<proto::Heartbeat>().size(), 2u);
}

TEST_F(AgentTest, ListsEveryAttemptItHoldsInAHeartbeat) {
  join();
  const AttemptId running = assign_map(1);
  const AttemptId committing = assign_map(2);
  succeed(committing);
  const AttemptId failing = assign_map(3);
  fail(failing);
  const AttemptId running_too = assign_map(4);
  const AttemptId queued = assign_map(5);
  const AttemptId fetching = assign_reduce(6);
  progress(running, 1, 30, 4000);
  wait(kHeartbeat);
  ASSERT_EQ(sent<proto::Heartbeat>().size(), 1u);
  std::map<AttemptId, proto::AttemptProgress> listed;
  const proto::Heartbeat heartbeat = sent<proto::Heartbeat>()[0];
  for (const auto& one : heartbeat.attempts) listed[one.attempt] = one;
  ASSERT_EQ(listed.size(), 6u);
  EXPECT_EQ(listed[running].records, 30u);
  EXPECT_EQ(listed[running].bytes, 4000u);
  EXPECT_TRUE(listed[running].running);
  EXPECT_TRUE(listed[running_too].running);
  EXPECT_TRUE(listed[committing].running);
  EXPECT_TRUE(listed[failing].running);
  EXPECT_FALSE(listed[queued].running);
  EXPECT_FALSE(listed[fetching].running);
}

TEST_F(AgentTest, SaysHelloAgainToAMasterThatDoesNotKnowIt) {
  join();
  master_says(proto::Unknown{});
  EXPECT_EQ(sent<proto::Hello>().size(), 1u);
  wait(kResend);
  EXPECT_EQ(sent<proto::Hello>().size(), 1u);
  EXPECT_TRUE(sent<proto::Heartbeat>().empty());
}

TEST_F(AgentTest, OneHelloAnswersManyUnknowns) {
  join();
  master_says(proto::Unknown{});
  master_says(proto::Unknown{});
  EXPECT_TRUE(last.empty());
}

TEST_F(AgentTest, KeepsItsAttemptsThroughANewRegistration) {
  join();
  const AttemptId one = assign_map(1);
  master_says(proto::Unknown{});
  EXPECT_TRUE(actions<KillAttempt>().empty());
  welcome(1, WorkerId{8});
  ASSERT_EQ(sent<proto::Heartbeat>().size(), 1u);
  EXPECT_EQ(sent<proto::Heartbeat>()[0].worker, WorkerId{8});
  ASSERT_EQ(sent<proto::Heartbeat>()[0].attempts.size(), 1u);
  EXPECT_EQ(sent<proto::Heartbeat>()[0].attempts[0].attempt, one);
}

TEST_F(AgentTest, ReconnectsWhenTheMasterIsSilent) {
  join();
  wait(kSilence - 1ms);
  EXPECT_TRUE(actions<Reconnect>().empty());
  wait(1ms);
  EXPECT_EQ(actions<Reconnect>().size(), 1u);
  EXPECT_EQ(sent<proto::Hello>().size(), 1u);
}

TEST_F(AgentTest, SaysHelloOnTheNewConnectionNotOnTheOld) {
  join();
  wait(kSilence - 1ms);
  now = now + 1ms;
  step(Tick{});
  ASSERT_GE(last.size(), 2u);
  EXPECT_TRUE(std::holds_alternative<Reconnect>(last[0]));
  EXPECT_EQ(sent<proto::Hello>().size(), 1u);
}

TEST_F(AgentTest, ReconnectsAgainAndAgainUntilAMasterAnswers) {
  start();
  wait(3 * limits::kWorkerSilence);
  EXPECT_EQ(actions<Reconnect>().size(), 3u);
  welcome();
  wait_with_echoes(60s);
  EXPECT_TRUE(actions<Reconnect>().empty());
}

TEST_F(AgentTest, AnyWordOfTheMasterBreaksItsSilence) {
  join();
  wait(kSilence - 1s);
  forget(JobId{99});
  wait(kSilence - 1s);
  EXPECT_TRUE(actions<Reconnect>().empty());
}

TEST_F(AgentTest, AMasterThatIsGoneDoesNotBreakTheSilence) {
  start();
  welcome(2);
  wait(kSilence - 1s);
  echo(1);
  wait(1s);
  EXPECT_EQ(actions<Reconnect>().size(), 1u);
}

TEST_F(AgentTest, HoldsAPauseOfItsOwnAgainstNobody) {
  join();
  wait_with_echoes(5s);
  pause(1h);
  EXPECT_TRUE(actions<Reconnect>().empty());
  wait(kSilence - 1s);
  EXPECT_TRUE(actions<Reconnect>().empty());
  wait(1s);
  EXPECT_EQ(actions<Reconnect>().size(), 1u);
}

TEST_F(AgentTest, AShortDelayIsNoPause) {
  join();
  wait(kSilence - 500ms);
  pause(900ms);
  EXPECT_EQ(actions<Reconnect>().size(), 1u);
}

TEST_F(AgentTest, SaysHelloToAMasterThatRestarted) {
  join();
  const AttemptId one = assign_map(1);
  echo(2);
  EXPECT_EQ(sent<proto::Hello>().size(), 1u);
  welcome(2);
  ASSERT_EQ(sent<proto::Heartbeat>().size(), 1u);
  EXPECT_EQ(sent<proto::Heartbeat>()[0].epoch, 2u);
  ASSERT_EQ(sent<proto::Heartbeat>()[0].attempts.size(), 1u);
  EXPECT_EQ(sent<proto::Heartbeat>()[0].attempts[0].attempt, one);
}

TEST_F(AgentTest, TellsANewMasterWhatItHolds) {
  join();
  const AttemptId kept = assign_map(1);
  succeed(kept);
  answer(kept, true);
  const AttemptId running = assign_map(2);
  const AttemptId fetching = assign_reduce(3);
  const AttemptId dying = assign_map(4);
  cancel(dying);
  echo(2);
  ASSERT_EQ(sent<proto::Hello>().size(), 1u);
  const proto::Hello hello = sent<proto::Hello>()[0];
  ASSERT_EQ(hello.attempts.size(), 2u);
  EXPECT_EQ(hello.attempts[0].attempt, running);
  EXPECT_EQ(hello.attempts[0].task.stage, Stage::kMap);
  EXPECT_TRUE(hello.attempts[0].running);
  EXPECT_EQ(hello.attempts[1].attempt, fetching);
  EXPECT_FALSE(hello.attempts[1].running);
  ASSERT_EQ(hello.outputs.size(), 1u);
  EXPECT_EQ(hello.outputs[0].job, kJob);
  EXPECT_EQ(hello.outputs[0].attempts, std::vector<AttemptId>{kept});
  EXPECT_TRUE(hello.outputs_complete);
}

TEST_F(AgentTest, NamesNoOutputsOfAJobThatIsOver) {
  join();
  const AttemptId kept = assign_map(1);
  succeed(kept);
  answer(kept, true);
  forget();
  echo(2);
  EXPECT_TRUE(sent<proto::Hello>()[0].outputs.empty());
}

TEST_F(AgentTest, IgnoresTheWelcomeOfAMasterThatIsGone) {
  start();
  welcome(2, WorkerId{8});
  welcome(1, WorkerId{3});
  EXPECT_TRUE(last.empty());
  wait(kHeartbeat);
  ASSERT_EQ(sent<proto::Heartbeat>().size(), 1u);
  EXPECT_EQ(sent<proto::Heartbeat>()[0].worker, WorkerId{8});
}

TEST_F(AgentTest, IgnoresAssignmentsOfAMasterThatIsGone) {
  start();
  welcome(2);
  assign({.number = 1, .epoch = 1});
  EXPECT_TRUE(last.empty());
  assign({.number = 1, .epoch = 2});
  EXPECT_EQ(started().size(), 1u);
}

TEST_F(AgentTest, TakesNoWorkBeforeItIsWelcome) {
  start();
  assign_map(1);
  EXPECT_TRUE(last.empty());
  welcome();
  EXPECT_TRUE(listed().empty());
  assign_map(1);
  EXPECT_EQ(started().size(), 1u);
}

TEST_F(AgentTest, TellsOfWhichStateItIs) {
  start();
  EXPECT_EQ(sent<proto::Hello>()[0].state_id, 0u);
  master_says(proto::Welcome{.worker = kWorker, .epoch = 3, .state_id = 77});
  master_says(proto::Unknown{});
  EXPECT_EQ(sent<proto::Hello>()[0].state_id, 77u);
}

TEST_F(AgentTest, BeginsAnewWithAMasterOfAnotherState) {
  start();
  master_says(proto::Welcome{.worker = kWorker, .epoch = 3, .state_id = 77});
  assign({.number = 1, .epoch = 3});
  // Whatever its epoch.
  master_says(proto::Welcome{.worker = {}, .epoch = 1, .state_id = 78});
  EXPECT_EQ(actions<BeginAnew>().size(), 1u);
  EXPECT_EQ(last.size(), 1u);
  wait(kHeartbeat);
  EXPECT_TRUE(last.empty());
}

TEST_F(AgentTest, GoesOnWithAMasterThatTellsOfNoState) {
  start();
  master_says(proto::Welcome{.worker = kWorker, .epoch = 3, .state_id = 77});
  const AttemptId running = assign({.number = 1, .epoch = 3});
  master_says(proto::Welcome{.worker = kWorker, .epoch = 4});
  EXPECT_TRUE(actions<BeginAnew>().empty());
  ASSERT_EQ(sent<proto::Heartbeat>().size(), 1u);
  EXPECT_EQ(sent<proto::Heartbeat>()[0].attempts[0].attempt, running);
  // It is remembered meanwhile.
  master_says(proto::Welcome{.worker = kWorker, .epoch = 5, .state_id = 77});
  EXPECT_TRUE(actions<BeginAnew>().empty());
}

TEST_F(AgentTest, LeavesWhenItDrainsAndMeetsAMasterOfAnotherState) {
  start();
  master_says(proto::Welcome{.worker = kWorker, .epoch = 3, .state_id = 77});
  assign({.number = 1, .epoch = 3});
  drain();
  master_says(proto::Welcome{.worker = {}, .epoch = 3, .state_id = 78});
  EXPECT_TRUE(exited());
}

}  // namespace
}  // namespace fanfold::worker
