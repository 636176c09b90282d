// The fetcher against real data servers.

#include <gmock/gmock.h>
#include <poll.h>

#include <algorithm>

#include "common/core/limits.hpp"
#include "tests/exec/wrapped_file_system.hpp"
#include "tests/shuffle/shuffle_fixture.hpp"

namespace fanfold::worker {
namespace {

using namespace std::chrono_literals;
using proto::FailureKind;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Fetch = ShuffleTest;

TEST_F(Fetch, BringsEveryByteOfEverySegment) {
  // Empty, small, at the edges of the first request and of a chunk, larger than a credit.
  const std::size_t sizes[] = {0,         1,         1000,      131'000,    131'072,
                               131'200,   1'048'000, 1'048'576, 1'200'000,  5'000'000,
                               9'000'000, 0,         77,        12'000'000, 3};
  std::uint32_t split = 0;
  for (const std::size_t bytes : sizes) {
    add_output(split % 3, split, bytes);
    ++split;
  }
  for (std::uint32_t holder = 0; holder < 3; ++holder) serve(holder);
  expect_everything(fetch());
}

TEST_F(Fetch, KeepsOneFileForEachHolder) {
  for (std::uint32_t split = 0; split < 300; ++split) add_output(split % 2, split, 1000 + split);
  serve(0);
  serve(1);
  expect_everything(fetch());
  EXPECT_EQ(io::posix_file_system().list(request_.directory)->size(), 2u);
}

TEST_F(Fetch, WaitsForAServerThatIsNotUpYet) {
  add_output(0, 0, 10'000);
  start_fetcher_with({});
  ASSERT_TRUE(fetcher_->fetch(request_).ok());
  serve(0);
  expect_everything(next_outcome());
}

TEST_F(Fetch, GoesOnWhenAServerIsRestarted) {
  for (std::uint32_t split = 0; split < 8; ++split) add_output(0, split, 3'000'000);
  serve(0);
  start_fetcher_with({});
  ASSERT_TRUE(fetcher_->fetch(request_).ok());
  servers_.clear();
  serve(0);
  expect_everything(next_outcome());
}

TEST_F(Fetch, NamesWhatAHolderHasLostAndBringsTheRest) {
  for (std::uint32_t split = 0; split < 20; ++split) add_output(split % 2, split, 500'000);
  for (const std::uint32_t split : {4u, 6u, 18u}) remove_output(0, split);
  serve(0);
  serve(1);
  const FetchOutcome outcome = fetch();
  EXPECT_THAT(lost_splits(outcome), ElementsAre(4, 6, 18));
  EXPECT_THAT(outcome.why_lost, HasSubstr(address(0)));
  EXPECT_TRUE(outcome.succeeded);
  EXPECT_EQ(outcome.segments.size(), 17u);
  for (const LocalSegment& segment : outcome.segments) {
    EXPECT_TRUE(read(segment) == contents(segment.output.split, 500'000)) << segment.output.split;
  }
}

TEST_F(Fetch, NamesALostOutputBeforeTheOthersAreHere) {
  add_output(0, 0, 1000);
  add_output(1, 1, 1000);
  remove_output(0, 0);
  serve(0);  // Nobody serves holder 1, so that the request cannot end.
  start_fetcher_with({});
  ASSERT_TRUE(fetcher_->fetch(request_).ok());
  std::vector<FetchOutcome> outcomes;
  while (outcomes.empty()) {
    pollfd woken{woken_.descriptor(), POLLIN, 0};
    ASSERT_EQ(::poll(&woken, 1, 60'000), 1);
    woken_.lower();
    outcomes = fetcher_->take();
  }
  EXPECT_FALSE(outcomes[0].ended);
  EXPECT_THAT(lost_splits(outcomes[0]), ElementsAre(0));
  serve(1);
  const FetchOutcome rest = next_outcome();
  EXPECT_THAT(rest.lost, IsEmpty());
  EXPECT_EQ(rest.segments.size(), 1u);
}

TEST_F(Fetch, BringsALaterRequestOfTheSameAttemptBesideTheFirst) {
  for (std::uint32_t split = 0; split < 6; ++split) add_output(split % 2, split, 2'000'000);
  serve(0);
  serve(1);
  start_fetcher_with({});
  FetchRequest first = request_;
  FetchRequest second = request_;
  second.round = 1;
  std::erase_if(first.outputs, [](const proto::MapOutput& output) { return output.split >= 3; });
  std::erase_if(second.outputs, [](const proto::MapOutput& output) { return output.split < 3; });
  ASSERT_TRUE(fetcher_->fetch(first).ok());
  ASSERT_TRUE(fetcher_->fetch(second).ok());
  FetchOutcome all;
  for (int ended = 0; ended < 2; ++ended) {
    FetchOutcome outcome = next_outcome();
    ASSERT_TRUE(outcome.succeeded);
    for (LocalSegment& segment : outcome.segments) all.segments.push_back(std::move(segment));
  }
  std::sort(
      all.segments.begin(), all.segments.end(),
      [](const LocalSegment& a, const LocalSegment& b) { return a.output.split < b.output.split; });
  all.succeeded = true;
  expect_everything(all);
}

TEST_F(Fetch, LeavesSegmentsThatAreLargerThanTheyMayBe) {
  const std::size_t sizes[] = {1000, 300'000, 2000, 5'000'000, 0, 3000};
  for (std::uint32_t split = 0; split < 6; ++split) add_output(split % 2, split, sizes[split]);
  serve(0);
  serve(1);
  request_.segment_bytes_max = 100'000;
  const FetchOutcome outcome = fetch();
  ASSERT_TRUE(outcome.succeeded);
  std::vector<std::uint32_t> here;
  for (const LocalSegment& segment : outcome.segments) {
    here.push_back(segment.output.split);
    EXPECT_EQ(read(segment), contents(segment.output.split, sizes[segment.output.split]));
  }
  EXPECT_THAT(here, ElementsAre(0, 2, 5));
  std::vector<std::uint32_t> left;
  for (const proto::MapOutput& output : outcome.left) left.push_back(output.split);
  EXPECT_THAT(left, testing::UnorderedElementsAre(1, 3));
  EXPECT_THAT(outcome.lost, IsEmpty());
}

TEST_F(Fetch, KeepsEverythingInOneFileWhenAskedTo) {
  // From a few bytes to more than a holder may have on its way.
  for (std::uint32_t split = 0; split < 60; ++split) {
    add_output(split % 3, split, split % 10 == 9 ? 6'000'000 : 1000 + 7000 * split);
  }
  for (std::uint32_t holder = 0; holder < 3; ++holder) serve(holder);
  request_.file = "all.blocks";
  const FetchOutcome outcome = fetch();
  expect_everything(outcome);
  EXPECT_THAT(*io::posix_file_system().list(request_.directory), ElementsAre("all.blocks"));
}

TEST_F(Fetch, AsksForNothingThatIsCertainToBeLeft) {
  for (std::uint32_t split = 0; split < 10; ++split) add_output(0, split, 1000);
  // Nobody is there: whoever was asked would be given up.
  request_.bytes_max = 1;
  const FetchOutcome outcome = fetch();
  ASSERT_TRUE(outcome.succeeded);
  EXPECT_THAT(outcome.lost, IsEmpty());
  EXPECT_EQ(outcome.left.size(), 10u);
}

TEST_F(Fetch, BringsNoMoreBytesThanItMay) {
  for (std::uint32_t split = 0; split < 10; ++split) add_output(0, split, 100'000);
  serve(0);
  request_.bytes_max = 350'000;
  const FetchOutcome outcome = fetch();
  ASSERT_TRUE(outcome.succeeded);
  EXPECT_EQ(outcome.segments.size(), 3u);
  EXPECT_EQ(outcome.left.size(), 7u);
}

TEST_F(Fetch, ReportsADamagedIndexAsLost) {
  add_output(0, 0, 1000);
  const std::string run = "worker-0/7/1/output.run";
  std::string bytes = directory_.read(run);
  bytes[bytes.size() - 5] ^= 1;
  directory_.write(run, bytes);
  serve(0);
  EXPECT_THAT(lost_splits(fetch()), ElementsAre(0));
}

TEST_F(Fetch, GivesUpASilentHolderAndKeepsWhatOthersGave) {
  for (std::uint32_t split = 0; split < 4; ++split) add_output(split % 2, split, 1000);
  serve(0);
  FetcherOptions options;
  options.patience = 300ms;
  start_fetcher_with(options);
  const FetchOutcome outcome = fetch();
  EXPECT_THAT(lost_splits(outcome), ElementsAre(1, 3));
  EXPECT_THAT(outcome.why_lost, HasSubstr("does not answer"));
  EXPECT_EQ(outcome.segments.size(), 2u);
}

TEST_F(Fetch, EndsWhenItIsCancelled) {
  add_output(0, 0, 1000);
  start_fetcher_with({});
  ASSERT_TRUE(fetcher_->fetch(request_).ok());
  fetcher_->cancel(kReduce);
  const FetchOutcome outcome = next_outcome();
  EXPECT_EQ(outcome.failure.kind, FailureKind::kCancelled);
  EXPECT_THAT(outcome.segments, IsEmpty());
}

TEST_F(Fetch, ServesManyTasksAtOnce) {
  for (std::uint32_t split = 0; split < 10; ++split) add_output(0, split, 200'000);
  serve(0);
  start_fetcher_with({});
  for (std::uint64_t task = 0; task < 50; ++task) {
    FetchRequest request = request_;
    request.attempt = AttemptId{5000 + task};
    request.directory += std::to_string(task);
    ASSERT_TRUE(fetcher_->fetch(request).ok());
  }
  std::vector<FetchOutcome> outcomes;
  while (outcomes.size() < 50) {
    pollfd woken{woken_.descriptor(), POLLIN, 0};
    ASSERT_EQ(::poll(&woken, 1, 60'000), 1);
    woken_.lower();
    for (FetchOutcome& outcome : fetcher_->take()) outcomes.push_back(std::move(outcome));
  }
  for (const FetchOutcome& outcome : outcomes) expect_everything(outcome);
}

TEST_F(Fetch, SaysThatTheDiskIsFull) {
  add_output(0, 0, 3'000'000);
  serve(0);
  SmallDisk files(1'000'000);
  auto fetcher = start_fetcher(files, steady_clock(), {}, [this] { woken_.raise(); });
  ASSERT_TRUE(fetcher.ok());
  fetcher_ = *std::move(fetcher);
  const FetchOutcome outcome = fetch();
  EXPECT_EQ(outcome.failure.kind, FailureKind::kNoSpace);
  EXPECT_THAT(outcome.lost, IsEmpty());
  fetcher_.reset();
}

}  // namespace
}  // namespace fanfold::worker
