// Maps that had better run near their input go there while somebody is free, wait for a while when
// all are busy, and go anywhere then.

#include <gmock/gmock.h>

#include <algorithm>

#include "tests/scheduler/scheduler_test.hpp"

namespace fanfold::master {
namespace {

using testing::HasSubstr;

class SchedulerLocalityTest : public SchedulerTest {
 protected:
  void join_on(std::uint64_t worker, const std::string& host, std::uint32_t slots = 1) {
    host_names[worker] = host;
    join(worker, slots);
  }
  WorkerId worker_of(std::uint32_t map, JobId job = kJob) {
    return assignment(Stage::kMap, map, job).worker;
  }
  std::size_t live_of(JobId job) const {
    return static_cast<std::size_t>(std::count_if(
        live.begin(), live.end(), [&](const AssignAttempt& one) { return one.task.job == job; }));
  }
};

TEST_F(SchedulerLocalityTest, GiveMapsToTheHostsThatTheyPrefer) {
  join_on(1, "a", 2);
  join_on(2, "b", 2);
  submit({.maps = 4, .preferred = {{{"b"}, 2}, {{"a"}, 2}}});
  EXPECT_EQ(worker_of(0), WorkerId{2});
  EXPECT_EQ(worker_of(1), WorkerId{2});
  EXPECT_EQ(worker_of(2), WorkerId{1});
  EXPECT_EQ(worker_of(3), WorkerId{1});
  commit_all_maps();
  EXPECT_EQ(status().locality.maps, 4u);
  EXPECT_EQ(status().locality.there, 4u);
  EXPECT_EQ(status().locality.elsewhere, 0u);
}

TEST_F(SchedulerLocalityTest, WaitForABusyHostAndNoLonger) {
  join_on(1, "a");
  join_on(2, "b");
  submit({.maps = 3, .preferred = {{{"a"}, 3}}});
  EXPECT_EQ(worker_of(0), WorkerId{1});
  EXPECT_EQ(live.size(), 1u);
  wait_with_heartbeats(3s - 1ms);
  EXPECT_EQ(live.size(), 1u);
  wait_with_heartbeats(1ms);
  EXPECT_EQ(live.size(), 2u);
  EXPECT_EQ(worker_of(1), WorkerId{2});
  // What is over is over for all of the stage.
  commit(map(1));
  EXPECT_EQ(worker_of(2), WorkerId{2});
  commit(map(0));
  commit(map(2));
  EXPECT_EQ(status().locality.there, 1u);
  EXPECT_EQ(status().locality.elsewhere, 2u);
}

TEST_F(SchedulerLocalityTest, TakeTheHostAsSoonAsItIsFree) {
  join_on(1, "a");
  join_on(2, "b");
  submit({.maps = 2, .preferred = {{{"a"}, 2}}});
  wait_with_heartbeats(1s);
  commit(map(0));
  EXPECT_EQ(worker_of(1), WorkerId{1});
}

TEST_F(SchedulerLocalityTest, WaitForNobodyWhenTheyAreNotTo) {
  join_on(1, "a");
  join_on(2, "b");
  submit({.maps = 2, .preferred = {{{"a"}, 2}}, .locality_wait_ms = 0});
  EXPECT_EQ(worker_of(0), WorkerId{1});
  EXPECT_EQ(worker_of(1), WorkerId{2});
}

TEST_F(SchedulerLocalityTest, WaitForNobodyWhoIsNotThere) {
  join_on(1, "b");
  submit({.maps = 2, .preferred = {{{"a"}, 2}}});
  EXPECT_EQ(worker_of(0), WorkerId{1});
  commit(map(0));
  EXPECT_EQ(worker_of(1), WorkerId{1});
}

TEST_F(SchedulerLocalityTest, StopWaitingWhenTheHostGoesOrDrains) {
  join_on(1, "a");
  join_on(2, "b");
  submit({.maps = 3, .preferred = {{{"a"}, 3}}});
  drain(1);
  EXPECT_EQ(worker_of(1), WorkerId{2});
  commit(map(1));
  EXPECT_EQ(worker_of(2), WorkerId{2});
}

TEST_F(SchedulerLocalityTest, GoToAHostThatJoinsWhileTheyWait) {
  join_on(1, "a");
  join_on(2, "b");
  submit({.maps = 2, .preferred = {{{"a", "c"}, 2}}});
  EXPECT_EQ(live.size(), 1u);
  join_on(3, "c");
  EXPECT_EQ(worker_of(1), WorkerId{3});
}

TEST_F(SchedulerLocalityTest, KeepFreeWorkersForThoseWhoPreferThem) {
  join_on(1, "a");
  join_on(2, "b");
  // The first of the tasks would go to the first of the workers.
  submit({.maps = 2, .preferred = {{{}, 1}, {{"a"}, 1}}});
  EXPECT_EQ(worker_of(1), WorkerId{1});
  EXPECT_EQ(worker_of(0), WorkerId{2});
}

TEST_F(SchedulerLocalityTest, GiveWhatPrefersNobodyToTheOthers) {
  join_on(1, "a");
  join_on(2, "b");
  submit({.maps = 4, .preferred = {{{"a"}, 2}}});
  EXPECT_EQ(worker_of(0), WorkerId{1});
  EXPECT_EQ(worker_of(2), WorkerId{2});
  commit(map(2));
  EXPECT_EQ(worker_of(3), WorkerId{2});
  EXPECT_EQ(live.size(), 2u);
}

TEST_F(SchedulerLocalityTest, DoNotWaitWithWhatIsTriedAgain) {
  join_on(1, "a");
  join_on(2, "b");
  submit({.maps = 1, .preferred = {{{"a"}, 1}}});
  fail(map(0), FailureKind::kException);
  wait_with_heartbeats(1s);
  EXPECT_EQ(worker_of(0), WorkerId{2});
  leave(2);
  EXPECT_EQ(worker_of(0), WorkerId{1});
}

TEST_F(SchedulerLocalityTest, MakeLostOutputsAgainAtOnce) {
  join_on(1, "a");
  join_on(2, "b");
  submit({.maps = 3, .preferred = {{{"a"}, 3}}});
  commit(map(0));
  leave(1);
  // Somebody else of the host is there, and busy.
  join_on(3, "a");
  EXPECT_EQ(live_on(2), 1u);
  EXPECT_EQ(live_on(3), 1u);
  EXPECT_EQ(status().locality.there, 0u);
}

TEST_F(SchedulerLocalityTest, DoNotHideOtherJobsWhileTheyWait) {
  join_on(1, "a");
  join_on(2, "b");
  for (std::uint64_t job = 1; job <= 40; ++job) {
    submit({.job = JobId{job}, .maps = 2, .preferred = {{{"a"}, 2}}});
  }
  EXPECT_EQ(live.size(), 1u);
  submit({.job = JobId{50}, .maps = 1});
  EXPECT_EQ(worker_of(0, JobId{50}), WorkerId{2});
}

TEST_F(SchedulerLocalityTest, QueueBehindTheHostThatTheyWaitForOnly) {
  join_on(1, "a");
  join_on(2, "b");
  submit({.maps = 2000, .preferred = {{{"a"}, 1000}, {{"b"}, 1000}}, .locality_wait_ms = 60'000});
  for (int i = 0; i < 40; ++i) {
    now.since_origin += 1ms;
    commit(live.front());
  }
  EXPECT_GT(live_on(1), 1u) << "short tasks queue";
  EXPECT_GT(live_on(2), 1u);
  for (const AssignAttempt& one : live) {
    EXPECT_EQ(one.worker, one.task.index < 1000 ? WorkerId{1} : WorkerId{2});
  }
}

TEST_F(SchedulerLocalityTest, QueueBehindTheHostThatTheyWaitForBesideIdleWorkers) {
  join_on(1, "a");
  join_on(2, "b");
  join_on(3, "c");
  submit({.maps = 2000, .preferred = {{{"a"}, 1000}, {{"b"}, 1000}}, .locality_wait_ms = 60'000});
  for (int i = 0; i < 40; ++i) {
    now.since_origin += 1ms;
    commit(live.front());
  }
  EXPECT_GT(live_on(1), 1u) << "short tasks queue";
  EXPECT_GT(live_on(2), 1u);
  EXPECT_EQ(live_on(3), 0u);
}

TEST_F(SchedulerLocalityTest, LeaveQueuesThatStandStillToTheIdle) {
  join_on(1, "a");
  join_on(2, "b", 4);
  submit({.maps = 2000, .preferred = {{{"a"}, 2000}}, .locality_wait_ms = 60'000});
  for (int i = 0; i < 40; ++i) {
    now.since_origin += 1ms;
    commit(live.front());
  }
  ASSERT_GT(live_on(1), 4u);
  wait_with_heartbeats(99ms);
  EXPECT_EQ(live_on(2), 0u);
  wait_with_heartbeats(1ms);
  EXPECT_EQ(live_on(2), 4u);
}

TEST_F(SchedulerLocalityTest, LetThoseThatPreferNobodyQueueElsewhere) {
  join_on(1, "a");
  join_on(2, "b");
  submit({.maps = 2000, .preferred = {{{"a"}, 1000}}, .locality_wait_ms = 60'000});
  for (int i = 0; i < 40; ++i) {
    now.since_origin += 1ms;
    commit(live.front());
  }
  EXPECT_GT(live_on(1), 1u) << "short tasks queue";
  EXPECT_GT(live_on(2), 1u);
  for (const AssignAttempt& one : live) {
    EXPECT_EQ(one.worker, one.task.index < 1000 ? WorkerId{1} : WorkerId{2});
  }
}

TEST_F(SchedulerLocalityTest, AreNotQueuedElsewhereByShortTasks) {
  join_on(1, "a");
  join_on(2, "b");
  submit({.maps = 400, .preferred = {{{"a"}, 400}}, .locality_wait_ms = 60'000});
  for (int i = 0; i < 40; ++i) {
    now.since_origin += 1ms;
    commit(live.front());
  }
  EXPECT_EQ(live_on(2), 0u);
}

TEST_F(SchedulerLocalityTest, GetTheirHostFromQueuesOfShortTasks) {
  join_on(1, "a");
  join_on(2, "b");
  submit({.job = JobId{1}, .maps = 2000});
  for (int i = 0; i < 20; ++i) {
    now.since_origin += 1ms;
    commit(live.front());
  }
  EXPECT_GT(live_on(1), 1u) << "short tasks queue";
  submit({.job = JobId{2}, .maps = 2, .preferred = {{{"a"}, 2}}, .locality_wait_ms = 600'000});
  for (int commits = 0; commits < 1000 && live_of(JobId{2}) == 0; ++commits) {
    now.since_origin += 1ms;
    commit(live.front());
  }
  EXPECT_EQ(worker_of(0, JobId{2}), WorkerId{1});
}

TEST_F(SchedulerLocalityTest, BackUpStragglersAnywhere) {
  join_on(1, "a", 4);
  join_on(2, "b", 4);
  submit({.maps = 4, .preferred = {{{"a"}, 4}}});
  for (std::uint32_t i = 0; i < 3; ++i) commit(map(i));
  wait_with_heartbeats(2s);
  ASSERT_EQ(live.size(), 2u);
  EXPECT_EQ(worker_of(3), WorkerId{2});
}

TEST_F(SchedulerLocalityTest, PlaceReplicasOnOtherWorkers) {
  join_on(1, "a", 2);
  join_on(2, "b", 2);
  submit({.maps = 2,
          .replicas = {.replicas = 2, .accept = proto::AcceptRule::kAll},
          .preferred = {{{"b"}, 2}}});
  EXPECT_EQ(live.size(), 4u);
  EXPECT_EQ(live.front().worker, WorkerId{2});
  EXPECT_EQ(live_on(1), 2u);
}

TEST_F(SchedulerLocalityTest, BeginToWaitWhenTheyCouldStart) {
  join_on(1, "a");
  join_on(2, "b");
  submit({.maps = 2, .control = {.paused = true}, .preferred = {{{"a"}, 2}}});
  wait_with_heartbeats(60s);
  resume();
  EXPECT_EQ(live.size(), 1u);
  wait_with_heartbeats(3s);
  EXPECT_EQ(live.size(), 2u);
}

TEST_F(SchedulerLocalityTest, PreferTheSameAfterARestart) {
  join_on(1, "a");
  join_on(2, "b");
  submit({.maps = 3, .preferred = {{{"b"}, 3}}});
  commit(map(0));
  restart();
  join_on(2, "b");
  join_on(1, "a");
  wait_with_heartbeats(2s);
  EXPECT_EQ(worker_of(1), WorkerId{2});
  EXPECT_EQ(live_on(1), 0u);
  EXPECT_EQ(status().locality.there, 1u);
  wait_with_heartbeats(3s);
  EXPECT_EQ(worker_of(2), WorkerId{1});
}

TEST_F(SchedulerLocalityTest, DoNotWaitAfterARestartWithWhatHasFailed) {
  join_on(1, "a");
  join_on(2, "b");
  submit({.maps = 3, .preferred = {{{"a"}, 3}}});
  fail(map(0), FailureKind::kException);
  fail(map(1), FailureKind::kException);
  restart();
  join_on(1, "a");
  join_on(2, "b");
  wait_with_heartbeats(1s);
  // One that has failed is given to whoever is free, while the other waits for the host.
  EXPECT_EQ(worker_of(2), WorkerId{1});
  EXPECT_EQ(live_on(2), 1u);
}

TEST_F(SchedulerLocalityTest, DoNotWaitInTheSlotsOfReducesThatLackThem) {
  join_on(1, "a");
  submit({.maps = 2, .preferred = {{{"a"}, 2}}});
  commit(map(0));
  commit(map(1));
  miss(reduce(0), {lists[kJob].outputs.front().attempt});
  EXPECT_EQ(worker_of(0), WorkerId{1});
}

TEST_F(SchedulerLocalityTest, SayWhichPreferredHostHasNobody) {
  join_on(1, "a");
  submit({.maps = 3, .preferred = {{{"a"}, 1}, {{"away"}, 2}}});
  ASSERT_EQ(status().notes.size(), 1u);
  EXPECT_THAT(status().notes.front(), HasSubstr("host away"));
  join_on(2, "away");
  EXPECT_EQ(live.size(), 2u);
  EXPECT_TRUE(status().notes.empty());
}

TEST_F(SchedulerLocalityTest, SayOnlyOfThoseThatWaitThatTheirHostHasNobody) {
  join_on(1, "a");
  join_on(2, "b");
  // Somebody is there for the last of them, and all of the first have begun.
  submit({.maps = 4, .preferred = {{{"away"}, 1}, {{"away", "a"}, 3}}});
  ASSERT_EQ(live.size(), 2u);
  EXPECT_THAT(status().notes, testing::IsEmpty());
}

TEST_F(SchedulerLocalityTest, CostLittleWhileTheyWaitForManyBusyHosts) {
  constexpr std::uint32_t kHosts = 1000;
  Plan plan{.maps = 2 * (kHosts - 1), .locality_wait_ms = 3'600'000};
  for (std::uint32_t lane = 1; lane < kHosts; ++lane) {
    Near& near = plan.preferred.emplace_back();
    near.count = 2;
    for (std::uint32_t i = 0; i < 64; ++i) {
      near.hosts.push_back(std::to_string((lane + i) % (kHosts - 1) + 1));
    }
  }
  for (std::uint32_t host = 1; host <= kHosts; ++host) join_on(host, std::to_string(host));
  submit(plan);
  ASSERT_EQ(live.size(), kHosts - 1);
  EXPECT_EQ(live_on(kHosts), 0u);
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < 10'000; ++i) heartbeat(kHosts);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 10s);
  EXPECT_EQ(live_on(kHosts), 0u);
}

}  // namespace
}  // namespace fanfold::master
