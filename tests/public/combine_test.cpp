// Jobs with a combiner: the table folds early and spills at its budget; the result is as without.

#include <fanfold/cereal.hpp>
#include <fanfold/testing.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace fanfold {
namespace {

/// Words of all sizes, some of them often, some with zeros in them.
std::string words_of_all_sizes(std::size_t count) {
  std::mt19937_64 random(13);
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t word = random() % (random() % 3 == 0 ? count : 50);
    std::string spelled = std::to_string(word * 7919);
    spelled += std::string(word % 40, static_cast<char>(word % 3 == 0 ? '\0' : 'x'));
    text += spelled + (i % 7 == 0 ? "\n" : " ");
  }
  return text + "\n";
}

/// Counts in a value small enough to live in the table's slot.
struct CountSmall {
  void map(std::string_view line, Emitter<std::string_view, std::uint64_t>& out) {
    for (const std::string_view word : words(line)) out.emit(word, 1);
  }
  static std::uint64_t combine(std::uint64_t a, std::uint64_t b) { return a + b; }
};

/// In a plain value that does not.
struct CountPair {
  using Value = std::pair<std::uint64_t, std::uint64_t>;  // How often, longest line.
  void map(std::string_view line, Emitter<std::string_view, Value>& out) {
    for (const std::string_view word : words(line)) out.emit(word, {1, line.size()});
  }
  static Value combine(Value a, Value b) {
    return {a.first + b.first, std::max(a.second, b.second)};
  }
};

/// In a struct of a user's.
struct Totals {
  std::uint64_t count = 0;
  std::string longest;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(count, longest);
  }
};
struct CountStruct {
  void map(std::string_view line, Emitter<std::string_view, Totals>& out) {
    for (const std::string_view word : words(line)) out.emit(word, {1, std::string(line)});
  }
  static Totals combine(const Totals& a, const Totals& b) {
    const bool first = a.longest.size() != b.longest.size() ? a.longest.size() > b.longest.size()
                                                            : a.longest < b.longest;
    return {a.count + b.count, first ? a.longest : b.longest};
  }
  void reduce(std::string_view word, Values<Totals>& values, Writer& out) {
    Totals all;
    for (const Totals& value : values) all = combine(all, value);
    out.write(word, std::pair(all.count, all.longest));
  }
};

/// In views, which borrow from their operands; the keys are numbers.
struct LastWord {
  void map(std::string_view line, Emitter<std::uint32_t, std::string_view>& out) {
    for (const std::string_view word : words(line)) {
      out.emit(static_cast<std::uint32_t>(word.size()), word);
    }
  }
  static std::string_view combine(std::string_view a, std::string_view b) { return std::max(a, b); }
};

/// In composites with views inside, stored in order.
struct LastPair {
  static constexpr bool order_values = true;
  using Value = std::pair<std::string_view, std::uint32_t>;
  void map(std::string_view line, Emitter<std::uint32_t, Value>& out) {
    for (const std::string_view word : words(line)) {
      out.emit(static_cast<std::uint32_t>(word.size()), {word, 7});
    }
  }
  static Value combine(Value a, Value b) { return std::max(a, b); }
};

template <class Job>
void expect_same_for_all_layouts() {
  const std::string text = words_of_all_sizes(20000);
  const std::string plain = testing::run<Job>({.input = text, .combine = false}).output();
  ASSERT_FALSE(plain.empty());
  EXPECT_EQ(testing::run<Job>({.input = text}).output(), plain);
  EXPECT_EQ(testing::run<Job>({.input = text, .split_bytes = 3000}).output(), plain);
  const auto spilled = testing::run<Job>({.input = text, .memory_bytes = 200'000});
  EXPECT_EQ(spilled.output(), plain);
}

TEST(Combiner, ChangesNoResult) {
  expect_same_for_all_layouts<CountSmall>();
  expect_same_for_all_layouts<CountPair>();
  expect_same_for_all_layouts<CountStruct>();
  expect_same_for_all_layouts<LastWord>();
  expect_same_for_all_layouts<LastPair>();
}

TEST(Combiner, SpillsAtTheMemoryBudget) {
  const std::string text = words_of_all_sizes(50000);
  EXPECT_EQ(testing::run<CountSmall>({.input = text}).spills, 0u);
  EXPECT_GT(testing::run<CountSmall>({.input = text, .memory_bytes = 1 << 18}).spills, 3u);
}

/// Values that grow when they are folded count against the budget too.
struct Collect {
  void map(std::string_view line, Emitter<std::string_view, std::vector<std::string>>& out) {
    out.emit("all", {std::string(line)});
  }
  static std::vector<std::string> combine(std::vector<std::string> a, std::vector<std::string> b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
  }
};

TEST(Combiner, SpillsWhenFoldedValuesGrow) {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "line " + std::to_string(i) + std::string(50, 'x') + "\n";
  const auto result = testing::run<Collect>({.input = text, .memory_bytes = 1 << 18});
  EXPECT_GT(result.spills, 0u);
  EXPECT_EQ(result.output(), testing::run<Collect>({.input = text}).output());
}

struct CountCalls : CountSmall {
  static std::uint64_t combine(std::uint64_t a, std::uint64_t b) { return a + b; }
  void reduce(std::string_view, Values<std::uint64_t>& values, Writer& out) {
    out.write(count(values));
  }
};

TEST(Combiner, LeavesOneValueOfAKeyForEachMapTask) {
  EXPECT_EQ(testing::run<CountCalls>({.input = "a a\na a\na a\n"}).output(), "1\n");
  EXPECT_EQ(testing::run<CountCalls>({.input = "a a\na a\na a\n", .split_bytes = 1}).output(),
            "3\n");
  EXPECT_EQ(testing::run<CountCalls>({.input = "a a\na a\na a\n", .combine = false}).output(),
            "6\n");
}

/// A combiner may use what setup() learned.
struct Modulo : CountSmall {
  static void declare(Parameters& parameters) { parameters.optional<int>("m", 10, "Modulus."); }
  void setup(Context& context) { modulus_ = context.parameter<std::uint64_t>("m"); }
  std::uint64_t combine(std::uint64_t a, std::uint64_t b) const { return (a + b) % modulus_; }
  std::uint64_t modulus_ = 1;
};

TEST(Combiner, MayBeAMemberWithState) {
  EXPECT_EQ(testing::run<Modulo>({.input = "a a a a a\n", .parameters = {{"m", "3"}}}).output(),
            "a\t2\n");
}

}  // namespace
}  // namespace fanfold
