// Map and reduce tasks whose system calls fail, one after the other: what they give is right, or
// there is a clear reason why not; and nothing stays open.

#include "tests/support/failing_calls.hpp"

#include <filesystem>

#include "tests/exec/exec_fixture.hpp"

namespace fanfold::worker {
namespace {

class FailingCalls : public ExecFixture, public testing::WithParamInterface<support::FailureCase> {
 protected:
  using Contents = std::map<std::string, std::string>;

  void SetUp() override {
    map_.job = &job_info<ListLines>();
    map_.inputs = {input("text", text_of(7, 90'000, 200))};
    // The least a task can do with: it spills, and merges what it spilled.
    map_.memory_bytes = kTiny;
  }

  /// Everything of its attempt that another process would read.
  Contents result_of(const Plan& plan, const Run& run) const {
    Contents contents;
    if (plan.stage == Stage::kMap) {
      contents["output.run"] = contents_of_run(output_path(run.attempt));
      return contents;
    }
    for (const io::PartInfo& part : run.report().files) {
      contents[part.name] = staged(run.attempt, part.name);
    }
    return contents;
  }

  void expect_right_or_explained(const Plan& plan) {
    const Run undisturbed = run(plan);
    ASSERT_TRUE(undisturbed.ok()) << undisturbed.failure().message;
    const Contents expected = result_of(plan, undisturbed);
    clean_up(undisturbed.attempt);
    const auto descriptors = support::open_descriptors();
    const auto rounds = support::for_each_failing_call(
        GetParam().failure, GetParam().sticky, [&](const std::string& what) {
          const Run disturbed = run(plan);
          const std::uint64_t failed = support::disarm();
          SCOPED_TRACE(what);
          if (disturbed.ok()) {
            EXPECT_EQ(result_of(plan, disturbed), expected);
          } else {
            EXPECT_FALSE(GetParam().failure.harmless) << disturbed.failure().message;
            expect_explained(disturbed.failure());
          }
          EXPECT_EQ(support::open_descriptors(), descriptors);
          clean_up(disturbed.attempt);
          return failed;
        });
    // Without a failure this shows nothing.
    EXPECT_GT(rounds, GetParam().failure.calls == (0 | support::Call::kMap) ? 0u : 1u);
  }

  void expect_explained(const proto::FailureReport& failure) const {
    EXPECT_FALSE(proto::charged_to_task(failure.kind))
        << proto::name_of(failure.kind) << ": " << failure.message;
    EXPECT_NE(failure.message.find(directory_.path()), std::string::npos) << failure.message;
    if (GetParam().failure.error == ENOSPC) {
      EXPECT_EQ(failure.kind, FailureKind::kNoSpace);
    }
  }

  /// As the worker does with what did not commit; the next attempt needs the space.
  void clean_up(AttemptId attempt) const {
    std::filesystem::remove_all(scratch(attempt));
    std::filesystem::remove_all(directory_.path("staging/" + std::to_string(attempt.value)));
  }

  Plan map_;
};

TEST_P(FailingCalls, OfAMapThatSpillsAndMerges) {
  const Run map = run(map_);
  ASSERT_TRUE(map.ok());
  ASSERT_GT(map.report().spills, 1u);
  clean_up(map.attempt);
  expect_right_or_explained(map_);
}

TEST_P(FailingCalls, OfAReduceThatMergesFiles) {
  Plan reduce;
  reduce.job = map_.job;
  reduce.stage = Stage::kReduce;
  reduce.index = 1;
  reduce.memory_bytes = kTiny;
  for (std::uint32_t split = 0; split < 3; ++split) {
    map_.index = split;
    const Run map = run(map_);
    ASSERT_TRUE(map.ok()) << map.failure().message;
    reduce.segments.push_back(local(map, split));
  }
  expect_right_or_explained(reduce);
}

INSTANTIATE_TEST_SUITE_P(Each, FailingCalls,
                         testing::ValuesIn(support::cases_of(support::failures_of_files())),
                         [](const auto& info) { return testing::PrintToString(info.param); });

}  // namespace
}  // namespace fanfold::worker
