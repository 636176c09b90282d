#include <gtest/gtest.h>
#include <sys/socket.h>

#include <thread>

#include "common/core/unique_fd.hpp"
#include "worker/isolation/executor_frames.hpp"

namespace fanfold::worker {
namespace {

ExecutorTask example() {
  ExecutorTask task;
  task.assignment.attempt = AttemptId{77};
  task.assignment.task = {JobId{3}, Stage::kReduce, 5};
  task.assignment.spec.job_name = "example";
  task.scratch = "/scratch/3/77";
  task.memory_bytes = 123;
  task.threads = 7;
  LocalSegment segment;
  segment.output = {4, AttemptId{9}, 1};
  segment.path = "/a/b";
  segment.fetched = true;
  segment.segment = {5, 10, 20, 30, 40, {50, 60, 70}};
  task.segments = make_segment_list({segment, {}});
  return task;
}

TEST(ExecutorFrames, TaskSurvivesTheWay) {
  const auto task = decode_task(encode_task(example(), nullptr), nullptr);
  ASSERT_TRUE(task.ok());
  EXPECT_EQ(task->assignment.attempt.value, 77u);
  EXPECT_EQ(task->assignment.spec.job_name, "example");
  EXPECT_EQ(task->scratch, "/scratch/3/77");
  EXPECT_EQ(task->memory_bytes, 123u);
  EXPECT_EQ(task->threads, 7u);
  const std::vector<LocalSegment>& segments = segments_of(task->segments);
  ASSERT_EQ(segments.size(), 2u);
  EXPECT_EQ(segments[0].path, "/a/b");
  EXPECT_EQ(segments[0].output.attempt.value, 9u);
  EXPECT_TRUE(segments[0].fetched);
  EXPECT_EQ(segments[0].segment.summary.exclusive_or, 70u);
  EXPECT_FALSE(segments[1].fetched);
}

TEST(ExecutorFrames, AListIsSentOnceForManyTasks) {
  ExecutorTask task = example();
  task.segments = make_segment_list(std::vector<LocalSegment>(1000, task.segments->front()));
  const auto first = decode_task(encode_task(task, nullptr), nullptr);
  ASSERT_TRUE(first.ok());
  const std::string frame = encode_task(task, task.segments);
  EXPECT_LT(frame.size(), 1000u);
  const auto second = decode_task(frame, first->segments);
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(second->segments, first->segments);
  // Equal is not the same: whoever sends it says so.
  const auto other = example();
  const auto third = decode_task(encode_task(other, task.segments), first->segments);
  ASSERT_TRUE(third.ok());
  EXPECT_EQ(segments_of(third->segments).size(), 2u);
  EXPECT_FALSE(decode_task(frame, nullptr).ok()) << "a list that nobody has";
}

TEST(ExecutorFrames, AMapHasNoList) {
  ExecutorTask task = example();
  const SegmentList before = std::exchange(task.segments, nullptr);
  const auto decoded = decode_task(encode_task(task, before), before);
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->segments, nullptr);
}

TEST(ExecutorFrames, EveryCutOfATaskIsRefused) {
  const ExecutorTask task = example();
  for (const SegmentList& before : {SegmentList(), task.segments}) {
    const std::string whole = encode_task(task, before);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      EXPECT_FALSE(decode_task(std::string_view(whole).substr(0, size), before).ok()) << size;
    }
  }
}

TEST(ExecutorFrames, OutcomeOfAnotherAttemptIsRefused) {
  RunOutcome outcome;
  outcome.succeeded = true;
  const std::string frame = encode_outcome(AttemptId{1}, outcome);
  EXPECT_TRUE(decode_outcome(frame, AttemptId{1}).ok());
  EXPECT_FALSE(decode_outcome(frame, AttemptId{2}).ok());
}

TEST(ExecutorFrames, AskForAFileAndTellWhereItIs) {
  const std::string question =
      encode_wanted({.attempt = {}, .sha256 = "abc", .name = {}, .damaged = true});
  const auto wanted = decode_wanted(question);
  ASSERT_TRUE(wanted.has_value());
  EXPECT_EQ(wanted->sha256, "abc");
  EXPECT_TRUE(wanted->damaged);
  EXPECT_FALSE(decode_wanted(encode_outcome(AttemptId{1}, {})).has_value());
  EXPECT_EQ(*decode_brought(encode_brought(std::string("/there"))), "/there");
  const Status none(StatusCode::kNotFound, "nobody has it");
  const auto refused = decode_brought(encode_brought(none));
  EXPECT_EQ(refused.status().code(), StatusCode::kNotFound);
  EXPECT_EQ(refused.status().message(), "nobody has it");
  for (std::size_t size = 0; size < question.size(); ++size) {
    EXPECT_FALSE(decode_wanted(std::string_view(question).substr(0, size)).has_value()) << size;
  }
  const std::string answer = encode_brought(none);
  for (std::size_t size = 0; size < answer.size(); ++size) {
    EXPECT_EQ(decode_brought(std::string_view(answer).substr(0, size)).status().code(),
              StatusCode::kCorruption);
  }
}

TEST(ExecutorFrames, CollectorPutsPiecesTogether) {
  FrameCollector collector(kOutcomeFrameBytes);
  const std::string bytes("\x03\0\0\0abc\x01\0\0\0d", 12);
  for (const char byte : bytes.substr(0, 6)) {
    collector.add({&byte, 1});
    EXPECT_EQ(collector.next().status().code(), StatusCode::kNotFound);
  }
  collector.add(bytes.substr(6));
  EXPECT_EQ(*collector.next(), "abc");
  EXPECT_EQ(*collector.next(), "d");
  EXPECT_EQ(collector.next().status().code(), StatusCode::kNotFound);
}

TEST(ExecutorFrames, CollectorRefusesAnAbsurdLength) {
  FrameCollector collector(kOutcomeFrameBytes);
  collector.add("\xff\xff\xff\xff");
  EXPECT_EQ(collector.next().status().code(), StatusCode::kCorruption);
}

TEST(ExecutorFrames, LargeFramesPassASmallSocket) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  UniqueFd here(ends[0]);
  UniqueFd there(ends[1]);
  const std::string frame(5u << 20, 'f');
  std::jthread writer([&] { EXPECT_TRUE(write_frame(here.get(), frame).ok()); });
  const auto read = FrameReader(there.get()).next();
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(*read, frame);
}

TEST(ExecutorFrames, EndOfTheStreamIsNotFound) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  UniqueFd there(ends[1]);
  UniqueFd(ends[0]).reset();
  EXPECT_EQ(FrameReader(there.get()).next().status().code(), StatusCode::kNotFound);
}

}  // namespace
}  // namespace fanfold::worker
