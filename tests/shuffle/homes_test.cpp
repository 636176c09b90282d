// What a home brings, in what order, and what it lets go.

#include "worker/shuffle/homes.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <utility>

#include "tests/io/temporary_directory.hpp"
#include "tests/shuffle/shuffle_fixture.hpp"

namespace fanfold::worker {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

using proto::FailureKind;

constexpr std::uint64_t kMuch = std::uint64_t{1} << 40;

class FakeFetcher final : public Fetcher {
 public:
  Status fetch(FetchRequest request) override {
    requests.push_back(std::move(request));
    return {};
  }
  void cancel(AttemptId attempt) override { cancelled.push_back(attempt); }
  std::vector<FetchOutcome> take() override { return {}; }

  std::vector<FetchRequest> requests;
  std::vector<AttemptId> cancelled;
};

class HomesTest : public testing::Test {
 protected:
  /// Outputs of these map attempts; odd ones lie with worker 2, even ones with worker 3.
  void tell(std::vector<std::uint32_t> partitions, const std::vector<std::uint64_t>& attempts,
            std::uint64_t segment_bytes_max = 0) {
    proto::OutputList list;
    list.holders = {{WorkerId{2}, "there", "/two", "x"}, {WorkerId{3}, "elsewhere", "/three", "y"}};
    for (const std::uint64_t attempt : attempts) {
      list.outputs.push_back({static_cast<std::uint32_t>(attempt),
                              {attempt},
                              static_cast<std::uint32_t>(1 - attempt % 2)});
    }
    homes.tell({kJob, std::move(partitions), false, segment_bytes_max,
                std::make_shared<const proto::OutputList>(std::move(list))});
    go_on();
  }
  void go_on() {
    homes.go_on([this] { return free; });
  }
  std::vector<std::uint64_t> asked(std::size_t request) const {
    std::vector<std::uint64_t> attempts;
    for (const proto::MapOutput& output : fetcher.requests.at(request).outputs) {
      attempts.push_back(output.attempt.value);
    }
    return attempts;
  }
  static FetchOutcome ended(const FetchRequest& request) {
    FetchOutcome outcome;
    outcome.attempt = request.attempt;
    outcome.ended = true;
    outcome.succeeded = true;
    return outcome;
  }
  /// Everything of the request is here, `bytes` each.
  void bring(std::size_t number, std::uint64_t bytes = 10) {
    const FetchRequest& request = fetcher.requests.at(number);
    static_cast<void>(io::posix_file_system().make_directories(request.directory));
    FetchOutcome outcome = ended(request);
    for (const proto::MapOutput& output : request.outputs) {
      LocalSegment segment;
      segment.output = output;
      segment.path = request.directory + "/blocks";
      segment.segment.stored_bytes = bytes;
      outcome.segments.push_back(std::move(segment));
    }
    static_cast<void>(homes.note(std::move(outcome)));
    go_on();
  }
  void fail(std::size_t number, FailureKind kind) {
    FetchOutcome outcome = ended(fetcher.requests.at(number));
    outcome.succeeded = false;
    outcome.failure.kind = kind;
    static_cast<void>(homes.note(std::move(outcome)));
    go_on();
  }
  Homes::Where where(std::uint32_t partition, std::uint64_t attempt) const {
    LocalSegment unused;
    return homes.look({kJob, partition}, {attempt}, &unused);
  }
  bool is_there(const std::string& path) const {
    return io::posix_file_system().list(directory.path(path)).ok();
  }

  io::TemporaryDirectory directory;
  FakeFetcher fetcher;
  Homes homes{io::posix_file_system(), fetcher, directory.path(""), "here"};
  std::uint64_t free = kMuch;
};

TEST_F(HomesTest, BringOnePartitionAfterTheOtherAndWhatIsToldAgainOnce) {
  tell({4, 9}, {1, 2});
  ASSERT_THAT(fetcher.requests, SizeIs(2));
  EXPECT_EQ(fetcher.requests[0].partition, 4u);
  EXPECT_THAT(asked(0), ElementsAre(1, 2));
  EXPECT_EQ(fetcher.requests[1].partition, 9u);
  tell({4, 9}, {1, 2, 3});
  EXPECT_THAT(fetcher.requests, SizeIs(2)) << "one request of a partition at a time";
  bring(0);
  ASSERT_THAT(fetcher.requests, SizeIs(3));
  EXPECT_EQ(fetcher.requests[2].partition, 4u);
  EXPECT_THAT(asked(2), ElementsAre(3));
  EXPECT_EQ(where(4, 1), Homes::Where::kHere);
  EXPECT_EQ(where(4, 3), Homes::Where::kComing);
  EXPECT_EQ(where(9, 1), Homes::Where::kComing);
  EXPECT_EQ(where(4, 5), Homes::Where::kElsewhere);
}

TEST_F(HomesTest, KnowWhatIsEmpty) {
  tell({4}, {1});
  static_cast<void>(homes.note(ended(fetcher.requests[0])));
  EXPECT_EQ(where(4, 1), Homes::Where::kEmpty);
}

TEST_F(HomesTest, LeaveWhatIsLargeOrLostToTheReduceAndAskTheSilentNoMore) {
  tell({4}, {1, 2, 3}, 77);
  EXPECT_EQ(fetcher.requests[0].segment_bytes_max, 77u);
  FetchOutcome outcome = ended(fetcher.requests[0]);
  outcome.left = {fetcher.requests[0].outputs[0]};
  outcome.lost = {fetcher.requests[0].outputs[1]};
  EXPECT_EQ(homes.note(std::move(outcome)), (Homes::Place{kJob, 4}));
  EXPECT_EQ(where(4, 1), Homes::Where::kElsewhere);
  EXPECT_EQ(where(4, 2), Homes::Where::kElsewhere);
  EXPECT_EQ(homes.figures().segments_left, 1u);
  tell({4}, {4, 5, 6});
  EXPECT_THAT(asked(1), ElementsAre(5)) << "the others lie with the worker that lost one";
}

TEST_F(HomesTest, BringNothingMoreOfWhatAnAttemptFetches) {
  tell({4}, {1});
  tell({4}, {3});
  homes.claim({kJob, 4});
  bring(0);
  tell({4}, {5});
  EXPECT_THAT(fetcher.requests, SizeIs(1));
  EXPECT_EQ(where(4, 1), Homes::Where::kHere);
}

TEST_F(HomesTest, KeepToAShareOfTheDisk) {
  free = 0;  // Not known: a gibibyte.
  tell({4}, {1});
  ASSERT_THAT(fetcher.requests, SizeIs(1));
  EXPECT_LE(fetcher.requests[0].bytes_max, std::uint64_t{1} << 30);
  free = 1000;
  bring(0, 400);
  tell({4}, {2});
  EXPECT_THAT(fetcher.requests, SizeIs(1)) << "a quarter of 1400 is less than 400";
  free = 10'000;
  tell({4}, {3});
  ASSERT_THAT(fetcher.requests, SizeIs(2));
  EXPECT_EQ(fetcher.requests[1].bytes_max, (10'400u / 4 - 400) / 2);
}

TEST_F(HomesTest, LetGoOfEverythingButWhatAttemptsReadWhenTheDiskIsFull) {
  tell({4, 9}, {1});
  bring(0);
  bring(1);
  homes.claim({kJob, 9});
  tell({4, 9}, {2});
  ASSERT_THAT(fetcher.requests, SizeIs(3));
  fail(2, FailureKind::kNoSpace);
  EXPECT_EQ(where(4, 1), Homes::Where::kElsewhere);
  EXPECT_EQ(where(9, 1), Homes::Where::kHere);
  EXPECT_FALSE(is_there("7/early/4"));
  EXPECT_TRUE(is_there("7/early/9"));
  EXPECT_EQ(homes.figures().bytes_held, 10u);
  EXPECT_EQ(homes.figures().failures, 1u);
  tell({4}, {3});
  EXPECT_THAT(fetcher.requests, SizeIs(3)) << "nothing more is brought for this job";
}

TEST_F(HomesTest, KeepNothingOfAJobThatIsOver) {
  tell({4, 9}, {1});
  bring(0);
  homes.drop(kJob);
  EXPECT_EQ(homes.figures().bytes_held, 0u);
  EXPECT_FALSE(is_there("7/early/4"));
  ASSERT_THAT(fetcher.cancelled, ElementsAre(fetcher.requests[1].attempt));
  // It was begun a moment before.
  static_cast<void>(io::posix_file_system().make_directories(fetcher.requests[1].directory));
  FetchOutcome outcome = ended(fetcher.requests[1]);
  outcome.succeeded = false;
  outcome.failure.kind = FailureKind::kCancelled;
  EXPECT_EQ(homes.note(std::move(outcome)), std::nullopt);
  EXPECT_FALSE(is_there("7"));
}

TEST_F(HomesTest, AskForNoMoreThanSomeAtATime) {
  tell({1, 2, 3, 4, 5, 6}, {1});
  EXPECT_THAT(fetcher.requests, SizeIs(4));
  bring(0);
  EXPECT_THAT(fetcher.requests, SizeIs(5));
}

}  // namespace
}  // namespace fanfold::worker
