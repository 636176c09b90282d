// A master among clients and workers of the version of the protocol before its own.

#include <gmock/gmock.h>

#include "common/proto/codec.hpp"
#include "master/service/older_workers.hpp"
#include "master/service/peer_versions.hpp"
#include "tests/master/master_fixture.hpp"

namespace fanfold::master {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr std::uint32_t kBefore = proto::kProtocolBefore;

TEST_F(MasterTest, RunsAJobForAClientOnAWorkerOfTheVersionBefore) {
  start_master();
  FakeWorker worker(address(), {.protocol = kBefore});
  FakeClient client(address(), kBefore);
  worker.heartbeat({});
  worker.expect<proto::HeartbeatEcho>();
  const JobId job = client.submit(spec_with_splits(2, 1));
  proto::FailureReport failure;
  failure.kind = proto::FailureKind::kException;
  failure.message = "thrown";
  worker.fail(worker.expect_task(), failure);
  worker.do_tasks(3);
  const proto::JobStatus status = client.wait(job);
  EXPECT_EQ(status.state, proto::JobState::kSucceeded);
  EXPECT_EQ(status.counters.at("seen"), 30);
  // What has been said of its parts since can be asked for, too.
  EXPECT_EQ(client.ask<proto::ClusterReply>(proto::GetCluster{}).workers.size(), 1u);
  EXPECT_EQ(client.ask<proto::Logs>(proto::GetLogs{.job = job, .task = {}}).entries.size(), 4u);
  EXPECT_EQ(client.ask<proto::JobList>(proto::ListJobs{}).jobs.size(), 1u);
}

TEST_F(MasterTest, SaysThatPluginsDoNotTravelToAWorkerOfTheVersionBefore) {
  start_master();
  FakeWorker worker(address(), {.protocol = kBefore});
  FakeClient client(address());
  proto::JobSpec once = spec(1);
  once.attempts_max = 1;
  const JobId job = client.submit(once);
  proto::FailureReport failure;
  failure.kind = proto::FailureKind::kPlugin;
  failure.message = "cannot open '/home/me/mine.so'";
  worker.fail(worker.expect_task(), failure);
  EXPECT_THAT(client.wait(job).first_cause.message,
              testing::AllOf(HasSubstr("mine.so"), HasSubstr("protocol 6")));
}

TEST_F(MasterTest, TellsEachOfItsPeersWhatItsVersionKnows) {
  start_master();
  FakeWorker older(address(), {.name = "older", .protocol = kBefore});
  FakeWorker newer(address(), {.name = "newer"});
  FakeClient older_client(address(), kBefore);
  FakeClient newer_client(address());
  const JobId job = newer_client.submit(spec_with_splits(2, 1));
  // Both follow one job: each change goes to both.
  older_client.connection().send(proto::GetJob{.job = job, .follow = true});
  older_client.expect<proto::JobReply>();
  newer.do_task(newer.expect_task());
  older.do_task(older.expect_task());
  FakeWorker* const workers[] = {&older, &newer};
  FakeWorker* reducer = nullptr;
  const Instant deadline = steady_clock().now() + 20s;
  while (reducer == nullptr && steady_clock().now() < deadline) {
    for (FakeWorker* worker : workers) {
      worker->heartbeat({});
      worker->expect<proto::HeartbeatEcho>();
      if (worker->unread<proto::Assign>() > 0) reducer = worker;
    }
  }
  ASSERT_NE(reducer, nullptr);
  reducer->do_tasks(1);
  EXPECT_EQ(newer_client.wait(job).state, proto::JobState::kSucceeded);
  proto::JobReply last = older_client.expect<proto::JobReply>();
  while (!proto::is_final(last.status.state)) last = older_client.expect<proto::JobReply>();
  EXPECT_EQ(last.status.state, proto::JobState::kSucceeded);
}

TEST_F(MasterTest, FindsOutTheVersionOfAWorkerThatItDoesNotKnow) {
  start_master();
  FakeWorker worker(address(), {.protocol = kBefore});
  crash_master();
  start_master();
  // It is the first that this master hears of it, and says no version.
  worker.heartbeat({});
  worker.expect<proto::Unknown>();
  worker.introduce();
  worker.heartbeat({});
  worker.expect<proto::HeartbeatEcho>();
}

TEST_F(MasterTest, RefusesOtherVersionsWithAllNumbersAndCountsThem) {
  start_master();
  FakeClient client(address());
  for (const std::uint32_t protocol : {kBefore - 1, proto::kProtocolVersion + 1}) {
    proto::Hello hello;
    hello.protocol = protocol;
    client.connection().send(hello);
    const auto answer = client.expect<proto::Answer>();
    EXPECT_EQ(answer.code, static_cast<std::uint8_t>(StatusCode::kInvalidArgument));
    const auto refusal = proto::read_refusal(answer.message);
    ASSERT_TRUE(refusal.has_value()) << answer.message;
    EXPECT_EQ(refusal->refused, protocol);
    EXPECT_EQ(refusal->spoken, proto::kProtocolVersion);
    EXPECT_THAT(answer.message, HasSubstr(" and " + std::to_string(kBefore)));
  }
  const auto is_version = static_cast<std::size_t>(Refusal::kVersion);
  const Instant deadline = steady_clock().now() + 20s;
  std::uint64_t refused = 0;
  while (refused != 2 && steady_clock().now() < deadline) {
    const auto snapshot = board().latest();
    if (snapshot) refused = snapshot->totals.refused[is_version];
  }
  EXPECT_EQ(refused, 2u);
}

TEST_F(MasterTest, RefusesAJobThatAWorkerOfTheVersionBeforeCouldNotDo) {
  start_master();
  FakeWorker worker(address(), {.name = "older", .protocol = kBefore});
  FakeClient client(address());
  proto::JobSpec gathering = spec(2);
  gathering.gather = {.how = abi::Gather::kConcat, .arity = 2};
  const proto::Answer refused = client.try_submit(gathering);
  EXPECT_EQ(refused.code, static_cast<std::uint8_t>(StatusCode::kUnavailable));
  EXPECT_THAT(refused.message, HasSubstr("worker older speaks protocol 6 and does not know "
                                         "gathering of results"));
  const JobId job = client.submit(spec(1));
  worker.do_tasks(2);
  EXPECT_EQ(client.wait(job).state, proto::JobState::kSucceeded);
}

TEST_F(MasterTest, RefusesAWorkerOfTheVersionBeforeWhileAJobRunsThatItCouldNotDo) {
  start_master();
  FakeWorker newer(address(), {});
  FakeClient client(address());
  FakeClient older_client(address(), kBefore);
  proto::JobSpec gathering = spec(2);
  gathering.gather = {.how = abi::Gather::kConcat, .arity = 2};
  const JobId job = client.submit(gathering);
  // It says so to a worker in an Answer, which is what a client hears.
  proto::Hello hello = newer.hello();
  hello.uuid = "older";
  hello.protocol = kBefore;
  older_client.connection().send(hello);
  const auto refused = older_client.expect<proto::Answer>();
  EXPECT_EQ(refused.code, static_cast<std::uint8_t>(StatusCode::kUnavailable));
  EXPECT_THAT(refused.message, HasSubstr("needs gathering of results"));
  // Nor can a command of that version show it.
  older_client.connection().send(proto::GetJob{.job = job});
  EXPECT_THAT(older_client.expect<proto::Answer>().message,
              HasSubstr("cannot show gathering of results"));
}

TEST_F(MasterTest, TakesBackAWorkerOfTheVersionBeforeWhateverJobHasComeMeanwhile) {
  start_master();
  FakeWorker worker(address(), {.slots = 4, .protocol = kBefore});
  crash_master();
  start_master();
  FakeClient client(address());
  proto::JobSpec folding = spec_with_splits(2, 1);
  folding.fold_hot = true;
  folding.hot_partition_bytes = 1;
  const JobId job = client.submit(folding);
  worker.introduce();
  // There would be two shares, and a reduce that waits for them.
  worker.do_tasks(3);
  EXPECT_EQ(client.wait(job).state, proto::JobState::kSucceeded);
}

TEST_F(MasterTest, RefusesAWorkerOfTheVersionBeforeWhileAHotPartitionIsShared) {
  start_master();
  FakeWorker newer(address(), {.slots = 4});
  FakeClient client(address());
  proto::JobSpec folding = spec_with_splits(2, 1);
  folding.fold_hot = true;
  folding.hot_partition_bytes = 1;
  const JobId job = client.submit(folding);
  newer.do_tasks(2);
  const proto::TaskAssignment share = newer.expect_task();
  EXPECT_TRUE(share.share.is_share());
  FakeClient older(address(), kBefore);
  proto::Hello hello = newer.hello();
  hello.uuid = "older";
  hello.protocol = kBefore;
  older.connection().send(hello);
  const auto refused = older.expect<proto::Answer>();
  EXPECT_EQ(refused.code, static_cast<std::uint8_t>(StatusCode::kUnavailable));
  EXPECT_THAT(refused.message,
              HasSubstr("job " + std::to_string(job.value) + " needs sharing of hot partitions"));
}

/// As if a job needed what came with this version.
std::string knows_nothing_new(std::uint32_t protocol, const proto::JobSpec& spec) {
  return protocol == kBefore && spec.speculate ? "speculation" : "";
}

TEST(OlderWorkers, AreNeverThereTogetherWithJobsThatTheyCouldNotDo) {
  WorkerDirectory workers(1, 0);
  proto::JobSpec spec;
  EXPECT_TRUE(check_workers_know(workers, spec, knows_nothing_new).ok());
  proto::Hello hello;
  hello.uuid = "one";
  hello.name = "newer";
  workers.introduce({"1"}, hello, "");
  EXPECT_TRUE(check_workers_know(workers, spec, knows_nothing_new).ok());
  hello.uuid = "other";
  hello.name = "older";
  hello.protocol = kBefore;
  const WorkerId older = workers.introduce({"2"}, hello, "").worker->worker;
  const Status refused = check_workers_know(workers, spec, knows_nothing_new);
  EXPECT_EQ(refused.code(), StatusCode::kUnavailable);
  EXPECT_THAT(refused.message(),
              HasSubstr("worker older speaks protocol 6 and does not know speculation"));
  EXPECT_TRUE(check_workers_know(workers, spec).ok()) << "it is nothing new";
  spec.speculate = false;
  EXPECT_TRUE(check_workers_know(workers, spec, knows_nothing_new).ok());
  spec.speculate = true;
  workers.remove(older);
  EXPECT_TRUE(check_workers_know(workers, spec, knows_nothing_new).ok());

  JobRecords jobs(10);
  EXPECT_TRUE(check_knows_jobs(kBefore, jobs, knows_nothing_new).ok());
  const JobId job = jobs.add(spec, "unique", {}).job();
  EXPECT_TRUE(check_knows_jobs(proto::kProtocolVersion, jobs, knows_nothing_new).ok());
  EXPECT_TRUE(check_knows_jobs(kBefore, jobs).ok());
  const Status kept_out = check_knows_jobs(kBefore, jobs, knows_nothing_new);
  EXPECT_EQ(kept_out.code(), StatusCode::kUnavailable);
  EXPECT_THAT(kept_out.message(),
              HasSubstr("job " + std::to_string(job.value) + " needs speculation"));
  jobs.forget(job);
  EXPECT_TRUE(check_knows_jobs(kBefore, jobs, knows_nothing_new).ok());
}

TEST(PeerVersions, ForgetNobodyWhoSpeaksWhileFewDo) {
  PeerVersions versions;
  const net::PeerId peer{"p"};
  EXPECT_EQ(versions.of(peer), proto::kProtocolVersion);
  versions.note(peer, kBefore);
  for (int i = 0; i < 10'000; ++i) versions.note({std::to_string(i)}, kBefore);
  EXPECT_EQ(versions.of(peer), kBefore);
  versions.note(peer, proto::kProtocolVersion);
  EXPECT_EQ(versions.of(peer), proto::kProtocolVersion);
}

}  // namespace
}  // namespace fanfold::master
