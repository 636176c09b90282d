// Children on their way through the states of a processor, with tasks that are told what to answer.

#include "worker/items/processor.hpp"

#include <gtest/gtest.h>

#include <deque>

namespace fanfold::worker {
namespace {

class ProcessorTest : public testing::Test {
 protected:
  ChildOutcome run(const std::string& states, const Json& input = {{"x", 1}}) {
    auto processor =
        Processor::make({{"StartAt", "A"}, {"States", Json::parse(states)}, {"Context", {}}});
    if (!processor.ok()) {
      ADD_FAILURE() << processor.status().message();
      return {};
    }
    Processor::Doors doors;
    doors.run_task = [this](const TaskCall& call) -> TaskResult {
      inputs.push_back(items::text_of(call.input));
      if (answers.empty()) return Json(call.input);
      TaskResult answer = answers.front();
      answers.pop_front();
      return answer;
    };
    doors.wait = [this](Duration delay) {
      waits.push_back(std::chrono::duration<double>(delay).count());
    };
    return processor->run(5, input, doors);
  }

  std::deque<TaskResult> answers;
  std::vector<std::string> inputs;
  std::vector<double> waits;
};

TEST_F(ProcessorTest, GivesWhatItsTaskGave) {
  answers = {Json(42)};
  const ChildOutcome outcome = run(R"({"A": {"Type": "Task", "End": true}})");
  EXPECT_EQ(outcome.end, ChildEnd::kSucceeded);
  EXPECT_EQ(outcome.output, "42");
  EXPECT_EQ(outcome.attempts, 1u);
  EXPECT_EQ(inputs, (std::vector<std::string>{R"({"x":1})"}));
}

TEST_F(ProcessorTest, AppliesPathsAndPayloadsInTheirOrder) {
  answers = {Json{{"got", {1, 2}}}};
  const ChildOutcome outcome = run(
      R"({"A": {"Type": "Task", "InputPath": "$.in",
                "Parameters": {"p.$": "$.v", "i.$": "$$.Map.Item.Index"},
                "ResultSelector": {"first.$": "$.got[0]"},
                "ResultPath": "$.out", "OutputPath": "$.out", "End": true}})",
      {{"in", {{"v", 9}}}});
  EXPECT_EQ(inputs, (std::vector<std::string>{R"({"i":5,"p":9})"}));
  EXPECT_EQ(outcome.output, R"({"first":1})");
}

TEST_F(ProcessorTest, LeavesOutWhatANullPathLeavesOut) {
  answers = {Json("lost")};
  const ChildOutcome outcome =
      run(R"({"A": {"Type": "Task", "InputPath": null, "ResultPath": null, "End": true}})");
  EXPECT_EQ(inputs, (std::vector<std::string>{"{}"}));
  EXPECT_EQ(outcome.output, R"({"x":1})");
}

TEST_F(ProcessorTest, GoesThroughPassSucceedAndFail) {
  EXPECT_EQ(run(R"({"A": {"Type": "Pass", "Result": 7, "ResultPath": "$.r", "Next": "B"},
                    "B": {"Type": "Succeed", "OutputPath": "$.r"}})")
                .output,
            "7");
  const ChildOutcome failed = run(
      R"json({"A": {"Type": "Fail", "Error": "Mine", "CausePath": "States.Format('x is {}', $.x)"}})json");
  EXPECT_EQ(failed.end, ChildEnd::kFailed);
  EXPECT_EQ(failed.error.name, "Mine");
  EXPECT_EQ(failed.error.cause, "x is 1");
  EXPECT_FALSE(failed.fatal);
}

TEST_F(ProcessorTest, TriesAgainAsItsRetrySaysAndKeepsTheHistory) {
  answers = {TaskError{"Task.Exit", "one"}, TaskError{"Task.Signal", "two"}, Json("good")};
  const ChildOutcome outcome = run(
      R"({"A": {"Type": "Task", "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 2}], "End": true}})");
  EXPECT_EQ(outcome.end, ChildEnd::kSucceeded);
  EXPECT_EQ(outcome.attempts, 3u);
  EXPECT_EQ(waits, (std::vector<double>{2, 4}));
  ASSERT_EQ(outcome.history.size(), 2u);
  EXPECT_EQ(outcome.history[1]["Error"], "Task.Signal");
  EXPECT_EQ(outcome.history[1]["Attempt"], 2);
}

constexpr const char* kCatching =
    R"({"A": {"Type": "Task", "End": true, "Catch": [{"ErrorEquals": ["Skip"], "Next": "skip"},
              {"ErrorEquals": ["Stop"], "Next": "fail"},
              {"ErrorEquals": ["Keep"], "Next": "dead-letter"},
              {"ErrorEquals": ["Mend"], "Next": "B", "ResultPath": "$.error"}]},
        "B": {"Type": "Task", "End": true}})";

TEST_F(ProcessorTest, CatchesOnceNothingIsTriedAgain) {
  answers = {TaskError{"Skip", "c"}};
  EXPECT_EQ(run(kCatching).end, ChildEnd::kSkipped);
  answers = {TaskError{"Stop", "c"}};
  EXPECT_TRUE(run(kCatching).fatal);
  answers = {TaskError{"Keep", "c"}};
  const ChildOutcome kept = run(kCatching);
  EXPECT_EQ(kept.end, ChildEnd::kFailed);
  EXPECT_FALSE(kept.fatal);
  answers = {TaskError{"Other", "c"}};
  EXPECT_EQ(run(kCatching).error.name, "Other");
  answers = {TaskError{"Mend", "c"}};
  const ChildOutcome mended = run(kCatching);
  EXPECT_EQ(mended.end, ChildEnd::kSucceeded);
  EXPECT_EQ(mended.output, R"({"error":{"Cause":"c","Error":"Mend"},"x":1})");
}

TEST_F(ProcessorTest, FailsTheChildWhereAPathLeadsNowhere) {
  const ChildOutcome outcome =
      run(R"({"A": {"Type": "Task", "Parameters": {"p.$": "$.none"}, "End": true}})");
  EXPECT_EQ(outcome.error.name, "States.ParameterPathFailure");
  EXPECT_TRUE(inputs.empty());
}

TEST_F(ProcessorTest, EndsACircle) {
  EXPECT_EQ(run(R"({"A": {"Type": "Pass", "Next": "A"}})").error.name, "States.Runtime");
}

TEST(Processor, RefusesADamagedDefinition) {
  EXPECT_FALSE(Processor::make(Json::object()).ok());
  EXPECT_FALSE(Processor::make({{"StartAt", "A"}, {"States", Json::object()}}).ok());
  EXPECT_FALSE(Processor::make({{"StartAt", "A"}, {"States", {{"A", {{"Type", 1}}}}}}).ok());
}

}  // namespace
}  // namespace fanfold::worker
