// What attempts write, asked for while they run and later.

#include <gmock/gmock.h>

#include <future>

#include "tests/master/master_fixture.hpp"

namespace fanfold::master {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class OutputTest : public MasterTest {
 protected:
  void SetUp() override {
    start_master();
    client_.emplace(address());
    worker_.emplace(address(), WorkerTraits{});
    job_ = client_->submit(spec());
    task_ = worker_->expect_task();
  }
  void ask(FakeClient& client, std::uint64_t offset) {
    client.connection().send(
        proto::GetOutput{.job = job_, .attempt = task_.attempt, .offset = offset});
  }
  /// What the worker has written so far.
  void answer(const std::string& written) {
    const auto question = worker_->expect<proto::ReadOutput>();
    EXPECT_EQ(question.attempt, task_.attempt);
    worker_->connection().send(proto::OutputPart{.worker = worker_->id(),
                                                 .attempt = question.attempt,
                                                 .offset = question.offset,
                                                 .bytes = written.substr(question.offset)});
  }

  std::optional<FakeClient> client_;
  std::optional<FakeWorker> worker_;
  JobId job_;
  proto::TaskAssignment task_;
};

TEST_F(OutputTest, OfARunningAttemptComesFromItsWorker) {
  ask(*client_, 0);
  answer("one\n");
  const auto first = client_->expect<proto::Output>();
  EXPECT_EQ(first.bytes, "one\n");
  EXPECT_FALSE(first.ended);
  ask(*client_, 4);
  answer("one\ntwo\n");
  const auto second = client_->expect<proto::Output>();
  EXPECT_EQ(second.offset, 4u);
  EXPECT_EQ(second.bytes, "two\n");
}

TEST_F(OutputTest, GoesToEverybodyWhoAsked) {
  FakeClient other(address());
  ask(*client_, 0);
  ask(other, 0);
  answer("one\n");
  answer("one\n");
  EXPECT_EQ(client_->expect<proto::Output>().bytes, "one\n");
  EXPECT_EQ(other.expect<proto::Output>().bytes, "one\n");
}

TEST_F(OutputTest, OfAnAttemptThatEndsMeanwhileComesFromItsReport) {
  ask(*client_, 2);
  static_cast<void>(worker_->expect<proto::ReadOutput>());
  // The worker's answer is lost; the attempt ends.
  proto::FailureReport failure;
  failure.kind = proto::FailureKind::kException;
  worker_->fail(task_, failure, "one\ntwo\n");
  const auto rest = client_->expect<proto::Output>();
  EXPECT_EQ(rest.bytes, "e\ntwo\n");
  EXPECT_TRUE(rest.ended);
  const auto again = client_->ask<proto::Output>(
      proto::GetOutput{.job = job_, .attempt = task_.attempt, .offset = 8});
  EXPECT_EQ(again.bytes, "");
  EXPECT_TRUE(again.ended);
}

TEST_F(OutputTest, SaysWhatOfALongOneIsNotKept) {
  std::string text;
  for (int i = 0; text.size() < 3 * limits::kLogBytesKeptPerAttempt; ++i) {
    text += std::to_string(i) + "\n";
  }
  proto::FailureReport failure;
  failure.kind = proto::FailureKind::kException;
  worker_->fail(task_, failure, text);
  const auto output = client_->ask<proto::Output>(
      proto::GetOutput{.job = job_, .attempt = task_.attempt, .offset = 10});
  EXPECT_TRUE(output.ended);
  EXPECT_GT(output.left_out, text.size() / 2);
  EXPECT_EQ(output.bytes, text.substr(10 + output.left_out));
}

TEST_F(OutputTest, GoesToAPageThatAsks) {
  auto asked = std::async(std::launch::async, [&] {
    return questions().ask({.job = job_, .attempt = task_.attempt, .offset = 1}, 20s);
  });
  answer("one\n");
  const Result<proto::Output> output = asked.get();
  ASSERT_TRUE(output.ok()) << output.status().message();
  EXPECT_EQ(output->bytes, "ne\n");
  // Whose question it was is nobody's client: the next one gets its own answer.
  ask(*client_, 0);
  answer("one\n");
  EXPECT_EQ(client_->expect<proto::Output>().bytes, "one\n");
}

TEST_F(OutputTest, APageIsToldThatThereIsNoSuchAttempt) {
  const auto output = questions().ask({.job = job_, .attempt = {4711}}, 20s);
  EXPECT_EQ(output.status().code(), StatusCode::kNotFound);
}

TEST_F(OutputTest, APageDoesNotWaitForASilentWorker) {
  const auto output = questions().ask({.job = job_, .attempt = task_.attempt}, 1ms);
  EXPECT_EQ(output.status().code(), StatusCode::kUnavailable);
  // What comes too late is for nobody.
  answer("one\n");
  ask(*client_, 0);
  answer("one\n");
  EXPECT_EQ(client_->expect<proto::Output>().bytes, "one\n");
}

TEST_F(OutputTest, OfNoAttemptIsRefused) {
  for (const proto::GetOutput& question :
       {proto::GetOutput{.job = job_, .attempt = {4711}},
        proto::GetOutput{.job = {99}, .attempt = task_.attempt}}) {
    const auto refused = client_->ask<proto::Answer>(question);
    EXPECT_EQ(static_cast<StatusCode>(refused.code), StatusCode::kNotFound);
    EXPECT_THAT(refused.message, HasSubstr(std::to_string(question.job.value)));
  }
}

TEST_F(OutputTest, NobodyAskedForIsDropped) {
  worker_->connection().send(
      proto::OutputPart{.worker = worker_->id(), .attempt = {4711}, .bytes = "unasked"});
  ask(*client_, 0);
  answer("one\n");
  EXPECT_EQ(client_->expect<proto::Output>().bytes, "one\n");
}

}  // namespace
}  // namespace fanfold::master
