// What a job may not ask for, and that a refusal after planning leaves nothing behind.

#include "master/service/completion.hpp"

#include <vector>

#include "tests/master/master_fixture.hpp"

namespace fanfold::master {
namespace {

using namespace std::chrono_literals;
using proto::CompletionRule;
using proto::JobSpec;

struct Refused {
  const char* because;
  void (*spoil)(JobSpec& spec);
};

TEST(CheckCompletion, SaysWhatIsWrongWhateverTheInput) {
  const std::vector<Refused> rows = {
      {"takes no number",
       [](JobSpec& s) {
         s.completion = {CompletionRule::kFirst, 2, 0};
       }},
      {"only min-successful",
       [](JobSpec& s) {
         s.completion = {CompletionRule::kQuorum, 0, 5};
       }},
      {"at least one",
       [](JobSpec& s) {
         s.completion = {CompletionRule::kMinSuccessful, 0, 0};
       }},
      {"at least one",
       [](JobSpec& s) {
         s.completion = {CompletionRule::kMinSuccessful, 1, 1};
       }},
      {"more than all",
       [](JobSpec& s) {
         s.completion = {CompletionRule::kMinSuccessful, 0, 1'000'001};
       }},
      {"ten years", [](JobSpec& s) { s.deadline_ms = UINT64_MAX; }},
      {"no deadline", [](JobSpec& s) { s.on_deadline = proto::OnDeadline::kPartial; }},
  };
  EXPECT_TRUE(check_completion(JobSpec()).ok());
  for (const Refused& row : rows) {
    JobSpec spec;
    row.spoil(spec);
    const Status refused = check_completion(spec);
    EXPECT_EQ(refused.code(), StatusCode::kInvalidArgument) << row.because;
    EXPECT_NE(refused.message().find(row.because), std::string::npos) << refused.message();
  }
}

TEST(CheckCompletion, SaysWhatIsWrongWithTheInputThatThereIs) {
  const auto refused = [](proto::CompletionPolicy policy, std::size_t maps) {
    JobSpec spec;
    spec.completion = policy;
    return check_completion(spec, maps, 0ms).message();
  };
  EXPECT_EQ(refused({CompletionRule::kMinSuccessful, 3, 0}, 3), "");
  EXPECT_NE(refused({CompletionRule::kMinSuccessful, 4, 0}, 3).find("only 3 map tasks"),
            std::string::npos);
  EXPECT_NE(refused({CompletionRule::kQuorum, 5, 0}, 3).find("can never be met"),
            std::string::npos);
  EXPECT_NE(refused({CompletionRule::kQuorum, 2, 0}, 4).find("no majority"), std::string::npos);
  EXPECT_EQ(refused({CompletionRule::kQuorum, 3, 0}, 4), "");
  EXPECT_NE(refused({CompletionRule::kFirst, 0, 0}, 0).find("makes none"), std::string::npos);
  EXPECT_EQ(refused({CompletionRule::kAllCompleted, 0, 0}, 0), "");
  JobSpec late;
  late.deadline_ms = 2000;
  EXPECT_TRUE(check_completion(late, 3, 1999ms).ok());
  EXPECT_NE(check_completion(late, 3, 2s).message().find("looking at the input took 2.000 s"),
            std::string::npos);
}

TEST(CheckRetry, SaysWhatIsWrong) {
  const std::vector<Refused> rows = {
      {"no ErrorEquals", [](JobSpec& s) { s.retry = {{}}; }},
      {"'Task.Odd'", [](JobSpec& s) { s.retry = {{.errors = {"Task.Odd"}}}; }},
      {"stand alone",
       [](JobSpec& s) {
         s.retry = {{.errors = {"States.ALL", "Task.Exit"}}};
       }},
      {"last",
       [](JobSpec& s) {
         s.retry = {{.errors = {"States.ALL"}}, {.errors = {"Task.Exit"}}};
       }},
      {"below 1.0",
       [](JobSpec& s) { s.retry = {{.errors = {"Task.Exit"}, .backoff_per_mille = 999}}; }},
      {"above 1000",
       [](JobSpec& s) { s.retry = {{.errors = {"Task.Exit"}, .backoff_per_mille = UINT32_MAX}}; }},
      {"a day",
       [](JobSpec& s) { s.retry = {{.errors = {"Task.Exit"}, .interval_ms = UINT64_MAX}}; }},
      {"100 are allowed",
       [](JobSpec& s) { s.retry = {{.errors = {"Task.Exit"}, .attempts_max = UINT32_MAX}}; }},
      {"not both",
       [](JobSpec& s) {
         s.retry = {{.errors = {"Task.Exit"}}};
         s.attempts_max = 4;
       }},
  };
  for (const Refused& row : rows) {
    JobSpec spec;
    row.spoil(spec);
    const Status refused = check_retry(spec);
    EXPECT_EQ(refused.code(), StatusCode::kInvalidArgument) << row.because;
    EXPECT_NE(refused.message().find(row.because), std::string::npos) << refused.message();
  }
}

TEST_F(MasterTest, RefusesAPolicyThatCanNeverBeMetAndLeavesNoStaging) {
  start_master();
  FakeClient client(address());
  JobSpec asking = spec(1);
  asking.completion = {CompletionRule::kQuorum, 500, 0};
  const proto::Answer answer = client.try_submit(asking);
  EXPECT_EQ(static_cast<StatusCode>(answer.code), StatusCode::kInvalidArgument);
  EXPECT_NE(answer.message.find("quorum=500"), std::string::npos) << answer.message;
  EXPECT_TRUE(client.ask<proto::JobList>(proto::ListJobs{}).jobs.empty());
  client.ask<proto::Answer>(proto::StopCluster{});
  EXPECT_EQ(staging_directories(), 0u);
}

}  // namespace
}  // namespace fanfold::master
