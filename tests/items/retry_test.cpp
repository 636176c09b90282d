// Retry of the States Language within a child: delays, counters, and which names stand for which
// errors.

#include <gtest/gtest.h>

#include "worker/items/retry.hpp"

namespace fanfold::worker {
namespace {

using items::Json;

TEST(ErrorNames, StandForWhatTheTableOfErrorsSays) {
  struct Row {
    const char* name;
    const char* error;
    bool matches;
  };
  constexpr Row kRows[] = {
      {"States.ALL", "Anything", true},
      {"States.ALL", "Task.Stalled", true},
      {"States.TaskFailed", "Task.Exit", true},
      {"States.TaskFailed", "My.Error", true},
      {"States.TaskFailed", "Task.Timeout", false},
      {"States.TaskFailed", "Task.Stalled", false},
      {"States.Timeout", "Task.Timeout", true},
      {"States.Timeout", "Task.Stalled", true},
      {"States.HeartbeatTimeout", "Task.Stalled", true},
      {"States.HeartbeatTimeout", "Task.Timeout", false},
      {"Task.Timeout", "Task.Timeout", true},
      {"Task.Timeout", "Task.Stalled", false},
      {"My.Error", "My.Error", true},
      {"My.Error", "My.Other", false},
  };
  for (const Row& row : kRows) {
    EXPECT_EQ(error_matches(row.name, row.error), row.matches) << row.name << " " << row.error;
  }
}

std::vector<double> delays_of(const Json& retry, const std::vector<std::string>& errors) {
  Retries retries(&retry);
  std::mt19937_64 random(1);
  std::vector<double> delays;
  for (const std::string& error : errors) {
    const auto delay = retries.next(error, random);
    delays.push_back(delay ? std::chrono::duration<double>(*delay).count() : -1);
  }
  return delays;
}

TEST(Retry, HasTheDefaultsOfTheStatesLanguage) {
  const Json retry = Json::parse(R"([{"ErrorEquals": ["States.ALL"]}])");
  EXPECT_EQ(delays_of(retry, {"a", "b", "c", "d"}), (std::vector<double>{1, 2, 4, -1}));
}

TEST(Retry, KeepsToItsMaximalDelay) {
  const Json retry = Json::parse(
      R"([{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 3, "BackoffRate": 1.5, "MaxDelaySeconds": 5, "MaxAttempts": 4}])");
  EXPECT_EQ(delays_of(retry, {"a", "a", "a", "a", "a"}), (std::vector<double>{3, 4.5, 5, 5, -1}));
}

TEST(Retry, TakesTheFirstThatFitsAndCountsEachByItself) {
  const Json retry = Json::parse(
      R"([{"ErrorEquals": ["A"], "MaxAttempts": 1}, {"ErrorEquals": ["States.ALL"], "MaxAttempts": 2, "IntervalSeconds": 10}])");
  EXPECT_EQ(delays_of(retry, {"A", "B", "B", "B"}), (std::vector<double>{1, 10, 20, -1}));
  EXPECT_EQ(delays_of(retry, {"A", "A"}), (std::vector<double>{1, -1}));
}

TEST(Retry, WithoutAttemptsTriesNothingAgain) {
  const Json retry = Json::parse(R"([{"ErrorEquals": ["States.ALL"], "MaxAttempts": 0}])");
  EXPECT_EQ(delays_of(retry, {"A"}), (std::vector<double>{-1}));
  EXPECT_EQ(delays_of(Json::array(), {"A"}), (std::vector<double>{-1}));
}

TEST(Retry, JittersWithinTheDelay) {
  const Json retry = Json::parse(
      R"([{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 100, "BackoffRate": 1, "MaxAttempts": 50, "JitterStrategy": "FULL"}])");
  double least = 100;
  double most = 0;
  for (const double delay : delays_of(retry, std::vector<std::string>(50, "A"))) {
    EXPECT_GE(delay, 0);
    EXPECT_LE(delay, 100);
    least = std::min(least, delay);
    most = std::max(most, delay);
  }
  EXPECT_LT(least, 25);
  EXPECT_GT(most, 75);
}

}  // namespace
}  // namespace fanfold::worker
