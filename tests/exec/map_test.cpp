// Map and sample tasks: what they leave, whatever memory they get.

#include <algorithm>
#include <fstream>

#include "tests/exec/exec_fixture.hpp"
#include "worker/exec/side_files.hpp"
#include "worker/plugin/plugin.hpp"

namespace fanfold::worker {
namespace {

class MapTask : public ExecFixture {
 protected:
  /// What a map output of CountWords says, all partitions together.
  std::map<std::string, std::uint64_t> counts_in(const std::string& run_file,
                                                 std::uint32_t partitions) {
    std::map<std::string, std::uint64_t> counts;
    for (std::uint32_t i = 0; i < partitions; ++i) {
      const Pairs pairs = records_of(run_file, i);
      EXPECT_TRUE(std::is_sorted(pairs.begin(), pairs.end()));
      for (const auto& [word, encoded] : pairs) {
        std::uint64_t count = 0;
        Scratch scratch;
        EXPECT_TRUE(decode_value(encoded, count, scratch));
        EXPECT_EQ(counts.count(word), 0u) << word;
        counts[word] += count;
      }
    }
    return counts;
  }
};

TEST_F(MapTask, CountsWordsIntoOneSortedFile) {
  const std::string text = text_of(1, 2000, 300);
  const Run done = run({.inputs = {input("a", text)}});
  ASSERT_TRUE(done.ok()) << done.failure().message;
  EXPECT_EQ(counts_in(output_path(done.attempt), 3), count_words(text));
  EXPECT_EQ(left_by(done.attempt), std::vector<std::string>{"output.run"});
  EXPECT_FALSE(done.report().output_empty);
}

TEST_F(MapTask, ReportsWhatItReadAndWrote) {
  const std::string text = text_of(1, 2000, 300);
  const Run done = run({.inputs = {input("a", text)}});
  ASSERT_TRUE(done.ok());
  EXPECT_EQ(done.report().records_in, 2000u);
  EXPECT_EQ(done.report().bytes_in, text.size());
  EXPECT_EQ(done.bytes_read, text.size());
  EXPECT_EQ(done.report().records_out, count_words(text).size());
  EXPECT_EQ(done.report().bytes_out, bytes_of(output_path(done.attempt)).size());
  EXPECT_EQ(done.report().spills, 0u);
  EXPECT_TRUE(done.report().files.empty());
}

TEST_F(MapTask, ReadsThePiecesOfItsSplitInOrder) {
  const Run done = run({.job = &job_info<ListLines>(),
                        .inputs = {input("b", "k first\n"), input("a", "k second\nk third\n"),
                                   input("empty", ""), input("c", "k fourth")},
                        .partitions = 1});
  ASSERT_TRUE(done.ok()) << done.failure().message;
  EXPECT_EQ(done.report().records_in, 4u);
  const Pairs expected = {{"k", "k first"}, {"k", "k second"}, {"k", "k third"}, {"k", "k fourth"}};
  EXPECT_EQ(records_of(output_path(done.attempt), 0), expected);
}

TEST_F(MapTask, SpillsWithACombinerAndLeavesTheSameBytes) {
  const std::string file = input("a", text_of(2, 200'000, 1'500'000));
  const Run roomy = run({.inputs = {file}});
  const Run tight = run({.inputs = {file}, .memory_bytes = kTiny});
  ASSERT_TRUE(roomy.ok()) << roomy.failure().message;
  ASSERT_TRUE(tight.ok()) << tight.failure().message;
  EXPECT_EQ(roomy.report().spills, 0u);
  EXPECT_GT(tight.report().spills, 5u);  // More than can be merged at once.
  EXPECT_EQ(left_by(tight.attempt), std::vector<std::string>{"output.run"});
  EXPECT_EQ(tight.report().records_out, roomy.report().records_out);
  EXPECT_TRUE(contents_of_run(output_path(tight.attempt)) ==
              contents_of_run(output_path(roomy.attempt)));
  EXPECT_EQ(counts_in(output_path(tight.attempt), 3), count_words(bytes_of(file)));
}

TEST_F(MapTask, SpillsWithoutACombinerAndLeavesTheSameBytes) {
  const std::string file = input("a", text_of(3, 500'000, 1000));
  const Plan plan{.job = &job_info<ListLines>(), .inputs = {file}, .partitions = 7};
  const Run roomy = run(plan);
  Plan poor = plan;
  poor.memory_bytes = kTiny;
  const Run tight = run(poor);
  ASSERT_TRUE(roomy.ok()) << roomy.failure().message;
  ASSERT_TRUE(tight.ok()) << tight.failure().message;
  EXPECT_EQ(roomy.report().spills, 0u);
  EXPECT_GT(tight.report().spills, 5u);
  EXPECT_EQ(left_by(tight.attempt), std::vector<std::string>{"output.run"});
  EXPECT_EQ(tight.report().records_out, 500'000u);
  EXPECT_TRUE(contents_of_run(output_path(tight.attempt)) ==
              contents_of_run(output_path(roomy.attempt)));
}

TEST_F(MapTask, SpillsValuesOnTheHeapAndLeavesTheSameBytes) {
  const std::string file = input("a", text_of(4, 200'000, 50'000));
  Plan plan{.job = &job_info<LongestLine>(), .inputs = {file}};
  const Run roomy = run(plan);
  plan.memory_bytes = kTiny;
  const Run tight = run(plan);
  ASSERT_TRUE(roomy.ok()) << roomy.failure().message;
  ASSERT_TRUE(tight.ok()) << tight.failure().message;
  EXPECT_EQ(roomy.report().spills, 0u);
  EXPECT_GT(tight.report().spills, 1u);
  EXPECT_TRUE(contents_of_run(output_path(tight.attempt)) ==
              contents_of_run(output_path(roomy.attempt)));
}

TEST_F(MapTask, TakesARecordThatIsLargerThanItsBudget) {
  const std::string line(9u << 20, 'x');
  const std::string file = input("a", "small 1\n" + line + "\nsmall 2\n" + line + "y\n");
  const Run done = run(
      {.job = &job_info<ListLines>(), .inputs = {file}, .partitions = 1, .memory_bytes = kTiny});
  ASSERT_TRUE(done.ok()) << done.failure().message;
  const Pairs pairs = records_of(output_path(done.attempt), 0);
  ASSERT_EQ(pairs.size(), 4u);
  EXPECT_EQ(pairs[0].second, "small 1");
  EXPECT_EQ(pairs[1].second, "small 2");
  EXPECT_TRUE(pairs[2].first == line);
  EXPECT_TRUE(pairs[3].second == line + "y");
}

TEST_F(MapTask, LeavesNoFileWhenNothingIsEmitted) {
  const Run done = run({.inputs = {input("a", "\n\n   \n")}});
  ASSERT_TRUE(done.ok());
  EXPECT_EQ(done.report().records_in, 3u);
  EXPECT_TRUE(done.report().output_empty);
  EXPECT_TRUE(left_by(done.attempt).empty());
}

TEST_F(MapTask, MapsAnEmptyFile) {
  const Run done = run({.inputs = {input("a", "")}});
  ASSERT_TRUE(done.ok()) << done.failure().message;
  EXPECT_EQ(done.report().records_in, 0u);
  EXPECT_TRUE(done.report().output_empty);
}

TEST_F(MapTask, DoesWhatABundledPluginSays) {
  const std::string path = std::string(BUNDLED_JOBS) + "/word_count.so";
  const auto plugin = load_plugin(path);
  ASSERT_TRUE(plugin.ok()) << plugin.status().message();
  const auto job = find_job(**plugin, "word_count", path);
  ASSERT_TRUE(job.ok()) << job.status().message();
  const std::string text = text_of(5, 3000, 500);
  const Run done = run({.job = *job, .inputs = {input("a", text)}});
  ASSERT_TRUE(done.ok()) << done.failure().message;
  EXPECT_EQ(counts_in(output_path(done.attempt), 3), count_words(text));
}

class SampleTask : public ExecFixture {};

TEST_F(SampleTask, FindsSplittersThatCutTheKeysEvenly) {
  const std::string text = text_of(6, 4000, 1'000'000);
  const Run done = run({.job = &job_info<SortLines>(),
                        .stage = Stage::kSample,
                        .inputs = {input("a", text)},
                        .partitions = 4});
  ASSERT_TRUE(done.ok()) << done.failure().message;
  const std::vector<std::string> splitters = done.report().splitters;
  ASSERT_EQ(splitters.size(), 3u);
  EXPECT_TRUE(std::is_sorted(splitters.begin(), splitters.end()));
  // With these splitters each partition gets about a quarter.
  const Run map = run({.job = &job_info<SortLines>(),
                       .inputs = {directory_.path("in/a")},
                       .partitions = 4,
                       .splitters = splitters});
  ASSERT_TRUE(map.ok()) << map.failure().message;
  std::string last;
  for (std::uint32_t i = 0; i < 4; ++i) {
    const Pairs pairs = records_of(output_path(map.attempt), i);
    EXPECT_GT(pairs.size(), 900u);
    EXPECT_LT(pairs.size(), 1100u);
    EXPECT_LE(last, pairs.front().first);
    last = pairs.back().first;
  }
}

TEST_F(SampleTask, LeavesNoFiles) {
  const Run done = run({.job = &job_info<SortLines>(),
                        .stage = Stage::kSample,
                        .inputs = {input("a", text_of(6, 100, 1000))}});
  ASSERT_TRUE(done.ok());
  EXPECT_TRUE(left_by(done.attempt).empty());
  EXPECT_TRUE(done.report().output_empty);
  EXPECT_EQ(done.report().records_in, 100u);
}

TEST_F(SampleTask, FindsNoSplittersInAnEmptyInput) {
  const Run done =
      run({.job = &job_info<SortLines>(), .stage = Stage::kSample, .inputs = {input("a", "")}});
  ASSERT_TRUE(done.ok()) << done.failure().message;
  EXPECT_TRUE(done.report().splitters.empty());
}

TEST_F(SampleTask, FindsNoSplittersWhenAllKeysAreEqual) {
  const Run done = run({.job = &job_info<SortLines>(),
                        .stage = Stage::kSample,
                        .inputs = {input("a", "same\nsame\nsame\nsame\n")}});
  ASSERT_TRUE(done.ok());
  EXPECT_TRUE(done.report().splitters.empty());
}

}  // namespace
}  // namespace fanfold::worker
