// What is known of a job without running it.

#include <fanfold/cereal.hpp>
#include <fanfold/testing.hpp>

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace fanfold {
namespace {

template <class Job>
abi::JobInfo info_of() {
  return detail::describe_job<Job>("name", "What it does.");
}

struct Minimal {
  void map(std::string_view, Emitter<std::string_view, int>&) {}
};

TEST(JobInfo, OfAMinimalJobHasDefaults) {
  const abi::JobInfo info = info_of<Minimal>();
  EXPECT_EQ(info.name, "name");
  EXPECT_EQ(info.summary, "What it does.");
  EXPECT_EQ(info.format, abi::RecordFormat::kLines);
  EXPECT_EQ(info.partitioning, abi::Partitioning::kHash);
  EXPECT_FALSE(info.has_combiner || info.has_reduce || info.order_values || info.csv_header);
  EXPECT_EQ(info.key_order, "bytes");
  EXPECT_TRUE(info.inputs.empty() && info.parameters.empty());
  EXPECT_NE(info.make_task, nullptr);
}

struct Maximal {
  using Input = Csv;
  static constexpr bool csv_header = true;
  static constexpr std::array inputs{"left", "right"};
  static constexpr auto partitioning = kRangePartitioned;
  static constexpr bool order_values = true;
  using Key = std::pair<std::int32_t, std::string>;

  static void declare(Parameters& parameters) { parameters.optional<int>("k", 3, "How many."); }
  void setup(Context&) {}
  void map(const CsvRow&, Emitter<Key, double>&) const noexcept {}
  static double combine(double a, double b) { return a + b; }
  void reduce(const Key&, Values<double>&, Writer&) {}
  void finish(Emitter<Key, double>&) {}
  void finish(Writer&) {}
};

TEST(JobInfo, OfAMaximalJobHasEverything) {
  const abi::JobInfo info = info_of<Maximal>();
  EXPECT_EQ(info.format, abi::RecordFormat::kCsv);
  EXPECT_EQ(info.partitioning, abi::Partitioning::kRange);
  EXPECT_TRUE(info.has_combiner && info.has_reduce && info.order_values && info.csv_header);
  EXPECT_EQ(info.key_order, "tuple(int,bytes)");
  EXPECT_EQ(info.inputs, (std::vector<std::string>{"left", "right"}));
  ASSERT_EQ(info.parameters.size(), 1u);
  EXPECT_EQ(info.parameters[0].default_value, "3");
}

/// JSON lines are parsed as they are read; all other records are constant.
template <class Format>
using RecordOf = std::conditional_t<std::is_same_v<Format, JsonLines>, JsonLine&,
                                    const typename Format::Record&>;

template <class Format>
struct Reads {
  using Input = Format;
  void map(RecordOf<Format>, Emitter<std::string_view, int>&) {}
};

TEST(JobInfo, NamesEachRecordFormat) {
  EXPECT_EQ(info_of<Reads<KeyValueLines>>().format, abi::RecordFormat::kKeyValue);
  EXPECT_EQ(info_of<Reads<JsonLines>>().format, abi::RecordFormat::kJsonLines);
  EXPECT_EQ(info_of<Reads<WholeFile>>().format, abi::RecordFormat::kWholeFile);
  EXPECT_EQ(info_of<Reads<FixedLength<80>>>().format, abi::RecordFormat::kFixed);
  EXPECT_EQ(info_of<Reads<FixedLength<80>>>().fixed_length, 80u);
}

/// Every shape of a map function that C++ has a type for.
struct StaticMap {
  static void map(std::string_view, Emitter<std::string_view, int>&) {}
};
struct FinalMap final {
  void map(const std::string_view&, Emitter<std::string, Nothing>&) const {}
};
struct Inherits : Minimal {
  int unrelated = 0;
};

TEST(JobInfo, ExistsForEachShapeOfMap) {
  EXPECT_FALSE(info_of<StaticMap>().has_reduce);
  EXPECT_FALSE(info_of<FinalMap>().has_reduce);
  EXPECT_FALSE(info_of<Inherits>().has_reduce);
}

struct CustomPartition : Minimal {
  static std::uint32_t partition(std::string_view, std::uint32_t) { return 0; }
};

TEST(JobInfo, TellsACustomPartitioner) {
  EXPECT_EQ(info_of<CustomPartition>().partitioning, abi::Partitioning::kCustom);
}

}  // namespace
}  // namespace fanfold
