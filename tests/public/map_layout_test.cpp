// However little memory a map task has, and whatever its keys are like, the result is the same: the
// cache in front of the buffer evicts, is passed by, loses long keys; buckets are split into
// ranges.

#include <fanfold/testing.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace fanfold {
namespace {

struct CountWords {
  void map(std::string_view line, Emitter<std::string_view, std::uint64_t>& out) {
    for (const std::string_view word : words(line)) out.emit(word, 1);
  }
  static std::uint64_t combine(std::uint64_t a, std::uint64_t b) { return a + b; }
};

/// Keeps the larger, which is not what a sum would hide.
struct Largest {
  static constexpr bool order_values = true;
  void map(std::string_view line, Emitter<std::string_view, std::int32_t>& out) {
    std::int32_t place = 0;
    for (const std::string_view word : words(line)) {
      out.emit(word, static_cast<std::int32_t>(word.size() % 7) - 3 - place++);
    }
  }
  static std::int32_t combine(std::int32_t a, std::int32_t b) { return std::max(a, b); }
};

std::string text_of(std::mt19937_64& random, std::size_t bytes, std::uint64_t vocabulary,
                    std::size_t longest) {
  std::string text;
  while (text.size() < bytes) {
    const std::uint64_t word = random() % (random() % 4 == 0 ? vocabulary : 200);
    std::string spelled = std::to_string(word * 0x9e3779b97f4a7c15u);
    spelled.resize(1 + word % longest, static_cast<char>('a' + word % 26));
    text += spelled + (random() % 9 == 0 ? '\n' : ' ');
  }
  return text + "\n";
}

TEST(CombineCache, ChangesNoResultWhateverItsSizeAndTheKeys) {
  std::mt19937_64 random(41);
  for (const std::size_t longest : {12u, 60u}) {
    for (const std::uint64_t vocabulary : {300u, 30'000u, 1'000'000'000u}) {
      const std::string text = text_of(random, 600'000, vocabulary, longest);
      testing::Options options{.input = text, .partitions = 3, .combine = false};
      const auto plain = testing::run<CountWords>(options).parts;
      const auto largest = testing::run<Largest>(options).parts;
      options.combine = true;
      for (const std::uint64_t memory : {1u << 16, 1u << 18, 1u << 20, 1u << 26}) {
        options.memory_bytes = memory;
        ASSERT_TRUE(testing::run<CountWords>(options).parts == plain) << longest << ' ' << memory;
        ASSERT_TRUE(testing::run<Largest>(options).parts == largest) << longest << ' ' << memory;
      }
    }
  }
}

struct Repeat {
  void map(std::string_view line, Emitter<std::string_view, Nothing>& out) { out.emit(line); }
};
struct InOrder : Repeat {
  static constexpr auto partitioning = kRangePartitioned;
};

/// Lines with keys of every kind: long common beginnings, zeros, many equal ones.
std::vector<std::string> lines_of_all_kinds(std::size_t count) {
  std::mt19937_64 random(42);
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < count; ++i) {
    std::string line;
    switch (random() % 4) {
      case 0:
        line = std::string(random() % 60, 'x') + std::to_string(random() % 1000);
        break;
      case 1:
        line = std::string(random() % 20, '\0') + "end";
        break;
      default:
        for (std::size_t size = random() % 90; size > 0; --size) {
          line += static_cast<char>(' ' + random() % 59);  // None that the output escapes.
        }
    }
    lines.push_back(line);
  }
  return lines;
}

TEST(SortBuffer, SortsThroughRangesWhateverItsMemory) {
  const std::vector<std::string> lines = lines_of_all_kinds(60'000);
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  const auto whole = testing::run<Repeat>({.input = text, .partitions = 1});
  std::vector<std::string> sorted = lines;
  std::sort(sorted.begin(), sorted.end());
  std::string expected;
  for (const std::string& line : sorted) {
    expected += line;
    expected += '\n';
  }
  // Compared without being shown: a difference of so many lines cannot be printed.
  ASSERT_TRUE(whole.output() == expected);
  for (const std::uint32_t partitions : {1u, 5u}) {
    testing::Options options{.input = text, .partitions = partitions};
    const auto hashed = testing::run<Repeat>(options).parts;
    const auto ranged = testing::run<InOrder>(options).parts;
    std::string joined;
    for (const std::string& part : ranged) joined += part;
    ASSERT_TRUE(joined == expected);
    for (const std::uint64_t memory : {1u << 17, 1u << 20, 1u << 23, 1u << 28}) {
      options.memory_bytes = memory;
      ASSERT_TRUE(testing::run<Repeat>(options).parts == hashed) << memory;
      ASSERT_TRUE(testing::run<InOrder>(options).parts == ranged) << memory;
    }
  }
}

/// The engine looks for the text; the job says which lines it was given.
struct LinesWith {
  static void declare(Parameters& parameters) {
    parameters.optional<std::string>("text", "", "What a line must have.");
  }
  void setup(Context& context) {
    context_ = &context;
    text_ = context.parameter<std::string>("text");
  }
  std::string_view only_lines_with() const { return text_; }
  void map(std::string_view line, Emitter<std::uint64_t, std::string_view>& out) {
    out.emit(context_->offset(), line);
  }
  Context* context_ = nullptr;
  std::string text_;
};

TEST(OnlyLinesWith, LeavesOutLinesWithoutTheText) {
  const std::string text = "a needle\nnothing\r\nneedle and needle\r\n\nneedl\nlast needle";
  for (const std::uint64_t split : {0u, 1u, 10u}) {
    const auto found = testing::run<LinesWith>(
        {.input = text, .parameters = {{"text", "needle"}}, .split_bytes = split});
    EXPECT_EQ(found.output(), "0\ta needle\n18\tneedle and needle\n44\tlast needle\n") << split;
  }
  EXPECT_EQ(testing::run<LinesWith>({.input = text, .parameters = {{"text", "no such"}}}).output(),
            "");
}

TEST(OnlyLinesWith, LeavesOutNothingForATextThatNoLineCanHold) {
  const std::string all = "0\ta\n2\tb\n";
  EXPECT_EQ(testing::run<LinesWith>({.input = "a\nb\n"}).output(), all);
  EXPECT_EQ(testing::run<LinesWith>({.input = "a\nb\n", .parameters = {{"text", "a\n"}}}).output(),
            all);
}

}  // namespace
}  // namespace fanfold
