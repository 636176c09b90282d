// What a home brings, in what order, and what it lets go.

#include "worker/shuffle/homes.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "tests/exec/wrapped_file_system.hpp"
#include "tests/io/temporary_directory.hpp"
#include "tests/shuffle/shuffle_fixture.hpp"

namespace fanfold::worker {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

using proto::FailureKind;

constexpr std::uint64_t kMuch = std::uint64_t{1} << 40;
constexpr std::uint64_t kMebibyte = 1u << 20;

/// Says what is free.
class FreeDisk final : public WrappedFileSystem {
 public:
  Result<std::uint64_t> free_bytes(const std::string&) override { return free; }

  Result<std::uint64_t> free = kMuch;
};

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
    homes.go_on();
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
    write(request);
    FetchOutcome outcome = ended(request);
    for (const proto::MapOutput& output : request.outputs) {
      LocalSegment segment;
      segment.output = output;
      segment.path = request.directory + "/" + request.file;
      segment.segment.stored_bytes = bytes;
      outcome.segments.push_back(std::move(segment));
    }
    static_cast<void>(homes.note(std::move(outcome)));
    homes.go_on();
  }
  static void write(const FetchRequest& request) {
    static_cast<void>(io::posix_file_system().make_directories(request.directory));
    static_cast<void>(io::posix_file_system().create(request.directory + "/" + request.file));
  }
  void fail(std::size_t number, FailureKind kind) {
    FetchOutcome outcome = ended(fetcher.requests.at(number));
    outcome.succeeded = false;
    outcome.failure.kind = kind;
    static_cast<void>(homes.note(std::move(outcome)));
    homes.go_on();
  }
  Homes::Where where(std::uint32_t partition, std::uint64_t attempt) const {
    LocalSegment unused;
    return homes.look({kJob, partition}, {attempt}, &unused);
  }
  std::vector<std::string> files() const {
    const auto names = io::posix_file_system().list(directory.path("7/early"));
    return names.ok() ? *names : std::vector<std::string>();
  }

  io::TemporaryDirectory directory;
  FakeFetcher fetcher;
  FreeDisk disk;
  Homes homes{disk, fetcher, directory.path(""), "here"};
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
  const auto news = homes.note(std::move(outcome));
  ASSERT_TRUE(news);
  EXPECT_EQ(news->place, (Homes::Place{kJob, 4}));
  EXPECT_THAT(news->lost, ElementsAre(AttemptId{2}));
  EXPECT_TRUE(news->ended);
  EXPECT_EQ(where(4, 1), Homes::Where::kElsewhere);
  EXPECT_EQ(where(4, 2), Homes::Where::kElsewhere);
  EXPECT_EQ(homes.figures().segments_left, 1u);
  tell({4}, {1, 4, 5, 6});
  EXPECT_THAT(asked(1), ElementsAre(5))
      << "the others lie with the worker that lost one, or are too large";
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

TEST_F(HomesTest, NameALostOutputBeforeTheOthersAreHere) {
  tell({4}, {1, 2});
  FetchOutcome outcome;
  outcome.attempt = fetcher.requests[0].attempt;
  outcome.lost = {fetcher.requests[0].outputs[0]};
  const auto news = homes.note(std::move(outcome));
  ASSERT_TRUE(news);
  EXPECT_THAT(news->lost, ElementsAre(AttemptId{1}));
  EXPECT_FALSE(news->ended);
  EXPECT_EQ(where(4, 1), Homes::Where::kElsewhere);
  EXPECT_EQ(where(4, 2), Homes::Where::kComing);
  tell({4}, {3});
  EXPECT_THAT(fetcher.requests, SizeIs(1)) << "one request of a partition at a time";
}

TEST_F(HomesTest, KeepToAShareOfTheDisk) {
  disk.free = 4000 * kMebibyte;
  tell({4}, {1});
  ASSERT_THAT(fetcher.requests, SizeIs(1));
  EXPECT_EQ(fetcher.requests[0].bytes_max, 64 * kMebibyte);
  disk.free = 100 * kMebibyte;
  bring(0, 40 * kMebibyte);
  tell({4}, {2});
  EXPECT_THAT(fetcher.requests, SizeIs(1)) << "a quarter of 140 is less than 40";
  disk.free = 160 * kMebibyte;
  tell({4}, {3});
  ASSERT_THAT(fetcher.requests, SizeIs(2));
  EXPECT_EQ(fetcher.requests[1].bytes_max, (200 / 4 - 40) / 2 * kMebibyte);
}

TEST_F(HomesTest, BringNothingOntoADiskThatIsFullOrCannotBeLookedAt) {
  disk.free = std::uint64_t{0};
  tell({4}, {1});
  disk.free = Status(StatusCode::kIoError, "it does not say");
  tell({4}, {2});
  disk.free = 20 * kMebibyte;
  tell({4}, {3});
  EXPECT_THAT(fetcher.requests, IsEmpty()) << "so little does not pay";
  disk.free = kMuch;
  homes.go_on();
  EXPECT_THAT(fetcher.requests, IsEmpty());
  homes.look_again();
  homes.go_on();
  EXPECT_THAT(fetcher.requests, SizeIs(1));
}

TEST_F(HomesTest, LetGoOfEverythingButWhatAttemptsReadWhenTheDiskIsFull) {
  tell({4, 9}, {1});
  bring(0);
  bring(1);
  EXPECT_THAT(files(), SizeIs(2));
  homes.claim({kJob, 9});
  tell({4, 9}, {2});
  ASSERT_THAT(fetcher.requests, SizeIs(3));
  fail(2, FailureKind::kNoSpace);
  EXPECT_EQ(where(4, 1), Homes::Where::kElsewhere);
  EXPECT_EQ(where(9, 1), Homes::Where::kHere);
  EXPECT_THAT(files(), ElementsAre(fetcher.requests[1].file));
  EXPECT_EQ(homes.figures().bytes_held, 10u);
  EXPECT_EQ(homes.figures().failures, 1u);
  tell({4}, {3});
  EXPECT_THAT(fetcher.requests, SizeIs(3)) << "nothing more is brought for this job";
}

TEST_F(HomesTest, LetGoOfWhatIsReadElsewhereWhenNoAttemptReadsItHere) {
  tell({4, 9}, {1});
  bring(0);
  bring(1);
  homes.claim({kJob, 9});
  homes.release({kJob, 4});
  homes.release({kJob, 9});
  EXPECT_EQ(where(4, 1), Homes::Where::kElsewhere);
  EXPECT_EQ(where(9, 1), Homes::Where::kHere);
  homes.unclaim({kJob, 9});
  EXPECT_EQ(homes.figures().bytes_held, 0u);
  EXPECT_THAT(files(), IsEmpty());
}

TEST_F(HomesTest, KeepNothingOfAJobThatIsOver) {
  tell({4, 9}, {1});
  bring(0);
  homes.drop(kJob);
  EXPECT_EQ(homes.figures().bytes_held, 0u);
  ASSERT_THAT(fetcher.cancelled, ElementsAre(fetcher.requests[1].attempt));
  // It was begun a moment before its directory was removed.
  write(fetcher.requests[1]);
  FetchOutcome outcome = ended(fetcher.requests[1]);
  outcome.succeeded = false;
  outcome.failure.kind = FailureKind::kCancelled;
  EXPECT_FALSE(homes.note(std::move(outcome)));
  EXPECT_THAT(files(), IsEmpty());
}

TEST_F(HomesTest, BringOneJobsSegmentsOnlyAsFarAsOthersHaveSomeLeft) {
  std::vector<std::uint64_t> attempts(70'000);
  std::iota(attempts.begin(), attempts.end(), 1);
  tell({4, 5}, attempts);
  std::size_t known = 0;
  for (const std::uint64_t attempt : attempts) {
    known += where(4, attempt) == Homes::Where::kComing ? 1 : 0;
  }
  EXPECT_EQ(known, fetcher.requests[0].outputs.size());
  EXPECT_THAT(fetcher.requests, SizeIs(1)) << "the first partition has all that a job may have";
}

TEST_F(HomesTest, AskForNoMoreThanSomeAtATime) {
  tell({1, 2, 3, 4, 5, 6}, {1});
  EXPECT_THAT(fetcher.requests, SizeIs(4));
  bring(0);
  EXPECT_THAT(fetcher.requests, SizeIs(5));
}

}  // namespace
}  // namespace fanfold::worker
