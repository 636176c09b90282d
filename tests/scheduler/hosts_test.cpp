// Maps whose input lies on a host run there, wait for it, and fail when it does not come.

#include <gmock/gmock.h>

#include <algorithm>

#include "tests/scheduler/scheduler_test.hpp"

namespace fanfold::master {
namespace {

using testing::HasSubstr;

class SchedulerHostsTest : public SchedulerTest {
 protected:
  void join_at(std::uint64_t worker, const std::string& host, std::uint32_t slots = 1) {
    places[worker] = host;
    join(worker, slots);
  }
  WorkerId worker_of(std::uint32_t map) { return assignment(Stage::kMap, map).worker; }
  std::string notes() const {
    std::string notes;
    for (const std::string& note : status().notes) notes += note + "\n";
    return notes;
  }
  static constexpr Duration kAbsence = limits::kHostAbsence;
};

TEST_F(SchedulerHostsTest, RunMapsWhereTheirInputLies) {
  join_at(1, "a", 2);
  join_at(2, "b", 2);
  submit({.maps = 4, .hosts = {{"b", 3}, {"a", 1}}});
  EXPECT_EQ(worker_of(0), WorkerId{2});
  EXPECT_EQ(worker_of(1), WorkerId{2});
  EXPECT_EQ(worker_of(3), WorkerId{1});
  EXPECT_EQ(live.size(), 3u);
  // The free slot on host a is for nothing of this job.
  commit(map(0));
  EXPECT_EQ(worker_of(2), WorkerId{2});
  commit_all_maps();
  // Reduces read through the network and run anywhere.
  EXPECT_EQ(assigned().size(), 1u);
}

TEST_F(SchedulerHostsTest, RunWhatLiesNowhereCertainAnywhere) {
  join_at(1, "a");
  join(2);
  submit({.maps = 3, .hosts = {{"a", 1}, {"", 2}}});
  EXPECT_EQ(worker_of(0), WorkerId{1});
  EXPECT_EQ(worker_of(1), WorkerId{2});
  commit(map(0));
  EXPECT_EQ(worker_of(2), WorkerId{1});
}

TEST_F(SchedulerHostsTest, ShareAHostAmongItsWorkers) {
  join_at(1, "a");
  join_at(2, "a");
  submit({.maps = 2, .hosts = {{"a", 2}}});
  EXPECT_NE(worker_of(0), worker_of(1));
}

TEST_F(SchedulerHostsTest, WaitForAHostThatIsNotThereAndSayWhy) {
  join_at(1, "a");
  submit({.maps = 2, .hosts = {{"a", 1}, {"b", 1}}});
  EXPECT_EQ(live.size(), 1u);
  EXPECT_THAT(notes(), HasSubstr("1 task waits for a worker on host b"));
  EXPECT_THAT(notes(), testing::Not(HasSubstr("host a")));
  wait_with_heartbeats(kAbsence - 1s);
  join_at(2, "b");
  EXPECT_EQ(worker_of(1), WorkerId{2});
  EXPECT_EQ(notes(), "");
}

TEST_F(SchedulerHostsTest, FailAfterTheyWaitedForTooLong) {
  join_at(1, "a");
  submit({.maps = 2, .hosts = {{"a", 1}, {"b", 1}}});
  commit(map(0));
  wait_with_heartbeats(kAbsence);
  EXPECT_EQ(status().state, JobState::kFailed);
  EXPECT_EQ(status().reason,
            "map task 1 waited 300 s for a worker on host b, where its input lies");
}

TEST_F(SchedulerHostsTest, GoOnWithoutAHostWhenTheJobMay) {
  join_at(1, "a");
  submit({.maps = 4,
          .completion = {.rule = proto::CompletionRule::kAllCompleted},
          .hosts = {{"a", 1}, {"b", 2}, {"c", 1}}});
  commit(map(0));
  wait_with_heartbeats(kAbsence);
  EXPECT_EQ(status().completion.maps_failed, 3u);
  commit(reduce(0));
  published();
  EXPECT_EQ(status().state, JobState::kPartial);
}

TEST_F(SchedulerHostsTest, WaitAnewWhenAHostDiesAgain) {
  join_at(1, "a");
  join_at(2, "b");
  submit({.maps = 1, .hosts = {{"a", 1}}});
  leave(1);
  wait_with_heartbeats(kAbsence - 1s);
  join_at(3, "a");
  EXPECT_EQ(worker_of(0), WorkerId{3});
  leave(3);
  wait_with_heartbeats(kAbsence - 1s);
  EXPECT_EQ(status().state, JobState::kRunning);
  EXPECT_TRUE(live.empty());
  wait_with_heartbeats(1s);
  EXPECT_EQ(status().state, JobState::kFailed);
}

TEST_F(SchedulerHostsTest, MakeLostOutputsAgainOnTheSameHost) {
  join_at(1, "a");
  join_at(2, "b");
  submit({.maps = 2, .hosts = {{"a", 1}, {"b", 1}}});
  commit(map(0));
  commit(map(1));
  leave(1);
  EXPECT_EQ(live_on(2), 0u);
  join_at(3, "a");
  EXPECT_EQ(worker_of(0), WorkerId{3});
}

TEST_F(SchedulerHostsTest, RunAReduceThatMissesAnInputAnew) {
  // The only slot of the host is that of the reduce: it cannot lend it to the map of another job
  // that waits in the same way, so it makes room.
  join_at(1, "a");
  submit({.maps = 1, .hosts = {{"a", 1}}});
  const AttemptId output = map(0).attempt;
  commit(map(0));
  miss(reduce(0), {output});
  EXPECT_EQ(actions<CancelAttempt>().size(), 1u);
  EXPECT_EQ(worker_of(0), WorkerId{1});
}

TEST_F(SchedulerHostsTest, BackUpStragglersOnTheSameHostOnly) {
  join_at(1, "a", 4);
  join_at(2, "b", 4);
  submit({.maps = 4, .hosts = {{"a", 4}}});
  for (std::uint32_t i = 0; i < 3; ++i) commit(map(i));
  wait_with_heartbeats(60s);
  EXPECT_EQ(live.size(), 1u);
  join_at(3, "a");
  ASSERT_EQ(assigned().size(), 1u);
  EXPECT_EQ(assigned()[0].worker, WorkerId{3});
  EXPECT_TRUE(assigned()[0].speculative);
}

TEST_F(SchedulerHostsTest, TryAgainOnTheOnlyWorkerOfAHost) {
  join_at(1, "a");
  join_at(2, "b");
  submit({.maps = 1, .hosts = {{"a", 1}}});
  fail(map(0), FailureKind::kInput);
  wait_with_heartbeats(2s);
  EXPECT_EQ(worker_of(0), WorkerId{1});
  EXPECT_EQ(map(0).attempt_number, 2u);
}

TEST_F(SchedulerHostsTest, CompareWithASecondRunOnTheSameHostOrNone) {
  join_at(1, "a");
  join_at(2, "b");
  submit({.maps = 1, .verify_per_million = 1'000'000, .hosts = {{"a", 1}}});
  commit(map(0));
  commit(reduce(0));
  EXPECT_EQ(status().state, JobState::kPublishing);
}

TEST_F(SchedulerHostsTest, DoNotHideOtherJobs) {
  join_at(1, "a", 2);
  for (std::uint64_t job = 1; job <= 40; ++job) {
    submit({.job = JobId{job}, .maps = 1, .hosts = {{"away", 1}}});
  }
  submit({.job = JobId{50}, .maps = 1});
  submit({.job = JobId{51}, .maps = 1, .hosts = {{"a", 1}}});
  // Those that may wait for long have their turns.
  wait_with_heartbeats(10s);
  EXPECT_EQ(map(0, JobId{50}).worker, WorkerId{1});
  EXPECT_EQ(map(0, JobId{51}).worker, WorkerId{1});
}

TEST_F(SchedulerHostsTest, AreNotStarvedByQueuesOfShortTasks) {
  join_at(1, "a");
  join(2);
  submit({.job = JobId{1}, .maps = 2000});
  for (int i = 0; i < 20; ++i) {
    now.since_origin += 1ms;
    commit(live.front());
  }
  EXPECT_GT(live_on(1), 1u) << "short tasks queue";
  submit({.job = JobId{2}, .maps = 1, .hosts = {{"a", 1}}});
  const auto runs = [&] {
    return std::any_of(live.begin(), live.end(),
                       [](const AssignAttempt& one) { return one.task.job == JobId{2}; });
  };
  int commits = 0;
  for (; commits < 1000 && !runs(); ++commits) {
    now.since_origin += 1ms;
    commit(live.front());
  }
  EXPECT_TRUE(runs());
  EXPECT_LT(commits, 200);
}

TEST_F(SchedulerHostsTest, DoNotHideStragglersThatCanHaveBackups) {
  join_at(1, "alone", 30);
  join_at(2, "a", 4);
  join_at(3, "a", 4);
  submit({.maps = 160, .hosts = {{"alone", 30}, {"a", 130}}});
  for (std::uint32_t i = 30; i < 159; ++i) commit(map(i));
  wait_with_heartbeats(60s);
  std::size_t of_last = 0;
  for (const AssignAttempt& one : live) of_last += one.task.index == 159 ? 1 : 0;
  EXPECT_EQ(of_last, 2u);
}

TEST_F(SchedulerHostsTest, SampleWhereTheSampleLies) {
  join_at(1, "a");
  join_at(2, "b");
  submit(
      {.maps = 2, .reduces = 2, .sample = true, .hosts = {{"a", 1}, {"b", 1}}, .sample_host = "b"});
  EXPECT_EQ(assignment(Stage::kSample, 0).worker, WorkerId{2});
}

TEST_F(SchedulerHostsTest, KeepToTheirPlacesAfterARestart) {
  join_at(1, "a");
  join_at(2, "b");
  submit({.maps = 3, .hosts = {{"a", 1}, {"b", 2}}});
  const AssignAttempt on_a = map(0);
  commit(map(1));
  restart();
  join_at(2, "b");
  // It says that it runs what it cannot have.
  join_with(1, 1, {on_a});
  wait_with_heartbeats(2s);
  EXPECT_EQ(worker_of(0), WorkerId{1});
  EXPECT_EQ(worker_of(2), WorkerId{2});
}

TEST_F(SchedulerHostsTest, DoNotTakeOverWhatRunsInTheWrongPlace) {
  join_at(1, "a");
  submit({.maps = 1, .hosts = {{"a", 1}}});
  const AssignAttempt running = map(0);
  restart();
  places[1] = "b";
  join_with(1, 1, {running});
  EXPECT_EQ(actions<CancelAttempt>().size(), 1u);
}

TEST_F(SchedulerHostsTest, FailASampleThatWaitedForTooLong) {
  join_at(1, "a");
  submit(
      {.maps = 2, .reduces = 2, .sample = true, .hosts = {{"a", 1}, {"b", 1}}, .sample_host = "b"});
  wait_with_heartbeats(kAbsence);
  EXPECT_EQ(status().state, JobState::kFailed);
  EXPECT_THAT(status().reason, HasSubstr("the sampling task waited"));
}

}  // namespace
}  // namespace fanfold::master
