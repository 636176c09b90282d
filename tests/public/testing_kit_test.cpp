// testing.hpp itself: it runs jobs as a cluster does, and its laws catch jobs that break them.

#include <fanfold/testing.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace fanfold {
namespace {

using ::testing::HasSubstr;
using namespace std::string_literals;

struct WordCount {
  void map(std::string_view line, Emitter<std::string_view, std::uint64_t>& out) {
    for (const std::string_view word : words(line)) out.emit(word, 1);
  }
  static std::uint64_t combine(std::uint64_t a, std::uint64_t b) { return a + b; }
  void reduce(std::string_view word, Values<std::uint64_t>& counts, Writer& out) {
    out.write(word, sum(counts));
  }
};

TEST(TestRun, GivesWhatTheJobWrites) {
  const auto result = testing::run<WordCount>({.input = "to be or not to be\n"});
  EXPECT_EQ(result.output(), "be\t2\nnot\t1\nor\t1\nto\t2\n");
  EXPECT_EQ(result.lines(), (std::vector<std::string>{"be\t2", "not\t1", "or\t1", "to\t2"}));
  EXPECT_EQ(result.records, 4u);
  EXPECT_EQ(result.map_tasks, 1u);
}

TEST(TestRun, CutsInputsIntoSplits) {
  EXPECT_EQ(testing::run<WordCount>({.input = "a\nb\nc\n", .split_bytes = 1}).map_tasks, 3u);
  EXPECT_EQ(testing::run<WordCount>({.input = "a\nb\nc\n", .split_bytes = 3}).map_tasks, 2u);
  EXPECT_EQ(testing::run<WordCount>({.inputs = {{"a\n", "1"}, {"b\n", "2"}}}).map_tasks, 2u);
}

TEST(TestRun, WritesTheFormatThatIsAskedFor) {
  EXPECT_EQ(
      testing::run<WordCount>({.input = "a\n", .format = abi::OutputFormat::kJsonLines}).output(),
      "{\"key\":\"a\",\"value\":1}\n");
}

TEST(TestRun, OfNoInputGivesEmptyParts) {
  const auto result = testing::run<WordCount>({.input = "", .partitions = 2});
  EXPECT_EQ(result.parts, std::vector<std::string>(2));
  EXPECT_TRUE(result.lines().empty());
}

struct Throws : WordCount {
  void map(std::string_view, Emitter<std::string_view, std::uint64_t>&) {
    throw std::runtime_error("from map");
  }
};

TEST(TestRun, LetsExceptionsOfTheJobThrough) {
  try {
    testing::run<Throws>({.input = "a\n"});
    FAIL() << "nothing was thrown";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "from map");
  }
}

struct Fixed {
  using Input = FixedLength<>;
  static void declare(Parameters& parameters) {
    parameters.required<std::uint64_t>("record_length", "Bytes of a record.");
  }
  void map(std::string_view record, Emitter<std::string_view, Nothing>& out) { out.emit(record); }
};

TEST(TestRun, CutsRecordsOfTheLengthThatAParameterSays) {
  const auto result = testing::run<Fixed>(
      {.input = "ccbbaa", .parameters = {{"record_length", "2"}}, .split_bytes = 3});
  EXPECT_EQ(result.output(), "aa\nbb\ncc\n");
  EXPECT_EQ(result.map_tasks, 2u);
}

struct Whole {
  using Input = WholeFile;
  void map(std::string_view file, Emitter<std::uint64_t, Nothing>& out) { out.emit(file.size()); }
};

TEST(TestRun, NeverCutsWholeFiles) {
  const auto result =
      testing::run<Whole>({.inputs = {{"abc\ndef\n", "1"}, {"", "2"}}, .split_bytes = 1});
  EXPECT_EQ(result.output(), "0\n8\n");
}

// ---- laws ----------------------------------------------------------------------------------

template <auto function>
struct Combines {
  using V = decltype(function({}, {}));
  void map(std::string_view, Emitter<std::string_view, V>&) {}
  static V combine(V a, V b) { return function(a, b); }
};

constexpr std::int64_t add(std::int64_t a, std::int64_t b) { return a + b; }
constexpr std::int64_t take_first(std::int64_t a, std::int64_t) { return a; }
constexpr std::int64_t average(std::int64_t a, std::int64_t b) { return (a + b) / 2; }
constexpr double add_doubles(double a, double b) { return a + b; }

TEST(CombinerLaws, HoldForASum) {
  EXPECT_EQ(testing::check_combiner<Combines<&add>>({-5, 0, 1, 7}), "");
}

TEST(CombinerLaws, ForgiveTheRoundingOfFloatingPoint) {
  EXPECT_EQ(testing::check_combiner<Combines<&add_doubles>>({0.1, 0.2, 0.3, 1e9}), "");
}

TEST(CombinerLaws, CatchACombinerThatIsNotCommutative) {
  const std::string problem = testing::check_combiner<Combines<&take_first>>({1, 2});
  EXPECT_THAT(problem, HasSubstr("not commutative"));
  EXPECT_THAT(problem, HasSubstr("a = 1, b = 2"));
}

TEST(CombinerLaws, CatchACombinerThatIsNotAssociative) {
  const std::string problem = testing::check_combiner<Combines<&average>>({0, 4, 8});
  EXPECT_THAT(problem, HasSubstr("not associative"));
  EXPECT_THAT(problem, HasSubstr("a = 0, b = 0, c = 4"));
}

struct Concatenates {
  void map(std::string_view, Emitter<std::string_view, std::string>&) {}
  static std::string combine(const std::string& a, const std::string& b) { return a + b; }
};

TEST(CombinerLaws, ShowTheStringsThatBreakThem) {
  EXPECT_EQ(testing::check_combiner<Concatenates>({"", "x"}), "");
  EXPECT_THAT(testing::check_combiner<Concatenates>({"x", "y\n"}), HasSubstr("a = x, b = y\\n"));
}

struct Partitions {
  void map(std::string_view, Emitter<std::string, int>&) {}
  static std::uint32_t partition(const std::string& key, std::uint32_t partitions) {
    return static_cast<std::uint32_t>(key.size()) % partitions;
  }
};

TEST(PartitionerLaws, HoldForAFunctionOfTheKey) {
  EXPECT_EQ(testing::check_partitioner<Partitions>({"", "a", "abcdefghij"}), "");
}

struct OutOfRange : Partitions {
  static std::uint32_t partition(const std::string& key, std::uint32_t) {
    return static_cast<std::uint32_t>(key.size());
  }
};

TEST(PartitionerLaws, CatchAPartitionThatIsOutOfRange) {
  EXPECT_EQ(testing::check_partitioner<OutOfRange>({"", "123456"}), "");
  EXPECT_THAT(testing::check_partitioner<OutOfRange>({"1234567"}),
              HasSubstr("returned 7 of 7 partitions for the key 1234567"));
}

struct RoundRobin : Partitions {
  std::uint32_t partition(const std::string&, std::uint32_t partitions) {
    return next_++ % partitions;
  }
  std::uint32_t next_ = 0;
};

TEST(PartitionerLaws, CatchAPartitionerThatRemembers) {
  EXPECT_THAT(testing::check_partitioner<RoundRobin>({"a", "b"}), HasSubstr("not pure"));
}

// ---- the host of tests checks what a real one relies on ------------------------------------

TEST(MemoryHost, RefusesRunsThatNoWorkerWouldTake) {
  testing::MemoryHost host;
  EXPECT_THROW(host.finish_run(), std::logic_error);
  abi::RunSink& sink = host.start_run(abi::RunKind::kFinal);
  EXPECT_THROW(host.start_run(abi::RunKind::kFinal), std::logic_error);
  const std::string record = "\1\1kv";
  const abi::BlockSummary right{1, hash(record), hash(record)};
  EXPECT_THROW(sink.write(0, record, {}), std::logic_error) << "a wrong summary";
  EXPECT_THROW(sink.write(0, "\5\1kv", right), std::logic_error) << "a malformed record";
  EXPECT_NO_THROW(sink.write(1, record, right));
  EXPECT_THROW(sink.write(0, record, right), std::logic_error) << "partitions decrease";
  host.finish_run();
  EXPECT_TRUE(host.finished());
  host.start_run(abi::RunKind::kFinal);
  EXPECT_THROW(host.finish_run(), std::logic_error) << "a second final run";
  EXPECT_THROW(host.open_spill(0, 0), std::logic_error);
  EXPECT_THROW(host.drop_spill(0), std::logic_error);
}

TEST(MemoryHost, RefusesKeysThatDecrease) {
  testing::MemoryHost host;
  abi::RunSink& sink = host.start_run(abi::RunKind::kSpill);
  const std::string b = "\1\0b"s;
  const std::string a = "\1\0a"s;
  const abi::BlockSummary summary{2, hash(a) + hash(b), hash(a) ^ hash(b)};
  EXPECT_THROW(sink.write(0, b + a, summary), std::logic_error);
  EXPECT_NO_THROW(sink.write(0, a + b, summary));
}

}  // namespace
}  // namespace fanfold
