// The ordinary path allocates nothing per record, pair, group or value: a job over ten times as
// many lines asks the allocator no more often.

#include <fanfold/detail/job_task.hpp>
#include <fanfold/job.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/allocations.hpp"

namespace fanfold {
namespace {

/// Counts what it gets and forgets it.
class Sink final : public abi::TaskHost, private abi::RunSink {
 public:
  abi::RunSink& start_run(abi::RunKind) override { return *this; }
  void finish_run() override {}
  std::unique_ptr<abi::RunSource> open_spill(std::size_t, std::uint32_t) override {
    return nullptr;
  }
  void drop_spill(std::size_t) override {}
  void write_output(std::string_view, std::string_view, std::uint64_t count) override {
    records += count;
  }
  void add_to_counter(std::string_view, std::int64_t) override {}
  void log(std::string_view) override {}
  std::string_view side_file(std::string_view) override { return {}; }

  std::uint64_t records = 0;

 private:
  void write(std::uint32_t, std::string_view, const abi::BlockSummary& summary) override {
    records += summary.records;
  }
};

struct CountWords {
  void map(std::string_view line, Emitter<std::string_view, std::uint64_t>& out) {
    for (const std::string_view word : words(line)) out.emit(word, 1);
  }
  static std::uint64_t combine(std::uint64_t a, std::uint64_t b) { return a + b; }
};

struct ListLines {
  void map(std::string_view line, Emitter<std::string_view, std::string_view>& out) {
    out.emit(line.substr(0, 3), line);
  }
};

struct CompositePairs {
  using Key = std::pair<std::string_view, std::uint32_t>;
  void map(std::string_view line, Emitter<Key, std::pair<std::string_view, double>>& out) {
    out.emit({line.substr(0, 3), 7}, {line, 0.5});
  }
  void reduce(const Key& key, Values<std::pair<std::string_view, double>>& values, Writer& out) {
    for (const auto& [line, number] : values) out.write(key, std::pair(line, number));
  }
};

struct CsvFields {
  using Input = Csv;
  void map(const CsvRow& row, Emitter<std::string_view, std::uint64_t>& out) {
    out.emit(row[0], row.size());
  }
  static std::uint64_t combine(std::uint64_t a, std::uint64_t b) { return a + b; }
};

struct JsonFields {
  using Input = JsonLines;
  void map(JsonLine& line, Emitter<std::string_view, std::int64_t>& out) {
    out.emit(line.string("w"), line.integer("n"));
  }
  static std::int64_t combine(std::int64_t a, std::int64_t b) { return a + b; }
};

const std::string kText = "one two three four five\nsix \"seven\" eight nine ten eleven twelve\n";
const std::string kCsv = "one,\"two \"\"2\"\"\",three\nfour,five,six\n";
const std::string kJson = "{\"w\":\"o\\u006ee\",\"n\":1,\"x\":[1,2]}\n{\"n\":-5,\"w\":\"two\"}\n";

/// Allocations of a whole map task over `rounds` blocks of a hundred times `text`.
template <class Job>
std::size_t cost_of_map(const std::string& text, int rounds) {
  std::string block;
  for (int i = 0; i < 100; ++i) block += text;
  Sink sink;
  abi::TaskSettings settings;
  settings.partitions = 3;
  const std::size_t before = allocations();
  {
    detail::JobTask<Job> task(sink, settings);
    task.start();
    for (int i = 0; i < rounds; ++i) task.map_block({block, 0, "f", "", ""});
    task.finish_map();
  }
  EXPECT_GT(sink.records, 0u);
  return allocations() - before;
}

template <class Job>
void expect_flat(const std::string& text) {
  cost_of_map<Job>(text, 1);  // Whatever a first use of anything may cost.
  const std::size_t little = cost_of_map<Job>(text, 2);
  EXPECT_EQ(cost_of_map<Job>(text, 20), little) << "2,000 more rounds cost allocations";
}

TEST(MapAllocation, IsNoneForEachPairOfACombiner) { expect_flat<CountWords>(kText); }
TEST(MapAllocation, IsNoneForEachCsvRecord) { expect_flat<CsvFields>(kCsv); }
TEST(MapAllocation, IsNoneForEachJsonLine) { expect_flat<JsonFields>(kJson); }

/// The sort buffer keeps every pair, so its memory grows: by pages, far less often than by pairs.
template <class Job>
void expect_nearly_flat(const std::string& text) {
  cost_of_map<Job>(text, 1);
  const std::size_t little = cost_of_map<Job>(text, 2);
  EXPECT_LE(cost_of_map<Job>(text, 20), little + 16) << "3,600 more pairs cost allocations";
}

TEST(MapAllocation, IsNoneForEachPairThatIsKept) { expect_nearly_flat<ListLines>(kText); }
TEST(MapAllocation, IsNoneForEachCompositePair) { expect_nearly_flat<CompositePairs>(kText); }

/// The same block of records again and again: groups of one key each.
class Repeat final : public abi::RunSource {
 public:
  Repeat(std::string_view block, int times) : block_(block), left_(times) {}
  std::string_view next() override {
    if (left_ == 0) return {};
    --left_;
    return block_;
  }

 private:
  std::string_view block_;
  int left_;
};

TEST(ReduceAllocation, IsNoneForEachGroupAndValue) {
  Bytes block;
  for (std::uint32_t i = 0; i < 100; ++i) {
    Bytes key;
    Bytes value;
    encode_key(CompositePairs::Key("key", i), key);
    encode_value(std::pair<std::string_view, double>("a line", i), value);
    detail::append_varint(block, key.size());
    detail::append_varint(block, value.size());
    block.append(key.view());
    block.append(value.view());
  }
  const auto cost = [&](int times) {
    Sink sink;
    abi::TaskSettings settings;
    settings.mode = abi::TaskMode::kReduce;
    std::vector<std::unique_ptr<abi::RunSource>> segments;
    segments.push_back(std::make_unique<Repeat>(block.view(), times));
    const std::size_t before = allocations();
    {
      detail::JobTask<CompositePairs> task(sink, settings);
      task.start();
      task.reduce(std::move(segments));
    }
    EXPECT_EQ(sink.records, 100u * static_cast<unsigned>(times));
    return allocations() - before;
  };
  cost(1);
  EXPECT_EQ(cost(100), cost(10));
}

}  // namespace
}  // namespace fanfold
