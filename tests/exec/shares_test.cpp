// A hot partition that is folded in shares: its reduce writes what it writes alone; what maps tell
// of heavy partitions.

#include <filesystem>

#include "common/proto/flow.hpp"
#include "common/proto/gather.hpp"
#include "common/proto/hot_partitions.hpp"
#include "tests/exec/exec_fixture.hpp"

namespace fanfold::worker {
namespace {

/// Values that grow: folding gives more than a record should be.
struct Joined {
  void map(std::string_view line, Emitter<std::string_view, std::string>& out) {
    out.emit("key", std::string(6u << 20, line.front()));
  }
  static std::string combine(std::string a, const std::string& b) { return a + b; }
  void reduce(std::string_view key, Values<std::string>& values, Writer& out) {
    std::size_t bytes = 0;
    for (const std::string& value : values) bytes += value.size();
    out.write(key, std::uint64_t{bytes});
  }
};

class Shares : public ExecFixture {
 protected:
  static constexpr std::uint32_t kMaps = 7;

  Plan plan_of(Stage stage, std::uint32_t index) {
    Plan plan;
    plan.job = job_;
    plan.stage = stage;
    plan.index = index;
    plan.spec.gather = gather_;
    return plan;
  }
  void map_all(const std::vector<std::string>& splits) {
    for (const std::string& text : splits) {
      const std::uint32_t split = maps_++;
      Plan plan = plan_of(Stage::kMap, split);
      plan.inputs = {input("split" + std::to_string(split), text)};
      const Run map = run(plan);
      ASSERT_TRUE(map.ok()) << map.failure().message;
      if (!map.report().output_empty) segments_.push_back(local(map, split));
    }
  }
  Run reduce(std::uint32_t partition) {
    Plan plan = plan_of(Stage::kReduce, partition);
    plan.segments = segments_;
    return run(plan);
  }
  /// In so many shares.
  Run reduce_shared(std::uint32_t partition, std::uint32_t count) {
    std::vector<std::uint32_t> ends;
    for (std::uint32_t i = 1; i <= count; ++i) ends.push_back(i * maps_ / count);
    const proto::Shares shares(3, {{partition, 0, true, count}}, std::move(ends));
    Plan rest = plan_of(Stage::kReduce, partition);
    for (std::uint32_t task = 3; task < 3 + count; ++task) {
      Plan plan = plan_of(Stage::kReduce, task);
      plan.share = shares.share(task);
      for (const LocalSegment& segment : segments_) {
        if (plan.share.reads(segment.output.split)) plan.segments.push_back(segment);
      }
      const Run share = run(plan);
      EXPECT_TRUE(share.ok()) << share.failure().message;
      EXPECT_TRUE(left_by(share.attempt).empty());
      proto::add_flow(&flow_, share.report().flow);
      const io::PartInfo* file = proto::gathered_file(share.report().files);
      if (file != nullptr) rest.gather_inputs.push_back({share.attempt, *file});
    }
    return run(rest);
  }
  std::string written_by(const Run& reduce) {
    EXPECT_TRUE(reduce.ok()) << reduce.failure().message;
    return staged(reduce.attempt, proto::gathered_file(reduce.report().files)->name);
  }
  static std::vector<std::string> texts() {
    std::vector<std::string> texts;
    for (std::uint32_t i = 0; i < kMaps; ++i) texts.push_back(text_of(i, 200, 300));
    return texts;
  }

  const abi::JobInfo* job_ = &job_info<CountWords>();
  proto::GatherPolicy gather_;
  std::uint32_t maps_ = 0;
  std::vector<LocalSegment> segments_;
  abi::BlockSummary flow_;  // That shares have read.
};

TEST_F(Shares, OfAPartitionGiveWhatItsReduceGivesAlone) {
  map_all(texts());
  const Run alone = reduce(1);
  for (const std::uint32_t count : {1u, 2u, 3u, kMaps}) {
    flow_ = {};
    const Run shared = reduce_shared(1, count);
    EXPECT_EQ(written_by(shared), written_by(alone)) << count;
    EXPECT_EQ(flow_.records, alone.report().flow.records);
    EXPECT_EQ(flow_.sum, alone.report().flow.sum);
    EXPECT_EQ(shared.report().flow.records, 0u) << "it has read no map outputs";
    EXPECT_EQ(shared.report().files.front().name, alone.report().files.front().name);
  }
}

TEST_F(Shares, OfAJobThatGathersHandOnFoldedValuesAsWell) {
  gather_ = {abi::Gather::kMergeSort, 2};
  map_all(texts());
  const Run alone = reduce(2);
  const Run shared = reduce_shared(2, 3);
  const auto run_of = [&](const Run& one) {
    EXPECT_EQ(proto::gathered_file(one.report().files)->name, proto::kGatherRunName);
    return contents_of_run(directory_.path("staging/" + std::to_string(one.attempt.value) + "/" +
                                           proto::kGatherRunName));
  };
  EXPECT_EQ(run_of(shared), run_of(alone));
}

TEST_F(Shares, WithoutRecordsLeaveNothing) {
  map_all({"", "", ""});
  const Run shared = reduce_shared(0, 2);
  EXPECT_TRUE(shared.ok()) << shared.failure().message;
  EXPECT_EQ(flow_.records, 0u);
}

TEST_F(Shares, MakeSeveralRecordsOfWhatIsTooLargeForOne) {
  job_ = &job_info<Joined>();
  map_all({"a\n", "b\n", "c\n", "d\n", "e\n", "f\n", "g\n", "h\n", "i\n", "j\n", "k\n", "l\n"});
  for (std::uint32_t partition = 0; partition < 3; ++partition) {
    EXPECT_EQ(written_by(reduce_shared(partition, 1)), written_by(reduce(partition)));
  }
}

TEST_F(Shares, AreNoneOfARunThatWasChanged) {
  map_all(texts());
  const Run share = [&] {
    Plan plan = plan_of(Stage::kReduce, 3);
    plan.share = {1, 0, kMaps};
    plan.segments = segments_;
    return run(plan);
  }();
  Plan rest = plan_of(Stage::kReduce, 1);
  io::PartInfo file = *proto::gathered_file(share.report().files);
  file.checksum ^= 1;
  rest.gather_inputs = {{share.attempt, file}};
  const Run shared = run(rest);
  EXPECT_FALSE(shared.ok());
  EXPECT_EQ(shared.failure().kind, FailureKind::kInput);
}

class HeavyPartitions : public ExecFixture {
 protected:
  std::vector<proto::PartitionBytes> heavy_of(const std::string& text) {
    Plan plan;
    plan.inputs = {input("text", text)};
    const Run map = run(plan);
    EXPECT_TRUE(map.ok()) << map.failure().message;
    return map.report().heavy_partitions;
  }
};

TEST_F(HeavyPartitions, AreNotToldOfWhenTheyAreEven) {
  std::string words;
  for (int i = 0; i < 3000; ++i) words += "word" + std::to_string(i) + "\n";
  EXPECT_TRUE(heavy_of(words).empty());
}

TEST_F(HeavyPartitions, AreToldOfWithTheirBytes) {
  std::string text = text_of(1, 5, 50) + "\n";
  // So that it is as large where it is compressed.
  for (std::uint32_t i = 0, bits = 1; i < 4000; ++i, bits = bits * 1'664'525 + 1'013'904'223) {
    text += static_cast<char>('a' + (bits >> 24) % 26);
  }
  const std::vector<proto::PartitionBytes> heavy = heavy_of(text + "\n");
  ASSERT_EQ(heavy.size(), 1u);
  EXPECT_GE(heavy[0].bytes, 2000u);
  EXPECT_LT(heavy[0].partition, 3u);
}

}  // namespace
}  // namespace fanfold::worker
