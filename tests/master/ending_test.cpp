// How a master ends and what the next one makes of what it left.

#include <algorithm>
#include <string>

#include "tests/exec/wrapped_file_system.hpp"
#include "tests/master/master_fixture.hpp"

namespace fanfold::master {
namespace {

using namespace std::chrono_literals;
using proto::JobState;

TEST_F(MasterTest, StopsWhenAskedTo) {
  start_master();
  FakeWorker worker(address(), {});
  FakeClient client(address());
  EXPECT_EQ(client.ask<proto::Answer>(proto::StopCluster{}).code, 0);
  worker.expect<proto::Goodbye>();
  EXPECT_TRUE(join_master().ok());
}

TEST_F(MasterTest, CancelsWhatRunsBeforeItStops) {
  start_master();
  FakeWorker worker(address(), {});
  FakeClient client(address());
  FakeClient follower(address());
  const JobId job = client.submit(spec(1));
  const proto::TaskAssignment task = worker.expect_task();
  follower.ask<proto::JobReply>(proto::GetJob{.job = job, .follow = true});
  client.connection().send(proto::StopCluster{});
  EXPECT_EQ(worker.expect<proto::CancelAttempt>().attempt, task.attempt);
  proto::FailureReport killed;
  killed.kind = proto::FailureKind::kCancelled;
  worker.fail(task, killed);
  worker.expect<proto::Goodbye>();
  EXPECT_EQ(client.expect<proto::Answer>().code, 0);
  auto status = follower.expect<proto::JobReply>().status;
  while (!proto::is_final(status.state)) status = follower.expect<proto::JobReply>().status;
  EXPECT_EQ(status.state, JobState::kCancelled);
  EXPECT_TRUE(join_master().ok());
  EXPECT_EQ(staging_directories(), 0u);
}

/// A disk that is full for the first few publications.
class BrieflyFull final : public worker::WrappedFileSystem {
 public:
  explicit BrieflyFull(int refusals) : refusals_(refusals) {}
  Status publish(const std::string& from, const std::string& to, io::Replace replace) override {
    if (refusals_-- > 0) return {StatusCode::kNoSpace, "cannot create " + to + ": no space left"};
    return WrappedFileSystem::publish(from, to, replace);
  }

 private:
  std::atomic<int> refusals_;
};

TEST_F(MasterTest, PublishesWhenThereIsRoomAgain) {
  BrieflyFull files(3);
  use_files(files);
  start_master();
  FakeWorker worker(address(), {});
  FakeClient client(address());
  const JobId job = client.submit(spec(1));
  worker.do_tasks(2);
  const proto::JobStatus status = client.wait(job);
  EXPECT_EQ(status.state, JobState::kSucceeded) << status.reason;
  EXPECT_TRUE(directory().contains("out/_SUCCESS"));
  EXPECT_EQ(staging_directories(), 0u);
  crash_master();  // It uses `files` in threads of its own.
}

TEST_F(MasterTest, RefusesJobsWhileItStops) {
  start_master();
  FakeWorker worker(address(), {});
  FakeClient client(address());
  client.submit(spec(1));
  const proto::TaskAssignment task = worker.expect_task();
  FakeClient stopper(address());
  stopper.connection().send(proto::StopCluster{});
  worker.expect<proto::CancelAttempt>();
  proto::JobSpec late = spec(1);
  late.output = directory().path("late");
  const proto::Answer answer = client.try_submit(late);
  EXPECT_EQ(static_cast<StatusCode>(answer.code), StatusCode::kUnavailable);
  proto::FailureReport killed;
  killed.kind = proto::FailureKind::kCancelled;
  worker.fail(task, killed);
  EXPECT_TRUE(join_master().ok());
}

TEST_F(MasterTest, StopsWithAClearMessageWhenItCannotRecordAFact) {
  start_master();
  FakeClient client(address());
  store().fail_from_now_on();
  client.connection().send(proto::Submit{.spec = spec(1)});
  const Status outcome = join_master();
  EXPECT_EQ(outcome.code(), StatusCode::kNoSpace);
  EXPECT_NE(outcome.message().find("cannot record"), std::string::npos) << outcome.message();
  // The client was promised nothing.
  EXPECT_FALSE(client.connection().receive(0s).has_value());
}

TEST_F(MasterTest, RemembersEndedJobsOverARestart) {
  start_master();
  JobId job;
  {
    FakeWorker worker(address(), {});
    FakeClient client(address());
    job = client.submit(spec(1));
    worker.do_tasks(2);
    client.wait(job);
  }
  crash_master();
  start_master();
  FakeClient client(address());
  const proto::JobStatus status = client.status(job);
  EXPECT_EQ(status.state, JobState::kSucceeded);
  EXPECT_EQ(status.job_name, "word_count");
  EXPECT_EQ(status.counters.at("seen"), 20);
}

TEST_F(MasterTest, NeverGivesAJobIdAgain) {
  start_master();
  JobId first;
  {
    FakeClient client(address());
    first = client.submit(spec(1));
    client.ask<proto::Answer>(proto::CancelJob{.job = first});
    client.wait(first);
  }
  crash_master();
  start_master();
  FakeClient client(address());
  EXPECT_GT(client.submit(spec(1)), first);
}

TEST_F(MasterTest, LeavesItsJobsToTheNextMasterWhenItIsSuspended) {
  start_master();
  FakeWorker worker(address(), {});
  FakeClient client(address());
  const JobId job = client.submit(spec(1));
  worker.hold(worker.expect_task());
  suspend_master();
  start_master();
  worker.introduce();
  FakeClient later(address());
  EXPECT_EQ(later.status(job).state, JobState::kRunning);
}

TEST_F(MasterTest, StopsBeforeItSpeaksWhenAnotherMasterHasTakenOver) {
  start_master();
  FakeWorker worker(address(), {});
  store().take_over();
  FakeClient client(address());
  client.connection().send(proto::GetCluster{});
  const Status outcome = join_master();
  EXPECT_EQ(outcome.code(), StatusCode::kAborted);
  EXPECT_FALSE(client.connection().receive(0s).has_value());
}

TEST_F(MasterTest, StopsInGoodOrderWhenItsDiskIsFull) {
  start_master();
  FakeWorker worker(address(), {});
  FakeClient client(address());
  store().fill();
  const JobId job = client.submit(spec(1));
  const Status outcome = join_master();
  EXPECT_EQ(outcome.code(), StatusCode::kNoSpace);
  EXPECT_NE(outcome.message().find("make room and start it again"), std::string::npos);
  // The last thing that it promised is in the store.
  const StoredState stored = store().stored();
  EXPECT_TRUE(std::any_of(stored.facts.begin(), stored.facts.end(), [&](const StoredFact& one) {
    const auto* accepted = std::get_if<JobAccepted>(&one.fact);
    return accepted != nullptr && accepted->job.job == job;
  }));
}

}  // namespace
}  // namespace fanfold::master
