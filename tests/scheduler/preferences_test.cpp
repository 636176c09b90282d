// Preferences of single workers, which are said while a job runs.

#include <gtest/gtest.h>

#include "master/scheduler/stage_tasks.hpp"

namespace fanfold::master::scheduling {
namespace {

constexpr WorkerId kFirst{1};
constexpr WorkerId kSecond{2};

class PreferencesTest : public ::testing::Test {
 protected:
  /// What the worker is given first.
  std::optional<std::uint32_t> take_for(WorkerId worker) {
    const auto index =
        stage.preferences().take_for(worker, "", 16, [](std::uint32_t) { return true; });
    if (index) stage.move(*index, TaskState::kAssigned);
    return index;
  }
  std::optional<std::uint32_t> take_late() {
    const auto index = stage.preferences().take_late(16, [](std::uint32_t) { return true; });
    if (index) stage.move(*index, TaskState::kAssigned);
    return index;
  }
  std::optional<std::uint32_t> take_again() {
    const auto index = stage.preferences().take_again(16, [](std::uint32_t) { return true; });
    if (index) stage.move(*index, TaskState::kAssigned);
    return index;
  }
  std::optional<std::uint32_t> take_plain() {
    if (stage.retries() > 0) {
      const std::uint32_t index = stage.retry_at(0);
      stage.take_retry(0);
      stage.move(index, TaskState::kAssigned);
      return index;
    }
    const auto index = stage.fresh();
    if (!index) return std::nullopt;
    stage.take_fresh();
    stage.move(*index, TaskState::kAssigned);
    return index;
  }
  void fail(std::uint32_t index) { stage.move(index, TaskState::kReady); }

  StageTasks stage{Stage::kReduce, 4};
};

TEST_F(PreferencesTest, AreServedToTheirWorkerAndToNobodyElse) {
  stage.prefer_worker(1, kFirst);
  stage.prefer_worker(2, kSecond);
  EXPECT_TRUE(stage.preferences().is_preferred(1, kFirst, ""));
  EXPECT_FALSE(stage.preferences().is_preferred(0, kFirst, ""));
  EXPECT_EQ(take_for(kFirst), 1u);
  EXPECT_EQ(take_for(kFirst), std::nullopt);
  EXPECT_EQ(take_plain(), 0u);
  EXPECT_EQ(take_plain(), 3u);
  EXPECT_EQ(take_plain(), std::nullopt);
  EXPECT_EQ(take_for(kSecond), 2u);
  EXPECT_EQ(stage.ready(), 0u);
}

TEST_F(PreferencesTest, MoveFromWorkerToWorker) {
  stage.prefer_worker(1, kFirst);
  stage.prefer_worker(1, kSecond);
  EXPECT_EQ(take_for(kFirst), std::nullopt);
  EXPECT_EQ(take_for(kSecond), 1u);
  EXPECT_EQ(stage.preferences().size(), 1u);
}

TEST_F(PreferencesTest, EndAndLeaveTheTaskToAll) {
  stage.prefer_worker(0, kFirst);
  stage.prefer_worker(3, kFirst);
  // Those before the last were passed over.
  EXPECT_EQ(take_plain(), 1u);
  stage.prefer_worker(0, std::nullopt);
  stage.prefer_worker(3, std::nullopt);
  EXPECT_EQ(take_for(kFirst), std::nullopt);
  EXPECT_EQ(take_plain(), 0u);
  EXPECT_EQ(take_plain(), 2u);
  EXPECT_EQ(take_plain(), 3u);
  EXPECT_EQ(stage.preferences().size(), 0u);
}

TEST_F(PreferencesTest, OfATaskThatWasTakenHoldForItsNextAttempt) {
  EXPECT_EQ(take_plain(), 0u);
  stage.prefer_worker(0, kFirst);
  EXPECT_EQ(take_for(kFirst), std::nullopt);
  fail(0);
  EXPECT_EQ(stage.retries(), 0u);
  EXPECT_EQ(take_for(kFirst), 0u);
  fail(0);
  EXPECT_EQ(take_again(), 0u);
  EXPECT_EQ(take_for(kFirst), std::nullopt);
}

TEST_F(PreferencesTest, OfATaskThatWaitsForItsNextAttemptKeepItInReach) {
  EXPECT_EQ(take_plain(), 0u);
  fail(0);
  stage.prefer_worker(0, kFirst);
  EXPECT_EQ(stage.retries(), 0u);
  EXPECT_EQ(take_again(), 0u);
  EXPECT_EQ(take_for(kFirst), std::nullopt);
}

TEST_F(PreferencesTest, LeaveTasksToAllWhenTheWaitIsOver) {
  for (std::uint32_t index = 0; index < 4; ++index) stage.prefer_worker(index, kFirst);
  stage.preferences().note_worker(kFirst, true);
  EXPECT_EQ(take_late(), std::nullopt);
  stage.preferences().end_wait(Instant{});
  EXPECT_EQ(take_for(kFirst), 0u);
  EXPECT_EQ(take_late(), 1u);
  // Said late, when the others of its place are gone.
  EXPECT_EQ(take_late(), 2u);
  stage.prefer_worker(3, kSecond);
  EXPECT_EQ(take_late(), 3u);
  EXPECT_EQ(take_late(), std::nullopt);
}

TEST_F(PreferencesTest, DoNotHideOthersBehindATaskThatHasToGoElsewhere) {
  for (std::uint32_t index = 0; index < 4; ++index) stage.prefer_worker(index, kFirst);
  stage.preferences().note_worker(kFirst, true);
  EXPECT_EQ(take_for(kFirst), 0u);
  fail(0);
  stage.preferences().end_wait(Instant{});
  const auto late_but = [&](std::uint32_t refused) {
    const auto accepts = [&](std::uint32_t index) { return index != refused; };
    EXPECT_EQ(stage.preferences().take_again(16, accepts), std::nullopt);
    const auto index = stage.preferences().take_late(16, accepts);
    if (index) stage.move(*index, TaskState::kAssigned);
    return index;
  };
  EXPECT_EQ(late_but(0), 1u);
  EXPECT_EQ(late_but(0), 2u);
  EXPECT_EQ(take_again(), 0u);
  EXPECT_EQ(take_late(), 3u);
}

TEST_F(PreferencesTest, OfATaskThatAnEarlierMasterTriedBindNobody) {
  stage.prefer_worker(1, kFirst);
  stage.preferences().set_wait(std::chrono::seconds(3));
  stage.preferences().note_worker(kFirst, true);
  stage.preferences().begin_wait(Instant{});
  EXPECT_EQ(take_again(), std::nullopt);
  stage.preferences().note_tried(1);
  stage.preferences().note_tried(0);
  EXPECT_EQ(take_again(), 1u);
  EXPECT_EQ(take_again(), std::nullopt);
}

TEST_F(PreferencesTest, OfWorkersThatAreNotThereBindNobody) {
  stage.prefer_worker(2, kFirst);
  stage.preferences().set_wait(std::chrono::seconds(3));
  stage.preferences().begin_wait(Instant{});
  EXPECT_EQ(take_late(), 2u);
  fail(2);
  stage.preferences().note_worker(kFirst, true);
  EXPECT_EQ(take_late(), std::nullopt);
  EXPECT_EQ(take_for(kFirst), 2u);
}

}  // namespace
}  // namespace fanfold::master::scheduling
