// What reduces keep of what they read, and what the maps of a redrive make of it.

#include "common/io/pairs_file.hpp"
#include "common/io/part_file.hpp"
#include "common/proto/redrive.hpp"
#include "fanfold/hash.hpp"
#include "tests/exec/exec_fixture.hpp"
#include "tests/io/compressed_samples.hpp"
#include "worker/exec/piece_source.hpp"

namespace fanfold::worker {
namespace {

class PairsTask : public ExecFixture {
 protected:
  static constexpr std::uint32_t kPartitions = 3;

  proto::JobSpec keeping() const {
    proto::JobSpec spec;
    spec.output = directory_.path("out");
    spec.bad_records = {proto::OnBadRecord::kDeadLetter, 0, 0};
    return spec;
  }
  std::vector<LocalSegment> map_splits(const abi::JobInfo& job, std::size_t splits,
                                       const std::vector<std::string>& splitters = {}) {
    std::vector<LocalSegment> segments;
    for (std::size_t i = 0; i < splits; ++i) {
      const Run map = run({.job = &job,
                           .inputs = {input("split" + std::to_string(i), text_of(i, 400, 90))},
                           .splitters = splitters});
      EXPECT_TRUE(map.ok()) << map.failure().message;
      segments.push_back(local(map, static_cast<std::uint32_t>(i)));
    }
    return segments;
  }
  Run reduce(const abi::JobInfo& job, const std::vector<LocalSegment>& segments,
             std::uint32_t partition, const proto::JobSpec& spec,
             std::uint64_t memory_bytes = kPlenty) {
    return run({.job = &job,
                .stage = Stage::kReduce,
                .segments = segments,
                .index = partition,
                .partitions = kPartitions,
                .memory_bytes = memory_bytes,
                .spec = spec});
  }
  static std::string pairs(std::uint32_t partition) {
    return io::pairs_file_name(partition, kPartitions);
  }
  std::string pairs_path(const Run& reduced, std::uint32_t partition) const {
    return directory_.path("staging/" + std::to_string(reduced.attempt.value) + "/" +
                           pairs(partition));
  }
  static std::string part(std::uint32_t partition) {
    return io::part_name("part", partition, kPartitions, io::PartCompression::kNone);
  }
  /// A map of a redrive that reads this.
  Run redrive(const abi::JobInfo& job, const std::string& file) {
    proto::JobSpec spec = keeping();
    spec.inputs = {proto::redrive_input(file.substr(0, file.rfind('/')))};
    return run({.job = &job, .inputs = {file}, .partitions = kPartitions, .spec = spec});
  }
};

TEST_F(PairsTask, KeepsAllThatItReadsAndWritesTheSamePart) {
  for (const abi::JobInfo* job : {&job_info<CountWords>(), &job_info<ListLines>()}) {
    const auto segments = map_splits(*job, 40);
    for (std::uint32_t partition = 0; partition < kPartitions; ++partition) {
      const Run plain = reduce(*job, segments, partition, {});
      for (const std::uint64_t memory : {kPlenty, kTiny}) {
        const Run keeps = reduce(*job, segments, partition, keeping(), memory);
        ASSERT_TRUE(keeps.ok()) << keeps.failure().message;
        EXPECT_EQ(staged(keeps.attempt, part(partition)), staged(plain.attempt, part(partition)));
        const std::string path = pairs_path(keeps, partition);
        const auto segment = io::find_segment(io::posix_file_system(), path, 0);
        ASSERT_TRUE(segment.ok());
        EXPECT_EQ(segment->summary.records, plain.report().flow.records);
        ASSERT_EQ(keeps.report().files.size(), 2u);
        const auto& files = keeps.report().files;
        const io::PartInfo& kept = files[0].name == pairs(partition) ? files[0] : files[1];
        const auto digest = io::digest_file(io::posix_file_system(), path);
        EXPECT_EQ(kept.name, pairs(partition));
        EXPECT_EQ(kept.bytes, digest->bytes);
        EXPECT_EQ(kept.checksum, digest->checksum);
        EXPECT_EQ(kept.records, segment->summary.records);
        EXPECT_EQ(keeps.report().bytes_out, plain.report().bytes_out);
        EXPECT_EQ(keeps.report().records_out, plain.report().records_out);
      }
      // Nothing was to be kept.
      EXPECT_FALSE(is_staged(plain.attempt, pairs(partition)));
    }
  }
}

TEST_F(PairsTask, IsPassedOnAsTheOutputOfAMap) {
  const abi::JobInfo& job = job_info<CountWords>();
  const auto segments = map_splits(job, 3);
  const Run first = reduce(job, segments, 1, keeping());
  const Run passed = redrive(job, pairs_path(first, 1));
  ASSERT_TRUE(passed.ok()) << passed.failure().message;
  EXPECT_EQ(passed.report().records_in, 0u);
  EXPECT_EQ(passed.report().records_mapped, 0u);
  EXPECT_EQ(passed.report().emitted, 0u);
  EXPECT_EQ(passed.report().flow.records, first.report().flow.records);
  EXPECT_EQ(passed.report().flow.sum, first.report().flow.sum);
  const Run again = reduce(job, {local(passed, 0)}, 1, keeping());
  EXPECT_EQ(staged(again.attempt, part(1)), staged(first.attempt, part(1)));
  const Run elsewhere = reduce(job, {local(passed, 0)}, 0, keeping());
  EXPECT_EQ(staged(elsewhere.attempt, part(0)), "");
}

TEST_F(PairsTask, ThatIsDamagedFailsTheMap) {
  const abi::JobInfo& job = job_info<CountWords>();
  const Run first = reduce(job, map_splits(job, 2), 0, keeping());
  std::string bytes = bytes_of(pairs_path(first, 0));
  bytes[bytes.size() / 4] ^= 8;
  const Run passed = redrive(job, directory_.write("in/" + pairs(0), bytes));
  ASSERT_FALSE(passed.ok());
  EXPECT_EQ(passed.failure().kind, FailureKind::kInput);
  EXPECT_NE(passed.failure().message.find("_PAIRS-00000-of-00003"), std::string::npos);
}

TEST_F(PairsTask, SaysWherePartitionsWereCut) {
  const abi::JobInfo& job = job_info<SortLines>();
  // Nothing lies in the first range.
  const auto segments = map_splits(job, 3, {"", "w5"});
  proto::JobSpec spec = keeping();
  std::vector<std::string> files;
  for (const std::uint32_t partition : {1u, 2u}) {
    const Run reduced = reduce(job, segments, partition, spec);
    ASSERT_TRUE(reduced.ok());
    files.push_back(pairs_path(reduced, partition));
  }
  // In one directory, as a redrive has them.
  for (std::string& file : files) {
    file = directory_.write("in/" + file.substr(file.rfind('/') + 1), bytes_of(file));
  }
  spec.inputs = {proto::redrive_input(directory_.path("in"))};
  const auto sample = [&](const std::vector<std::string>& some) {
    const Run sampled = run({.job = &job, .stage = Stage::kSample, .inputs = some, .spec = spec});
    EXPECT_TRUE(sampled.ok()) << sampled.failure().message;
    return sampled.report().splitters;
  };
  const auto first_of = [this](const std::string& file) { return records_of(file, 0).at(0).first; };
  EXPECT_EQ(sample(files), (std::vector<std::string>{first_of(files[0]), first_of(files[1])}));
  // The last range was empty: there is one cut, where the second begins.
  EXPECT_EQ(sample({files[0]}), (std::vector<std::string>{first_of(files[0])}));
  // The first two were: both end where the third begins.
  EXPECT_EQ(sample({files[1]}), (std::vector<std::string>{first_of(files[1]), first_of(files[1])}));
}

TEST_F(PairsTask, RecordsAreReadWhereTheyWereOrNotAtAll) {
  proto::JobSpec spec = keeping();
  spec.inputs = {proto::redrive_input("/anywhere")};
  std::string lines;
  for (int i = 0; i < 100'000; ++i) lines += "line " + std::to_string(100'000 + i) + "\n";
  const std::string plain = input("lines", lines);
  const std::string packed = input("lines.gz", io::compressed(io::Compression::kGzip, lines));
  for (const std::string& path : {plain, packed}) {
    PieceSource source(io::posix_file_system(), spec);
    const auto read = [&](std::uint64_t begin, std::uint64_t end, std::string_view wanted) {
      io::Piece piece;
      piece.path = path;
      piece.begin = begin;
      piece.end = end;
      piece.compression = path == packed ? io::Compression::kGzip : io::Compression::kNone;
      piece.version = proto::record_version(hash(wanted));
      const auto reader = source.open(piece);
      EXPECT_TRUE(reader.ok());
      const auto block = (*reader)->next();
      if (!block.ok()) return block.status().message();
      EXPECT_EQ((*block)->offset, begin);
      EXPECT_FALSE((*(*reader)->next()).has_value());
      return std::string((*block)->bytes);
    };
    EXPECT_EQ(read(12, 24, "line 100001\n"), "line 100001\n");
    EXPECT_EQ(read(1'080'000, 1'080'012, "line 190000\n"), "line 190000\n");
    // Back again, and what is near.
    EXPECT_EQ(read(0, 12, "line 100000\n"), "line 100000\n");
    EXPECT_EQ(read(24, 36, "line 100002\n"), "line 100002\n");
    for (const std::string& wrong :
         {read(24, 36, "line 100009\n"), read(30, 42, "line 100003\n"),
          read(24, 30, "line 100002\n"), read(1'300'000, 1'300'012, "line 100002\n"),
          read(24, 2'000'000, "line 100002\n")}) {
      EXPECT_NE(wrong.find(path), std::string::npos) << wrong;
    }
  }
}

}  // namespace
}  // namespace fanfold::worker
