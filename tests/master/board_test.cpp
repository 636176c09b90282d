// What a master hangs out for others, while it works.

#include <gmock/gmock.h>

#include "tests/master/master_fixture.hpp"

namespace fanfold::master {
namespace {

using namespace std::chrono_literals;

class BoardTest : public MasterTest {
 protected:
  /// The first snapshot of which `holds`; it is posted soon after what it tells of.
  std::shared_ptr<const web::Snapshot> wait_for(
      const std::function<bool(const web::Snapshot&)>& holds) {
    const Instant deadline = steady_clock().now() + 20s;
    while (steady_clock().now() < deadline) {
      const auto snapshot = board().latest();
      if (snapshot && holds(*snapshot)) return snapshot;
      std::this_thread::yield();
    }
    ADD_FAILURE() << "no such snapshot";
    return std::make_shared<const web::Snapshot>();
  }
};

std::uint64_t ended(const web::Snapshot& snapshot, Stage stage, AttemptOutcome outcome) {
  return snapshot.totals.stage(stage).ended[static_cast<std::size_t>(outcome)];
}

TEST_F(BoardTest, ShowsAJobAndThenItsEnd) {
  start_master();
  FakeClient client(address());
  FakeWorker worker(address(), {.name = "host/1", .slots = 2});
  worker.introduce();
  const JobId job = client.submit(spec_with_splits(2, 1));
  const auto running = wait_for([](const auto& now) { return now.active.size() == 1; });
  EXPECT_EQ(running->active.front()->job, job);
  EXPECT_EQ(running->active.front()->stages.front().tasks, 2u);

  worker.do_tasks(3);
  EXPECT_EQ(client.wait(job).state, proto::JobState::kSucceeded);
  const auto over = wait_for([](const auto& now) { return now.ended.size() == 1; });
  EXPECT_TRUE(over->active.empty());
  EXPECT_EQ(over->ended.front()->state, proto::JobState::kSucceeded);
  EXPECT_EQ(ended(*over, Stage::kMap, AttemptOutcome::kCommitted), 2u);
  EXPECT_EQ(ended(*over, Stage::kReduce, AttemptOutcome::kCommitted), 1u);
  EXPECT_EQ(over->totals.jobs_accepted, 1u);
  EXPECT_EQ(over->totals.gather_seconds.count(), 1u);
  EXPECT_GE(over->totals.facts, 5u);
  EXPECT_GE(over->totals.frames, 5u);
  ASSERT_EQ(over->workers.size(), 1u);
  EXPECT_EQ(over->workers.front().name, "host/1");
}

TEST_F(BoardTest, CountsWhatWentWrong) {
  start_master();
  FakeClient client(address());
  FakeWorker worker(address(), {});
  worker.introduce();
  proto::FailureReport failure;
  failure.kind = proto::FailureKind::kException;
  const JobId job = submit_and_fail(client, worker, failure);
  EXPECT_EQ(client.wait(job).state, proto::JobState::kFailed);
  const auto over = wait_for([](const auto& now) { return now.ended.size() == 1; });
  EXPECT_EQ(ended(*over, Stage::kMap, AttemptOutcome::kFailed), 1u);
  EXPECT_EQ(over->totals.failures.at(proto::FailureKind::kException), 1u);
  EXPECT_EQ(over->totals.jobs_ended.at(proto::JobState::kFailed), 1u);

  client.connection().send_bytes("rubbish");
  wait_for([](const auto& now) { return now.totals.frames_rejected == 1; });
}

TEST_F(BoardTest, CountsAWorkerThatIsLost) {
  start_master();
  FakeClient client(address());
  FakeWorker worker(address(), {});
  worker.introduce();
  const JobId job = client.submit(spec());
  static_cast<void>(worker.expect_task());
  let_pass(limits::kWorkerSilence * 3);
  const auto alone = wait_for([](const auto& now) { return now.totals.workers_lost == 1; });
  EXPECT_TRUE(alone->workers.empty());
  EXPECT_EQ(ended(*alone, Stage::kMap, AttemptOutcome::kLost), 1u);
  EXPECT_EQ(alone->totals.failures.at(proto::FailureKind::kWorkerLost), 1u);
  client.ask<proto::Answer>(proto::CancelJob{.job = job});
}

TEST_F(BoardTest, KnowsJobsOfAnEarlierMaster) {
  start_master();
  FakeClient client(address());
  const JobId job = client.submit(spec());
  crash_master();
  start_master();
  const auto resumed = wait_for([](const auto& now) { return now.epoch > 1; });
  ASSERT_EQ(resumed->active.size(), 1u);
  EXPECT_EQ(resumed->active.front()->job, job);
}

}  // namespace
}  // namespace fanfold::master
