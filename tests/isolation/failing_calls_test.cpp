// Executors whose processes, descriptors and memory are refused, one call after the other, in the
// worker, in the zygote or in the executor itself: the attempt succeeds, or fails for a reason that
// is not held against its task; and neither a descriptor nor a process is left.

#include "tests/support/failing_calls.hpp"

#include <optional>

#include "tests/isolation/isolation_fixture.hpp"

namespace fanfold::worker {
namespace {

/// What became of one attempt: a result, or the reason why the worker has to go.
struct Round {
  std::optional<AttemptResult> result;
  std::string gone;
};

class FailingCalls : public IsolationFixture,
                     public testing::WithParamInterface<support::FailureCase> {
 protected:
  Round run_with_a_zygote_of_its_own(const ExecutorTask& task) const {
    auto zygote = Zygote::start();
    if (!zygote.ok()) return {std::nullopt, zygote.status().message()};
    ExecutorPool pool(*zygote, kExecutors);
    pool.start(steady_clock().now(), task);
    for (;;) {
      auto results = pool.take_results();
      if (!results.empty()) return {std::move(results.front()), ""};
      wait_for(pool);
      const Status pumped = pool.pump(steady_clock().now());
      if (!pumped.ok()) return {std::nullopt, pumped.message()};
      for (const FileWanted& wanted : pool.take_wanted()) {
        pool.bring({wanted.attempt, wanted.sha256,
                    Status(StatusCode::kNotFound, "nobody brings files here")});
      }
    }
  }

  static void wait_for(const ExecutorPool& pool) {
    std::vector<pollfd> watched;
    for (const int descriptor : pool.descriptors()) watched.push_back({descriptor, POLLIN, 0});
    int wait_ms = -1;
    if (const auto deadline = pool.next_deadline()) {
      const Duration left = std::max(*deadline - steady_clock().now(), Duration(0));
      wait_ms = static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count());
    }
    ::poll(watched.data(), watched.size(), wait_ms);
  }

  static std::vector<std::string> children() {
    std::ifstream file("/proc/self/task/" + std::to_string(::getpid()) + "/children");
    std::vector<std::string> found;
    for (std::string child; file >> child;) found.push_back(child);
    return found;
  }

  void expect_explained(const Round& round) const {
    EXPECT_FALSE(GetParam().failure.harmless);
    if (!round.result) {
      EXPECT_FALSE(round.gone.empty());
      return;
    }
    const proto::FailureReport& failure = round.result->outcome.failure;
    EXPECT_FALSE(proto::charged_to_task(failure.kind))
        << proto::name_of(failure.kind) << ": " << failure.message;
    EXPECT_FALSE(failure.message.empty());
  }
};

TEST_P(FailingCalls, OfAnAttemptInAProcessOfItsOwn) {
  const ExecutorTask first = map_task({"b", "a", "b"});
  ASSERT_TRUE(run_with_a_zygote_of_its_own(first).result->outcome.succeeded);
  const auto descriptors = support::open_descriptors();
  const auto processes = children();
  ExecutorTask task;
  const auto rounds = support::for_each_failing_call(
      GetParam().failure, GetParam().sticky,
      [&](const std::string& what) {
        const Round round = run_with_a_zygote_of_its_own(task);
        const std::uint64_t failed = support::disarm();
        SCOPED_TRACE(what);
        if (round.result && round.result->outcome.succeeded) {
          EXPECT_EQ(round.result->outcome.report.records_in, 3u);
          EXPECT_TRUE(std::filesystem::exists(task.scratch + "/output.run"));
        } else {
          expect_explained(round);
        }
        EXPECT_EQ(support::open_descriptors(), descriptors);
        EXPECT_EQ(children(), processes);
        return failed;
      },
      [&] {
        task = map_task({"b", "a", "b"});
      });
  EXPECT_GT(rounds, 1u);
}

INSTANTIATE_TEST_SUITE_P(Each, FailingCalls,
                         testing::ValuesIn(support::cases_of(support::failures_of_processes())),
                         [](const auto& info) { return testing::PrintToString(info.param); });

}  // namespace
}  // namespace fanfold::worker
