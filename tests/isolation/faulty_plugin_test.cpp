// Each fault of tests/plugins/faulty.cpp costs one attempt and leaves one clear cause.

#include <gmock/gmock.h>

#include "tests/isolation/isolation_fixture.hpp"
#include "worker/isolation/symbolise.hpp"

namespace fanfold::worker {
namespace {

using proto::FailureKind;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

class FaultyPlugin : public IsolationFixture {
 protected:
  /// The failure of an attempt whose third record, at byte 8, is `fault`.
  proto::FailureReport failure_of(const std::string& fault) {
    result_ = run({"one", "two", fault, "four"});
    EXPECT_FALSE(result_.outcome.succeeded);
    return result_.outcome.failure;
  }
  std::vector<std::string> stack() const { return symbolise(result_.crash, result_.plugin); }
  /// The executor that replaces the lost one works.
  void expect_recovery() {
    const AttemptResult after = run({"fine", "fine"});
    EXPECT_TRUE(after.outcome.succeeded) << after.outcome.failure.message;
    EXPECT_EQ(after.outcome.report.records_in, 2u);
  }
  void expect_record(const proto::FailureReport& failure) {
    EXPECT_EQ(failure.record_file, directory_ + "/input1");
    EXPECT_EQ(failure.record_offset, 8u);
  }

  AttemptResult result_;
};

TEST_F(FaultyPlugin, SegmentationFaultNamesAddressRecordAndLine) {
  const auto failure = failure_of("segv");
  EXPECT_EQ(failure.kind, FailureKind::kSignal);
  EXPECT_THAT(failure.message, AllOf(HasSubstr("SIGSEGV"), HasSubstr("null pointer")));
  expect_record(failure);
  const auto lines = stack();
  ASSERT_FALSE(lines.empty());
  EXPECT_THAT(lines[0], AllOf(HasSubstr("write_to_null_pointer"), HasSubstr("faulty.cpp:")));
  EXPECT_THAT(lines, Contains(HasSubstr("Faulty::map")));
  expect_recovery();
}

TEST_F(FaultyPlugin, InlinedFunctionIsNotTakenForItsCaller) {
  failure_of("segv inlined");
  const auto lines = stack();
  ASSERT_GE(lines.size(), 2u);
  EXPECT_THAT(lines[0], AllOf(HasSubstr("inlined"), HasSubstr("at faulty.cpp:")));
  EXPECT_THAT(lines[0], Not(HasSubstr("Faulty::map")));
  EXPECT_THAT(lines[1], AllOf(HasSubstr("Faulty::map("), HasSubstr("at faulty.cpp:")));
}

TEST_F(FaultyPlugin, CallOfNullNamesTheCaller) {
  const auto failure = failure_of("call null");
  EXPECT_EQ(failure.kind, FailureKind::kSignal);
  EXPECT_THAT(stack(), Contains(HasSubstr("call_null_function")));
}

TEST_F(FaultyPlugin, AbortNamesTheFunction) {
  const auto failure = failure_of("abort");
  EXPECT_EQ(failure.kind, FailureKind::kSignal);
  EXPECT_THAT(failure.message, HasSubstr("SIGABRT"));
  EXPECT_THAT(stack(), Contains(HasSubstr("abort_on_purpose")));
  expect_record(failure);
}

TEST_F(FaultyPlugin, ExceptionNamesTypeTextRecordAndThrower) {
  const auto failure = failure_of("throw");
  EXPECT_EQ(failure.kind, FailureKind::kException);
  EXPECT_EQ(failure.message, "std::runtime_error: this record is bad");
  expect_record(failure);
  if (!kSanitized) {
    EXPECT_THAT(stack(), Contains(HasSubstr("throw_on_purpose")));
  }
  expect_recovery();
}

TEST_F(FaultyPlugin, ExceptionOfAnyTypeIsNamed) {
  const auto failure = failure_of("throw int");
  EXPECT_EQ(failure.kind, FailureKind::kException);
  EXPECT_EQ(failure.message, "int");
}

TEST_F(FaultyPlugin, ExceptionInSetupHasNoRecord) {
  ExecutorTask task = map_task({"one"});
  task.assignment.spec.parameters["fail_setup"] = "true";
  const auto failure = run(task).outcome.failure;
  EXPECT_EQ(failure.kind, FailureKind::kException);
  EXPECT_THAT(failure.message, HasSubstr("setup fails on purpose"));
  EXPECT_EQ(failure.record_file, "");
}

TEST_F(FaultyPlugin, TerminateTellsTheUncaughtException) {
  const auto failure = failure_of("terminate");
  EXPECT_EQ(failure.kind, FailureKind::kSignal);
  EXPECT_THAT(failure.message, HasSubstr("uncaught std::runtime_error: this record is bad"));
}

TEST_F(FaultyPlugin, ExitTellsStatusAndCaller) {
  const auto failure = failure_of("exit");
  EXPECT_EQ(failure.kind, FailureKind::kExit);
  EXPECT_THAT(failure.message, HasSubstr("exit status 3"));
  EXPECT_THAT(stack(), Contains(HasSubstr("exit_on_purpose")));
  expect_record(failure);
}

TEST_F(FaultyPlugin, DivisionByZeroIsNamed) {
  EXPECT_THAT(failure_of("divide").message,
              AllOf(HasSubstr("SIGFPE"), HasSubstr("division by zero")));
}

TEST_F(FaultyPlugin, StackOverflowIsNamed) {
  const auto failure = failure_of("recurse");
  EXPECT_EQ(failure.kind, FailureKind::kSignal);
  EXPECT_THAT(failure.message, HasSubstr("stack overflow"));
  EXPECT_THAT(stack(), Contains(HasSubstr("recurse_without_bound")));
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
// Sanitizers lift the memory fence.
TEST_F(FaultyPlugin, LeakEndsAsOutOfMemory) {
  const auto failure = failure_of("leak");
  EXPECT_EQ(failure.kind, FailureKind::kOutOfMemory);
  EXPECT_THAT(failure.message, HasSubstr("--memory"));
  EXPECT_GT(failure.memory.peak_bytes, failure.memory.budget_bytes);
  EXPECT_THAT(stack(), Contains(HasSubstr("leak_without_bound")));
  expect_record(failure);
  expect_recovery();
}
#endif

TEST_F(FaultyPlugin, HangIsKilledWithItsStack) {
  ExecutorTask task = map_task({"one", "hang"});
  pool_.start(steady_clock().now(), task);
  wait_for_record(2);
  // It is looked at meanwhile, first after 50 ms.
  const Instant begin = steady_clock().now();
  while (steady_clock().now() < begin + std::chrono::milliseconds(120)) turn();
  pool_.kill(steady_clock().now(), task.assignment.attempt, FailureKind::kStalled);
  result_ = next_result();
  EXPECT_EQ(result_.outcome.failure.kind, FailureKind::kStalled);
  const proto::MemoryCurve& memory = result_.outcome.failure.memory;
  EXPECT_FALSE(memory.resident_bytes.empty());
  EXPECT_GE(memory.peak_bytes, 1u << 20);
  EXPECT_EQ(memory.budget_bytes, task.memory_bytes);
  EXPECT_EQ(result_.outcome.failure.record_offset, 4u);
#if !defined(__SANITIZE_THREAD__)
  // ThreadSanitizer keeps a signal back until the code that it interrupts calls the C library.
  EXPECT_THAT(stack(), Contains(HasSubstr("hang_for_ever")));
#endif
  expect_recovery();
}

TEST_F(FaultyPlugin, HangThatIgnoresSignalsIsKilledAllTheSame) {
  ExecutorTask task = map_task({"hang deaf"});
  pool_.start(steady_clock().now(), task);
  wait_for_record(1);
  pool_.kill(steady_clock().now(), task.assignment.attempt, FailureKind::kTimeout);
  EXPECT_EQ(next_result().outcome.failure.kind, FailureKind::kTimeout);
  expect_recovery();
}

TEST_F(FaultyPlugin, CrashOfAThreadIsTheAttempts) {
  EXPECT_THAT(failure_of("thread").message, HasSubstr("SIGSEGV"));
  EXPECT_THAT(stack(), Contains(HasSubstr("write_to_null_pointer")));
}

TEST_F(FaultyPlugin, ClosedDescriptorsAreExplained) {
  const auto failure = failure_of("close");
  EXPECT_EQ(failure.kind, FailureKind::kExit);
  EXPECT_THAT(failure.message, HasSubstr("closed file descriptors"));
  expect_recovery();
}

TEST_F(FaultyPlugin, ReplacedDescriptorsAreExplained) {
  const auto failure = failure_of("replace");
  EXPECT_EQ(failure.kind, FailureKind::kExit);
  expect_recovery();
}

TEST_F(FaultyPlugin, RecordBeyondTheLimitIsRefused) {
  const auto failure = failure_of("huge");
  EXPECT_EQ(failure.kind, FailureKind::kException);
  EXPECT_THAT(failure.message, HasSubstr("the limit is 67108864"));
}

TEST_F(FaultyPlugin, EndlessPrintingIsCapped) {
  const AttemptResult result = run({"print", "one"});
  ASSERT_TRUE(result.outcome.succeeded) << result.outcome.failure.message;
  EXPECT_LT(result.log_text.size(), (1u << 20) + 200);
  EXPECT_THAT(result.log_text.substr(500'000, 100'000), HasSubstr("bytes left out"));
}

TEST_F(FaultyPlugin, OutputAndLogArriveWithTheAttempt) {
  const AttemptResult result = run({"say hello", "log hello"});
  ASSERT_TRUE(result.outcome.succeeded);
  EXPECT_THAT(result.log_text,
              AllOf(HasSubstr("hello from user code\n"), HasSubstr("hello from the log\n")));
}

TEST_F(FaultyPlugin, LogTailComesWithAFailure) {
  const auto failure = run({"say hello", "throw"}).outcome.failure;
  EXPECT_THAT(failure.log_tail, HasSubstr("hello from user code"));
}

TEST_F(FaultyPlugin, CrashOfTheFirstAttemptAloneIsGoneInTheSecond) {
  ExecutorTask task = map_task({"segv once"});
  EXPECT_EQ(run(task).outcome.failure.kind, FailureKind::kSignal);
  task.assignment.attempt_number = 2;
  EXPECT_TRUE(run(task).outcome.succeeded);
}

TEST_F(FaultyPlugin, ChildLeftBehindDoesNotKeepTheAttemptFromEnding) {
  EXPECT_TRUE(run({"fork"}).outcome.succeeded);
  expect_recovery();
}

TEST_F(FaultyPlugin, PluginThatChangedIsRefused) {
  ExecutorTask task = map_task({"one"});
  task.assignment.spec.plugin.sha256 = std::string(64, '0');
  const auto failure = run(task).outcome.failure;
  EXPECT_EQ(failure.kind, FailureKind::kPlugin);
  EXPECT_THAT(failure.message, HasSubstr("submit again"));
}

TEST_F(FaultyPlugin, PluginThatThrowsWhenLoadedIsAPluginFailure) {
  ExecutorTask task = map_task({"one"});
  task.assignment.spec.plugin = reference(plugin("broken_throw"));
  const auto failure = run(task).outcome.failure;
  EXPECT_EQ(failure.kind, FailureKind::kPlugin);
  EXPECT_THAT(failure.message, HasSubstr("no licence file"));
}

TEST_F(FaultyPlugin, MissingInputIsAnInputFailure) {
  ExecutorTask task = map_task({"one"});
  task.assignment.split.pieces[0].path = "/nowhere/input";
  const auto failure = run(task).outcome.failure;
  EXPECT_EQ(failure.kind, FailureKind::kInput);
  EXPECT_THAT(failure.message, HasSubstr("/nowhere/input"));
}

}  // namespace
}  // namespace fanfold::worker
