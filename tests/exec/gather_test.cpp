// Gather tasks: what they make of the files of other tasks is what a single reduce would have
// written, or the parts one after the other; and files that are not what was committed.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <utility>

#include "common/core/limits.hpp"
#include "common/io/byte_source.hpp"
#include "common/proto/gather.hpp"
#include "tests/exec/exec_fixture.hpp"

namespace fanfold::worker {
namespace {

using abi::Gather;
using abi::OutputFormat;
using io::PartCompression;

constexpr Gather kAllWays[] = {Gather::kConcat, Gather::kMergeSort, Gather::kReduce};

/// Writes pairs, keys alone, and lines that are in no order and may hold anything.
struct Mixed {
  void map(std::string_view line, Emitter<std::string_view, std::uint64_t>& out) {
    for (std::size_t at = 0; at < line.size();) {
      const std::size_t end = std::min(line.find(' ', at), line.size());
      out.emit(line.substr(at, end - at), 1);
      at = end + 1;
    }
  }
  static std::uint64_t combine(std::uint64_t a, std::uint64_t b) { return a + b; }
  void reduce(std::string_view word, Values<std::uint64_t>& counts, Writer& out) {
    const std::uint64_t count = sum(counts);
    if (count % 3 == 0) out.write(word, count);
    if (count % 3 == 1) out.write(word);
    // Some words have two records, and some words none.
    if (count % 2 == 0) out.write_line(std::string(word.rbegin(), word.rend()) + "\t\\t" + "z");
  }
};

/// Writes one record for each word, of as many bytes as the word says.
struct Large {
  void map(std::string_view line, Emitter<std::string_view, Nothing>& out) {
    for (const std::string_view word : words(line)) out.emit(word);
  }
  void reduce(std::string_view word, Values<Nothing>&, Writer& out) {
    out.write_line(std::string(std::stoull(std::string(word)), 'x'));
  }
};

class GatherTask : public ExecFixture {
 protected:
  static constexpr std::uint32_t kParts = 7;

  Plan plan_of(Stage stage, std::uint32_t index) {
    Plan plan;
    plan.job = job_;
    plan.stage = stage;
    plan.index = index;
    plan.partitions = parts_;
    plan.memory_bytes = memory_bytes_;
    plan.spec.gather = {how_, how_ == Gather::kNone ? 0 : arity_};
    plan.spec.output_compression = compression_;
    plan.spec.output_format = format_;
    return plan;
  }
  /// Maps and reduces of the splits.
  std::vector<Run> reduce_all() {
    std::vector<LocalSegment> segments;
    for (std::uint32_t split = 0; split < splits_.size(); ++split) {
      Plan plan = plan_of(Stage::kMap, split);
      plan.inputs = {input("split" + std::to_string(split), splits_[split])};
      plan.branch = proto::branch_of(split, splits_.size(), parts_);
      const Run map = run(plan);
      EXPECT_TRUE(map.ok()) << map.failure().message;
      if (!map.report().output_empty) segments.push_back(local(map, split));
    }
    std::vector<Run> reduces;
    for (std::uint32_t part = 0; part < parts_; ++part) {
      Plan plan = plan_of(Stage::kReduce, part);
      plan.segments = segments;
      reduces.push_back(run(plan));
      EXPECT_TRUE(reduces.back().ok()) << reduces.back().failure().message;
    }
    return reduces;
  }
  Plan gather(std::uint32_t index, const std::vector<Run>& from) {
    Plan plan = plan_of(Stage::kGather, index);
    for (const Run& one : from) {
      const io::PartInfo* file = proto::gathered_file(one.report().files);
      if (file != nullptr) plan.gather_inputs.push_back({one.attempt, *file});
    }
    return plan;
  }
  /// Up the tree; what the root did.
  Run gather_all(const std::vector<Run>& reduces) {
    const proto::GatherTree tree(parts_, arity_);
    std::vector<Run> gathers;
    for (std::uint32_t index = 0; index < tree.tasks(); ++index) {
      const proto::GatherTree::Inputs wanted = tree.inputs(index);
      const std::vector<Run>& below = wanted.stage == Stage::kReduce ? reduces : gathers;
      const auto begin = below.begin();
      gathers.push_back(run(gather(index, {begin + wanted.begin, begin + wanted.end})));
      EXPECT_TRUE(gathers.back().ok()) << gathers.back().failure().message;
      EXPECT_TRUE(left_by(gathers.back().attempt).empty());
    }
    return gathers.back();
  }
  /// What the tree makes of the splits, decompressed.
  std::string gathered() {
    const Run root = gather_all(reduce_all());
    EXPECT_EQ(proto::gathered_file(root.report().files)->name,
              io::part_name("part", 0, 1, compression_));
    return contents_of(root);
  }
  /// What `parts` reduces write, one after the other, when nothing is gathered.
  std::string apart(std::uint32_t parts) {
    const Gather how = std::exchange(how_, Gather::kNone);
    const std::uint32_t before = std::exchange(parts_, parts);
    std::string all;
    for (const Run& reduce : reduce_all()) all += contents_of(reduce);
    how_ = how;
    parts_ = before;
    return all;
  }
  std::string path_of(const Run& one) const {
    return directory_.path("staging/" + std::to_string(one.attempt.value) + "/" +
                           proto::gathered_file(one.report().files)->name);
  }
  std::string contents_of(const Run& one) const {
    const std::string path = path_of(one);
    const bool gzip = path.ends_with(".gz");
    if (!gzip && !path.ends_with(".zst")) return bytes_of(path);
    auto file = io::posix_file_system().open(path);
    FANFOLD_CHECK(file.ok());
    const auto source = io::open_decompressor(
        *std::move(file), path, gzip ? io::Compression::kGzip : io::Compression::kZstd,
        std::filesystem::file_size(path));
    FANFOLD_CHECK(source.ok());
    std::string all;
    std::string buffer(1u << 16, '\0');
    for (;;) {
      const auto count = (*source)->read(buffer);
      EXPECT_TRUE(count.ok()) << count.status().message();
      if (!count.ok() || *count == 0) return all;
      all.append(buffer, 0, *count);
    }
  }
  static void flip_a_byte(const std::string& path) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    const auto middle = static_cast<std::streamoff>(std::filesystem::file_size(path) / 2);
    file.seekg(middle);
    const char byte = static_cast<char>(file.get() ^ 1);
    file.seekp(middle);
    file.put(byte);
  }
  void make_splits(std::size_t count) {
    splits_.clear();
    for (std::size_t i = 0; i < count; ++i) splits_.push_back(text_of(i, 300, 200));
  }

  const abi::JobInfo* job_ = &job_info<CountWords>();
  Gather how_ = Gather::kMergeSort;
  std::uint32_t parts_ = kParts;
  std::uint32_t arity_ = 3;
  std::vector<std::string> splits_;
  std::uint64_t memory_bytes_ = kPlenty;
  PartCompression compression_ = PartCompression::kNone;
  OutputFormat format_ = OutputFormat::kText;
};

TEST_F(GatherTask, MakesWhatOneReduceWritesInEveryFormatAndCompression) {
  job_ = &job_info<Mixed>();
  // Words that are no UTF-8, are cut at TABs, look escaped, or begin like one another.
  splits_ = {"na\xc3\xafve caf\xc3\xa9 \xff\xfe a\tb \\t\\n",
             "a a\tb caf\xc3\xa9 z \xff",
             "\x01 a ab abc a\\ \xc3\xa9 caf\xc3\xa9",
             "",
             text_of(1, 40, 60),
             text_of(2, 40, 60)};
  for (const OutputFormat format :
       {OutputFormat::kText, OutputFormat::kJsonLines, OutputFormat::kBinary}) {
    format_ = format;
    compression_ = PartCompression::kNone;
    const std::string one = apart(1);
    const std::string in_parts = apart(kParts);
    ASSERT_NE(one, in_parts);
    for (const PartCompression codec :
         {PartCompression::kNone, PartCompression::kGzip, PartCompression::kZstd}) {
      compression_ = codec;
      for (const Gather how : kAllWays) {
        for (const std::uint32_t arity : {2u, 3u, 7u}) {
          how_ = how;
          arity_ = arity;
          EXPECT_EQ(gathered(), how == Gather::kConcat ? in_parts : one)
              << proto::name_of(how) << " arity " << arity << " format " << static_cast<int>(format)
              << " codec " << static_cast<int>(codec);
        }
      }
    }
  }
}

TEST_F(GatherTask, MergesWithinItsMemory) {
  make_splits(kParts);
  const std::string one = apart(1);
  memory_bytes_ = kTiny;
  arity_ = 7;
  for (const Gather how : {Gather::kMergeSort, Gather::kReduce}) {
    how_ = how;
    const Run root = gather_all(reduce_all());
    // In passes: not all seven runs at once.
    EXPECT_GT(root.report().spills, 0u);
    EXPECT_EQ(contents_of(root), one);
  }
}

TEST_F(GatherTask, OpensFewerRunsWhoseRecordsAreLarge) {
  job_ = &job_info<Large>();
  splits_ = {"1000001 1000002 1000003 1000004 1000005 1000006 1000007 1000008 1000009 1000010\n"};
  memory_bytes_ = kTiny;
  parts_ = 5;
  arity_ = 5;
  const Run root = gather_all(reduce_all());
  // Five small ones would be open at once.
  EXPECT_GT(root.report().spills, 0u);
  EXPECT_EQ(contents_of(root), apart(1));
}

TEST_F(GatherTask, SaysWhichRecordsAreTooLargeToBeMerged) {
  job_ = &job_info<Large>();
  // With its key it needs a block of its own, and the largest one does not do.
  constexpr std::size_t kBytes = limits::kRecordBytes + limits::kRunBlockBytes;
  splits_ = {std::to_string(kBytes) + "\n"};
  std::vector<LocalSegment> segments;
  Plan map = plan_of(Stage::kMap, 0);
  map.inputs = {input("split0", splits_[0])};
  segments.push_back(local(run(map), 0));
  const Run* failed = nullptr;
  std::vector<Run> reduces;
  for (std::uint32_t part = 0; part < kParts; ++part) {
    Plan plan = plan_of(Stage::kReduce, part);
    plan.segments = segments;
    reduces.push_back(run(plan));
  }
  for (const Run& reduce : reduces) {
    if (!reduce.ok()) failed = &reduce;
  }
  ASSERT_NE(failed, nullptr);
  EXPECT_EQ(failed->failure().kind, FailureKind::kException);
  EXPECT_NE(failed->failure().message.find("use --gather concat"), std::string::npos)
      << failed->failure().message;
  how_ = Gather::kConcat;
  EXPECT_EQ(gathered().size(), kBytes + 1);
}

TEST_F(GatherTask, CountsWhatItReadsAndWrites) {
  make_splits(5);
  for (const Gather how : {Gather::kConcat, Gather::kMergeSort}) {
    how_ = how;
    const std::vector<Run> reduces = reduce_all();
    std::uint64_t records = 0;
    for (const Run& reduce : reduces) records += reduce.report().records_out;
    const Run root = gather_all(reduces);
    EXPECT_EQ(root.report().records_in, records);
    EXPECT_EQ(root.report().records_out, records);
    EXPECT_EQ(root.report().files[0].records, records);
    EXPECT_EQ(root.report().bytes_out, bytes_of(path_of(root)).size());
  }
}

TEST_F(GatherTask, HandsOnRunsAndNoPartsWhereKeysAreNeeded) {
  make_splits(2);
  for (const Gather how : {Gather::kMergeSort, Gather::kReduce}) {
    how_ = how;
    const std::vector<Run> reduces = reduce_all();
    ASSERT_EQ(reduces[0].report().files.size(), 1u);
    EXPECT_EQ(reduces[0].report().files[0].name, proto::kGatherRunName);
    EXPECT_TRUE(left_by(reduces[0].attempt).empty());
  }
}

TEST_F(GatherTask, MakesAnEmptyPartOfNothing) {
  for (const PartCompression codec :
       {PartCompression::kNone, PartCompression::kGzip, PartCompression::kZstd}) {
    compression_ = codec;
    for (const Gather how : kAllWays) {
      how_ = how;
      EXPECT_EQ(gathered(), "");
    }
  }
}

TEST_F(GatherTask, RefusesFilesThatAreNotWhatWasCommitted) {
  make_splits(kParts);
  for (const Gather how : kAllWays) {
    how_ = how;
    const std::vector<Run> reduces = reduce_all();
    const auto expect_damaged = [&](const Run& one) {
      const Run task = run(gather(0, {one}));
      ASSERT_FALSE(task.ok());
      EXPECT_EQ(task.failure().kind, FailureKind::kInput);
      EXPECT_NE(task.failure().message.find("run the job again"), std::string::npos)
          << task.failure().message;
    };
    flip_a_byte(path_of(reduces[1]));
    expect_damaged(reduces[1]);
    std::filesystem::resize_file(path_of(reduces[2]), 1);
    expect_damaged(reduces[2]);
    // Whole, and of somebody else.
    std::filesystem::copy_file(path_of(reduces[4]), path_of(reduces[3]),
                               std::filesystem::copy_options::overwrite_existing);
    expect_damaged(reduces[3]);
    // Not there: perhaps not yet, and elsewhere it is.
    std::filesystem::remove(path_of(reduces[0]));
    EXPECT_EQ(run(gather(0, {reduces[0]})).failure().kind, FailureKind::kIo);
  }
}

TEST_F(GatherTask, RefusesARunWithoutThePartitionThatItReads) {
  make_splits(5);
  const std::vector<Run> reduces = reduce_all();
  const std::string path = path_of(reduces[0]);
  std::filesystem::remove(path);
  const auto empty =
      io::create_run_file(io::posix_file_system(), path, io::BlockCompression::kNone);
  ASSERT_TRUE(empty.ok() && (*empty)->finish().ok());
  const Run task = run(gather(0, {reduces[0]}));
  ASSERT_FALSE(task.ok());
  EXPECT_EQ(task.failure().kind, FailureKind::kInput);
  EXPECT_NE(task.failure().message.find("0 records"), std::string::npos) << task.failure().message;
}

TEST_F(GatherTask, DoesNotTakeANamedOutputForAPart) {
  io::PartInfo named;
  for (const char* name : {"part-x-00000-of-00003", "part-00000-of-00003-00001-of-00003",
                           "part-0-of-00003", "particle-00000-of-00003"}) {
    named.name = name;
    EXPECT_EQ(proto::gathered_file({named}), nullptr) << name;
  }
  named.name = "part-00001-of-100000.zst";
  EXPECT_NE(proto::gathered_file({named}), nullptr);
}

}  // namespace
}  // namespace fanfold::worker
