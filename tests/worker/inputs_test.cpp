// What a reduce attempt keeps when some of its inputs have to be replaced.

#include "worker/service/inputs.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/exec/wrapped_file_system.hpp"

namespace fanfold::worker {
namespace {

constexpr AttemptId kReduce{100};

/// Brings what the test says.
class FakeFetcher final : public Fetcher {
 public:
  Status fetch(FetchRequest request) override {
    requests.push_back(std::move(request));
    return {};
  }
  void cancel(AttemptId attempt) override { cancelled.push_back(attempt); }
  std::vector<FetchOutcome> take() override { return std::exchange(outcomes, {}); }

  std::vector<FetchRequest> requests;
  std::vector<AttemptId> cancelled;
  std::vector<FetchOutcome> outcomes;
};

class LargeDisk final : public WrappedFileSystem {
  Result<std::uint64_t> free_bytes(const std::string&) override { return std::uint64_t{1} << 40; }
};

class InputsTest : public ::testing::Test {
 protected:
  /// Splits 0 and 1 lie on this host, 2 and 3 elsewhere.
  void bring() {
    FetchInputs wanted;
    wanted.assignment.attempt = kReduce;
    wanted.assignment.task = {JobId{1}, Stage::kReduce, 0};
    wanted.list = list({{0, {10}, 0}, {1, {11}, 0}, {2, {12}, 1}, {3, {13}, 1}});
    inputs.bring(wanted);
  }
  static std::shared_ptr<const proto::OutputList> list(std::vector<proto::MapOutput> outputs) {
    return std::make_shared<proto::OutputList>(
        proto::OutputList{{{WorkerId{1}, "here", "/one", ""}, {WorkerId{2}, "there", "/two", "x"}},
                          std::move(outputs)});
  }
  static LocalSegment fetched(std::uint32_t split, std::uint64_t attempt) {
    LocalSegment segment;
    segment.output = {split, {attempt}, 1};
    segment.fetched = true;
    return segment;
  }
  void end(std::uint32_t round, std::vector<LocalSegment> segments) {
    FetchOutcome outcome;
    outcome.attempt = kReduce;
    outcome.round = round;
    outcome.ended = true;
    outcome.succeeded = true;
    outcome.segments = std::move(segments);
    fetcher.outcomes.push_back(std::move(outcome));
    inputs.look();
  }
  void lose(std::uint32_t split, std::uint64_t attempt) {
    FetchOutcome outcome;
    outcome.attempt = kReduce;
    outcome.lost = {{split, {attempt}, 1}};
    fetcher.outcomes.push_back(std::move(outcome));
    inputs.look();
  }
  void replace(std::uint32_t split, std::uint64_t attempt, std::uint32_t holder) {
    inputs.replace({kReduce, list({}), {{split, {attempt}, holder}}});
  }
  /// All outputs lie on this host.
  void bring_local(AttemptId reduce, const std::shared_ptr<const proto::OutputList>& outputs,
                   JobId job = JobId{1}) {
    FetchInputs wanted;
    wanted.assignment.attempt = reduce;
    wanted.assignment.task = {job, Stage::kReduce, 0};
    wanted.list = outputs;
    inputs.bring(wanted);
  }
  /// The master says that this host is the home of partition 0, and what has committed.
  void tell_home(std::vector<proto::MapOutput> outputs, std::uint32_t partition = 0) {
    inputs.bring_early({JobId{1}, {partition}, false, 0, list(std::move(outputs))});
    inputs.go_on_early();
  }
  /// What was asked for early, last, is here but for the outputs that are `lost`.
  void end_early(const std::vector<std::uint64_t>& here, std::vector<proto::MapOutput> lost = {}) {
    const FetchRequest& request = fetcher.requests.back();
    FetchOutcome outcome;
    outcome.attempt = request.attempt;
    outcome.ended = true;
    outcome.succeeded = true;
    outcome.lost = std::move(lost);
    for (const proto::MapOutput& output : request.outputs) {
      if (std::count(here.begin(), here.end(), output.attempt.value) == 0) continue;
      LocalSegment segment = fetched(output.split, output.attempt.value);
      segment.path = request.directory + "/blocks";
      segment.segment.stored_bytes = 100;
      outcome.segments.push_back(std::move(segment));
    }
    fetcher.outcomes.push_back(std::move(outcome));
    inputs.look();
  }
  std::vector<std::uint64_t> attempts(AttemptId reduce = kReduce) const {
    std::vector<std::uint64_t> ids;
    const SegmentList list = inputs.segments(reduce);
    for (const LocalSegment& segment : segments_of(list)) {
      ids.push_back(segment.output.attempt.value);
    }
    return ids;
  }

  Scratch scratch = Scratch::borrow(io::posix_file_system(), "/nowhere");
  FakeFetcher fetcher;
  LargeDisk disk;
  Inputs inputs{"here", scratch, disk, fetcher};
};

TEST_F(InputsTest, AreReadyWhenEverythingIsHereInTheOrderOfSplits) {
  bring();
  ASSERT_EQ(fetcher.requests.size(), 1u);
  EXPECT_EQ(fetcher.requests[0].outputs.size(), 2u);
  EXPECT_EQ(fetcher.requests[0].outputs[0].split, 2u);
  EXPECT_EQ(fetcher.requests[0].holders->size(), 2u);
  EXPECT_TRUE(inputs.take_ready().empty());
  end(0, {fetched(2, 12), fetched(3, 13)});
  EXPECT_EQ(inputs.take_ready().size(), 1u);
  EXPECT_EQ(attempts(), (std::vector<std::uint64_t>{10, 11, 12, 13}));
}

TEST_F(InputsTest, AreNotReadyBeforeWhatIsLostIsReplaced) {
  bring();
  lose(2, 12);
  ASSERT_EQ(inputs.take_missing().size(), 1u);
  end(0, {fetched(3, 13)});
  EXPECT_TRUE(inputs.take_ready().empty());
  replace(2, 22, 1);
  ASSERT_EQ(fetcher.requests.size(), 2u);
  EXPECT_EQ(fetcher.requests[1].round, 1u);
  EXPECT_EQ(fetcher.requests[1].outputs.size(), 1u);
  end(1, {fetched(2, 22)});
  EXPECT_EQ(inputs.take_ready().size(), 1u);
  EXPECT_EQ(attempts(), (std::vector<std::uint64_t>{10, 11, 22, 13}));
}

TEST_F(InputsTest, MayBeReplacedWhileOthersAreStillFetched) {
  bring();
  lose(2, 12);
  replace(2, 22, 0);
  EXPECT_EQ(fetcher.requests.size(), 1u) << "it lies on this host now";
  EXPECT_TRUE(inputs.take_ready().empty());
  end(0, {fetched(3, 13)});
  EXPECT_EQ(inputs.take_ready().size(), 1u);
  EXPECT_EQ(attempts(), (std::vector<std::uint64_t>{10, 11, 22, 13}));
}

TEST_F(InputsTest, KeepTheRestWhenOneTurnsOutToBeDamaged) {
  bring();
  end(0, {fetched(2, 12), fetched(3, 13)});
  inputs.take_ready();
  inputs.note_lost(kReduce, {{1, {11}, 0}});
  replace(1, 21, 0);
  EXPECT_EQ(fetcher.requests.size(), 1u);
  EXPECT_EQ(inputs.take_ready().size(), 1u);
  EXPECT_EQ(attempts(), (std::vector<std::uint64_t>{10, 21, 12, 13}));
}

TEST_F(InputsTest, AreNotFetchedWhereTheyAreHereAlready) {
  tell_home({{0, {10}, 0}, {2, {12}, 1}});
  ASSERT_EQ(fetcher.requests.size(), 1u);
  EXPECT_EQ(fetcher.requests[0].outputs.size(), 1u) << "one lies on this host";
  end_early({12});
  bring();
  ASSERT_EQ(fetcher.requests.size(), 2u);
  ASSERT_EQ(fetcher.requests[1].outputs.size(), 1u);
  EXPECT_EQ(fetcher.requests[1].outputs[0].attempt, AttemptId{13});
  end(0, {fetched(3, 13)});
  EXPECT_EQ(inputs.take_ready().size(), 1u);
  EXPECT_EQ(attempts(), (std::vector<std::uint64_t>{10, 11, 12, 13}));
  const proto::FetchedBytes bytes = inputs.finish(kReduce);
  EXPECT_EQ(bytes.early, 100u);
  inputs.forget(kReduce);
  EXPECT_EQ(inputs.early().bytes_held, 0u);
}

TEST_F(InputsTest, OfAnotherAttemptAreFetchedAlthoughOneOfTheSplitIsHere) {
  tell_home({{2, {12}, 1}});
  end_early({12});
  tell_home({{2, {22}, 1}});
  end_early({});
  FetchInputs wanted;
  wanted.assignment.attempt = kReduce;
  wanted.assignment.task = {JobId{1}, Stage::kReduce, 0};
  wanted.list = list({{2, {32}, 1}});
  inputs.bring(wanted);
  ASSERT_EQ(fetcher.requests.size(), 3u);
  EXPECT_EQ(fetcher.requests[2].outputs[0].attempt, AttemptId{32});
}

TEST_F(InputsTest, ThatAreOnTheirWayAreWaitedForAndNotFetchedTwice) {
  tell_home({{2, {12}, 1}, {3, {13}, 1}});
  bring();
  EXPECT_EQ(fetcher.requests.size(), 1u);
  EXPECT_TRUE(inputs.take_ready().empty());
  end_early({12}, {{3, {13}, 0}});
  // What was lost need not be found lost once more.
  EXPECT_EQ(fetcher.requests.size(), 1u);
  EXPECT_TRUE(inputs.take_ready().empty());
  const std::vector<InputsMissing> missing = inputs.take_missing();
  ASSERT_EQ(missing.size(), 1u);
  ASSERT_EQ(missing[0].outputs.size(), 1u);
  EXPECT_EQ(missing[0].outputs[0].attempt, AttemptId{13});
  replace(3, 23, 1);
  ASSERT_EQ(fetcher.requests.size(), 2u);
  EXPECT_EQ(fetcher.requests[1].attempt, kReduce);
  end(0, {fetched(3, 23)});
  EXPECT_EQ(inputs.take_ready().size(), 1u);
  EXPECT_EQ(attempts(), (std::vector<std::uint64_t>{10, 11, 12, 23}));
}

TEST_F(InputsTest, ThatAreLeftByTheHomeAreFetchedAsEver) {
  tell_home({{2, {12}, 1}, {3, {13}, 1}});
  bring();
  FetchOutcome outcome;
  outcome.attempt = fetcher.requests[0].attempt;
  outcome.ended = true;
  outcome.succeeded = true;
  outcome.left = fetcher.requests[0].outputs;
  fetcher.outcomes.push_back(std::move(outcome));
  inputs.look();
  ASSERT_EQ(fetcher.requests.size(), 2u);
  EXPECT_EQ(fetcher.requests[1].outputs.size(), 2u);
  EXPECT_TRUE(inputs.take_missing().empty());
}

TEST_F(InputsTest, OfAnotherPartitionGoWhenAReduceFindsTheDiskFull) {
  tell_home({{2, {12}, 1}}, 1);
  end_early({12});
  EXPECT_EQ(inputs.early().bytes_held, 100u);
  bring();
  FetchOutcome outcome;
  outcome.attempt = kReduce;
  outcome.ended = true;
  outcome.failure.kind = proto::FailureKind::kNoSpace;
  fetcher.outcomes.push_back(std::move(outcome));
  inputs.look();
  EXPECT_EQ(inputs.early().bytes_held, 0u);
  ASSERT_EQ(inputs.take_ready().size(), 1u);
}

TEST_F(InputsTest, OfACancelledReduceGoWhenThereIsNoRoom) {
  tell_home({{2, {12}, 1}});
  end_early({12});
  bring();
  inputs.make_room();
  EXPECT_EQ(inputs.early().bytes_held, 100u) << "an attempt reads it";
  inputs.forget(kReduce);
  EXPECT_EQ(inputs.early().bytes_held, 100u) << "the next one may read it";
  inputs.make_room();
  EXPECT_EQ(inputs.early().bytes_held, 0u);
}

TEST_F(InputsTest, ThatAreReadElsewhereGo) {
  tell_home({{2, {12}, 1}});
  end_early({12});
  bring();
  inputs.drop_early({JobId{1}, {0}});
  EXPECT_EQ(inputs.early().bytes_held, 100u) << "an attempt reads it";
  inputs.forget(kReduce);
  EXPECT_EQ(inputs.early().bytes_held, 0u);
}

TEST_F(InputsTest, OfLaterReducesWaitWhileAnAttemptWaitsForWhatIsComing) {
  tell_home({{2, {12}, 1}, {3, {13}, 1}});
  bring();
  tell_home({{5, {15}, 1}}, 1);
  EXPECT_EQ(fetcher.requests.size(), 1u);
  end_early({12, 13});
  inputs.go_on_early();
  EXPECT_EQ(fetcher.requests.size(), 2u);
}

TEST_F(InputsTest, ThatCameEarlyAndCannotBeReadAreFetchedTheNextTime) {
  tell_home({{2, {12}, 1}, {3, {13}, 1}});
  end_early({12, 13});
  bring();
  EXPECT_EQ(inputs.take_ready().size(), 1u);
  inputs.note_lost(kReduce, {{2, {12}, 1}});
  inputs.forget(kReduce);
  bring();
  ASSERT_EQ(fetcher.requests.size(), 2u);
  ASSERT_EQ(fetcher.requests[1].outputs.size(), 1u);
  EXPECT_EQ(fetcher.requests[1].outputs[0].attempt, AttemptId{12});
}

TEST_F(InputsTest, OfLaterReducesWaitWhileThoseOfAnAttemptAreFetched) {
  bring();
  tell_home({{5, {15}, 1}});
  EXPECT_EQ(fetcher.requests.size(), 1u);
  end(0, {fetched(2, 12), fetched(3, 13)});
  // An attempt has this partition; of another one more may come.
  tell_home({{5, {15}, 1}}, 1);
  ASSERT_EQ(fetcher.requests.size(), 2u);
  EXPECT_EQ(fetcher.requests[1].partition, 1u);
}

TEST_F(InputsTest, AreOneListForAllReducesThatReadTheSame) {
  constexpr AttemptId kOther{101};
  const auto outputs = list({{0, {10}, 0}, {1, {11}, 0}});
  bring_local(kReduce, outputs);
  bring_local(kOther, outputs);
  EXPECT_TRUE(fetcher.requests.empty());
  EXPECT_EQ(inputs.take_ready().size(), 2u);
  const SegmentList shared = inputs.segments(kReduce);
  EXPECT_EQ(inputs.segments(kOther), shared);
  EXPECT_EQ((*shared)[1].path, "/one/1/11/output.run");
  // Replaced for one of them: the other's is as it was.
  inputs.note_lost(kReduce, {{1, {11}, 0}});
  replace(1, 21, 0);
  EXPECT_EQ(inputs.take_ready().size(), 1u);
  EXPECT_EQ(attempts(), (std::vector<std::uint64_t>{10, 21}));
  EXPECT_EQ(inputs.segments(kOther), shared);
  EXPECT_EQ(attempts(kOther), (std::vector<std::uint64_t>{10, 11}));
}

TEST_F(InputsTest, AreAnotherListWhenTheMasterSaysSoOrForAnotherJob) {
  const auto first = list({{0, {10}, 0}});
  bring_local(AttemptId{1}, first);
  bring_local(AttemptId{2}, list({{0, {20}, 0}}));
  bring_local(AttemptId{3}, first, JobId{2});
  EXPECT_EQ(attempts(AttemptId{1}), std::vector<std::uint64_t>{10});
  EXPECT_EQ(attempts(AttemptId{2}), std::vector<std::uint64_t>{20});
  EXPECT_EQ(inputs.segments(AttemptId{3})->front().path, "/one/2/10/output.run");
}

TEST_F(InputsTest, AreNotKeptForAJobThatIsOver) {
  const auto outputs = list({{0, {10}, 0}});
  bring_local(kReduce, outputs);
  const std::weak_ptr<const std::vector<LocalSegment>> shared = inputs.segments(kReduce);
  inputs.forget(kReduce);
  EXPECT_FALSE(shared.expired()) << "the next reduce reads it";
  inputs.forget(JobId{1});
  EXPECT_TRUE(shared.expired());
}

TEST_F(InputsTest, AreForgottenWithWhatIsStillFetched) {
  bring();
  inputs.forget(kReduce);
  EXPECT_EQ(fetcher.cancelled, std::vector{kReduce});
  end(0, {fetched(2, 12)});
  EXPECT_FALSE(inputs.has_news());
  EXPECT_TRUE(attempts().empty());
}

}  // namespace
}  // namespace fanfold::worker
