#include "jobs/word_count.cpp"

#include <gtest/gtest.h>

#include <map>

#include "tests/jobs/running.hpp"
#include "tests/jobs/texts.hpp"

namespace fanfold::jobs_test {
namespace {

// `word TAB count` lines in byte order.
std::vector<std::string> counted(const std::string& text) {
  std::map<std::string, std::uint64_t> counts;
  for (const std::string& line : lines_of(text)) {
    for (const std::string& word : words_of(line)) ++counts[word];
  }
  std::vector<std::string> lines;
  for (const auto& [word, count] : counts) {
    lines.push_back(escaped(word) + "\t" + std::to_string(count));
  }
  return lines;
}

TEST(WordCount, CountsEachWordInAnyLayout) {
  for (const std::string& text : all_texts()) {
    for (const Layout& layout : kLayouts) {
      const Outcome outcome = run<WordCount>({{"a.txt", text, ""}}, {}, layout);
      ASSERT_EQ(sorted(outcome.lines()), sorted(counted(text))) << layout << text;
    }
  }
}

TEST(WordCount, KeepsEachPartInByteOrder) {
  const std::string text = generated_text(3, 500);
  const Outcome outcome = run<WordCount>({{"a.txt", text, ""}}, {}, {3, 100});
  for (const std::string& part : outcome.parts) {
    const std::vector<std::string> lines = lines_of(part);
    EXPECT_FALSE(lines.empty());
    EXPECT_TRUE(std::is_sorted(lines.begin(), lines.end()));
  }
}

TEST(WordCount, AddsUpSeveralFiles) {
  const Outcome outcome = run<WordCount>({{"a", "x y\n", ""}, {"b", "y z", ""}}, {}, {2, 3});
  EXPECT_EQ(sorted(outcome.lines()), (std::vector<std::string>{"x\t1", "y\t2", "z\t1"}));
}

TEST(WordCount, FoldsCaseWhenAsked) {
  const std::string text = generated_text(4, 200) + "\xc3\x84 The THE the\n";
  const Outcome outcome = run<WordCount>({{"a", text, ""}}, {{"ignore_case", "true"}}, {3, 64});
  EXPECT_EQ(sorted(outcome.lines()), sorted(counted(lower_case(text))));
}

TEST(WordCount, AddsInAnyOrder) { expect_combiner_laws<WordCount>({0, 1, 7, 1u << 20}); }

}  // namespace
}  // namespace fanfold::jobs_test
