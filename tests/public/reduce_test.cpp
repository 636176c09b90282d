// The reduce side: values streamed key by key, in groups of any size.

#include <fanfold/testing.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace fanfold {
namespace {

/// `key number` lines.
struct Numbers {
  void map(std::string_view line, Emitter<std::string_view, std::int64_t>& out) {
    const std::size_t space = line.find(' ');
    out.emit(line.substr(0, space), std::stoll(std::string(line.substr(space + 1))));
  }
};

template <class Job>
std::string reduced(const std::string& input) {
  return testing::run<Job>({.input = input, .split_bytes = 4}).output();
}

struct Describe : Numbers {
  void reduce(std::string_view key, Values<std::int64_t>& values, Writer& out) {
    const auto all = collect(values);
    out.write(key, all);
    out.write(key, count(values));  // Nothing is left.
  }
};

TEST(Values, AreReadOnce) {
  EXPECT_EQ(reduced<Describe>("a 3\nb 1\na 2\n"), "a\t3,2\na\t0\nb\t1\nb\t0\n");
}

template <auto function>
struct Apply : Numbers {
  void reduce(std::string_view key, Values<std::int64_t>& values, Writer& out) {
    out.write(key, function(values));
  }
};

TEST(Values, HaveASumCountMinimumMaximumAndFirst) {
  const std::string input = "a 3\na -7\na 9\na -7\n";
  EXPECT_EQ(reduced<Apply<&sum<std::int64_t>>>(input), "a\t-2\n");
  EXPECT_EQ(reduced<Apply<&count<std::int64_t>>>(input), "a\t4\n");
  EXPECT_EQ(reduced<Apply<&min<std::int64_t>>>(input), "a\t-7\n");
  EXPECT_EQ(reduced<Apply<&max<std::int64_t>>>(input), "a\t9\n");
  EXPECT_EQ(reduced<Apply<&first<std::int64_t>>>(input), "a\t3\n");
}

template <auto function>
struct ApplyTwice : Numbers {
  void reduce(std::string_view key, Values<std::int64_t>& values, Writer& out) {
    function(values);
    function(values);
    out.write(key);
  }
};

TEST(Values, HaveNoMinimumMaximumOrFirstWhenNoneIsLeft) {
  EXPECT_THROW(reduced<ApplyTwice<&min<std::int64_t>>>("a 1\n"), std::logic_error);
  EXPECT_THROW(reduced<ApplyTwice<&max<std::int64_t>>>("a 1\n"), std::logic_error);
  EXPECT_THROW(reduced<ApplyTwice<&first<std::int64_t>>>("a 1\n"), std::logic_error);
  EXPECT_EQ(reduced<ApplyTwice<&first<std::int64_t>>>("a 1\na 2\n"), "a\n");
}

struct Rest : Numbers {
  void reduce(std::string_view key, Values<std::int64_t>& values, Writer& out) {
    const std::int64_t head = first(values);
    std::vector<std::int64_t> tail;
    for (const std::int64_t value : values) tail.push_back(value);
    out.write(key, std::pair(head, tail));
  }
};

TEST(Values, GoOnWhereTheLastReaderStopped) {
  EXPECT_EQ(reduced<Rest>("a 1\na 2\na 3\nb 4\n"), "a\t1,2,3\nb\t4,\n");
}

struct FirstOfEach : Numbers {
  void reduce(std::string_view key, Values<std::int64_t>& values, Writer& out) {
    for (const std::int64_t value : values) {
      out.write(key, value);
      break;
    }
  }
};

TEST(Values, ThatReduceLeavesAreSkipped) {
  EXPECT_EQ(reduced<FirstOfEach>("a 1\na 2\nb 3\nb 4\n"), "a\t1\nb\t3\n");
}

struct IgnoreAll : Numbers {
  void reduce(std::string_view key, Values<std::int64_t>&, Writer& out) { out.write(key); }
};

TEST(Values, NeedNotBeReadAtAll) { EXPECT_EQ(reduced<IgnoreAll>("b 1\na 2\na 3\n"), "a\nb\n"); }

struct Texts {
  void map(std::string_view line, Emitter<std::string_view, std::string_view>& out) {
    out.emit("k", line);
  }
  void reduce(std::string_view key, Values<std::string_view>& values, Writer& out) {
    const std::string smallest = min(values);  // Outlives the value it was read from.
    out.write(key, smallest);
  }
};

TEST(Values, ThatAreViewsAreCopiedByWhatKeepsThem) {
  EXPECT_EQ(reduced<Texts>("zebra\nant\nbee\n"), "k\tant\n");
}

/// A group of far more bytes than the task may use, generated and never stored.
class Endless final : public abi::RunSource {
 public:
  explicit Endless(std::uint64_t blocks) : left_(blocks) {
    Bytes bytes;
    while (bytes.size() < 1u << 20) {
      detail::append_varint(bytes, 3);
      detail::append_varint(bytes, 1000);
      bytes.append("key");
      bytes.append(std::string(1000, 'v'));
      ++records_in_block_;
    }
    block_ = bytes.view();
  }
  std::string_view next() override {
    if (left_ == 0) return {};
    --left_;
    return block_;
  }
  std::uint64_t records_in_block() const { return records_in_block_; }

 private:
  std::string block_;
  std::uint64_t left_;
  std::uint64_t records_in_block_ = 0;
};

struct CountValues : Texts {
  void reduce(std::string_view key, Values<std::string_view>& values, Writer& out) {
    out.write(key, count(values));
  }
};

TEST(Values, StreamThroughAGroupThatIsLargerThanMemory) {
  testing::MemoryHost host;
  abi::TaskSettings settings;
  settings.mode = abi::TaskMode::kReduce;
  settings.memory_bytes = 4u << 20;
  detail::JobTask<CountValues> task(host, settings);
  task.start();
  std::vector<std::unique_ptr<abi::RunSource>> segments;
  segments.push_back(std::make_unique<Endless>(512));  // Half a gigabyte each.
  segments.push_back(std::make_unique<Endless>(512));
  const std::uint64_t expected = Endless(0).records_in_block() * 1024;
  task.reduce(std::move(segments));
  EXPECT_EQ(host.outputs[""], "key\t" + std::to_string(expected) + "\n");
  EXPECT_EQ(host.spills(), 0u);
}

TEST(ReduceTask, MergesMoreSegmentsThanItMayOpenAtOnceInPasses) {
  std::string text;
  for (int i = 0; i < 200; ++i)
    text += "k" + std::to_string(i % 7) + " " + std::to_string(i) + "\n";
  testing::Options options{.input = text, .split_bytes = 1};
  const auto plain = testing::run<Describe>(options);
  options.memory_bytes = 1;  // Two at a time.
  const auto narrow = testing::run<Describe>(options);
  EXPECT_GT(narrow.spills, 100u);
  EXPECT_EQ(narrow.output(), plain.output());
}

struct BothEnds : Numbers {
  void reduce(std::string_view key, Values<std::int64_t>&, Writer& out) {
    ++keys_;
    out.to("keys").write(key);
  }
  void finish(Writer& out) { out.write("keys", keys_); }
  int keys_ = 0;
};

TEST(ReduceTask, FinishesEveryPartition) {
  const auto result = testing::run<BothEnds>({.input = "a 1\nb 1\nc 1\n", .partitions = 2});
  EXPECT_EQ(result.records, 2u);
  EXPECT_EQ(result.outputs.at("keys").size(), 6u);
}

struct StringKeys {
  void map(std::string_view line, Emitter<std::string, int>& out) { out.emit(line, 1); }
  void reduce(const std::string& key, Values<int>& values, Writer& out) {
    out.write(key + "!", sum(values));
  }
};

TEST(ReduceTask, GivesKeysAsStringsToThoseWhoInsist) {
  EXPECT_EQ(reduced<StringKeys>("a\nb\na\n"), "a!\t2\nb!\t1\n");
}

struct CompositeKeys {
  using Key = std::pair<std::string_view, std::int32_t>;
  void map(std::string_view line, Emitter<Key, int>& out) {
    out.emit({line, -static_cast<std::int32_t>(line.size())}, 1);
  }
  void reduce(const Key& key, Values<int>& values, Writer& out) { out.write(key, sum(values)); }
};

TEST(ReduceTask, GivesCompositeKeysBack) {
  EXPECT_EQ(reduced<CompositeKeys>("bb\na\nbb\n"), "a,-1\t1\nbb,-2\t2\n");
}

/// What a map of the job makes of the text, nothing folded.
template <class Job>
std::unique_ptr<abi::RunSource> mapped(const std::string& text) {
  testing::MemoryHost host;
  abi::TaskSettings settings;
  settings.combine = false;
  detail::JobTask<Job> task(host, settings);
  task.start();
  abi::InputBlock block;
  block.bytes = text;
  task.map_block(block);
  task.finish_map();
  return host.segment(0);
}

template <class Job>
void reduce_as(abi::Reduction reduction, abi::ProgressSlot* progress, testing::MemoryHost& host) {
  abi::TaskSettings settings;
  settings.mode = abi::TaskMode::kReduce;
  settings.reduction = reduction;
  settings.progress = progress;
  detail::JobTask<Job> task(host, settings);
  task.start();
  std::vector<std::unique_ptr<abi::RunSource>> segments;
  segments.push_back(mapped<Job>("a 1\nb 1\na 2\n"));
  segments.push_back(mapped<Job>("b 5\nb 6\nc 7\n"));
  task.reduce(std::move(segments));
}

/// Keys and values of a final run, as they are.
std::vector<std::pair<std::string, std::string>> final_run(const testing::MemoryHost& host) {
  std::vector<std::pair<std::string, std::string>> found;
  const auto run = host.segment(0);
  for (std::string_view block = run->next(); !block.empty(); block = run->next()) {
    for (detail::Record record; detail::parse_record(block, record);
         block.remove_prefix(record.bytes.size())) {
      found.emplace_back(record.key, record.value);
    }
  }
  return found;
}

TEST(ReduceTask, KeepsWhatItWritesUnderItsKeys) {
  testing::MemoryHost host;
  abi::ProgressSlot progress;
  reduce_as<Describe>(abi::Reduction::kKeep, &progress, host);
  EXPECT_THAT(
      final_run(host),
      ::testing::ElementsAre(::testing::Pair("a", "a\t1,2\n"), ::testing::Pair("a", "a\t0\n"),
                             ::testing::Pair("b", "b\t1,5,6\n"), ::testing::Pair("b", "b\t0\n"),
                             ::testing::Pair("c", "c\t7\n"), ::testing::Pair("c", "c\t0\n")));
  EXPECT_TRUE(host.outputs.empty());
}

TEST(ReduceTask, KeepsNothingThatHasNoKey) {
  testing::MemoryHost host;
  abi::ProgressSlot progress;
  EXPECT_THROW(reduce_as<BothEnds>(abi::Reduction::kKeep, &progress, host), std::logic_error);
}

/// Notes where it is said to be whenever it folds.
struct Watched : Numbers {
  static std::int64_t combine(std::int64_t a, std::int64_t b) {
    seen.emplace_back(progress->records, std::string(progress->key, progress->key_size));
    return a + b;
  }
  static inline abi::ProgressSlot* progress = nullptr;
  static inline std::vector<std::pair<std::uint64_t, std::string>> seen = {};
};

TEST(ReduceTask, SaysWhereItIsWhileItFolds) {
  testing::MemoryHost host;
  abi::ProgressSlot progress;
  Watched::progress = &progress;
  reduce_as<Watched>(abi::Reduction::kFold, &progress, host);
  EXPECT_THAT(Watched::seen,
              ::testing::ElementsAre(::testing::Pair(2u, "a"), ::testing::Pair(4u, "b"),
                                     ::testing::Pair(5u, "b")));
  EXPECT_EQ(final_run(host).size(), 3u);
  EXPECT_EQ(progress.records, 6u);
  EXPECT_EQ(progress.key_size, abi::ProgressSlot::kNoKey);
}

TEST(ReduceTask, NoticesRunsOfAnotherJob) {
  testing::MemoryHost host;
  abi::TaskSettings settings;
  settings.mode = abi::TaskMode::kReduce;
  detail::JobTask<Describe> task(host, settings);
  task.start();
  std::vector<std::unique_ptr<abi::RunSource>> segments;
  // A value of two bytes where the varint of Describe's values has one.
  segments.push_back(std::make_unique<testing::MemorySource>(std::vector<std::string>{"\1\2kxy"}));
  try {
    task.reduce(std::move(segments));
    FAIL() << "was believed";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("written by another job"));
  }
}

}  // namespace
}  // namespace fanfold
