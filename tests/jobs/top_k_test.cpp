#include "jobs/top_k.cpp"

#include <gtest/gtest.h>

#include <map>

#include "tests/jobs/running.hpp"
#include "tests/jobs/texts.hpp"

namespace fanfold::jobs_test {
namespace {

// The first k of all items, most frequent first, equal ones in byte order.
std::string most_frequent(const std::vector<std::string>& items, std::size_t k) {
  std::map<std::string, int> counts;
  for (const std::string& item : items) ++counts[item];
  std::vector<std::pair<std::string, int>> ranking(counts.begin(), counts.end());
  std::stable_sort(ranking.begin(), ranking.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  ranking.resize(std::min(k, ranking.size()));
  std::string text;
  for (const auto& [item, count] : ranking) {
    text += escaped(item) + "\t" + std::to_string(count) + "\n";
  }
  return text;
}

std::vector<std::string> all_words(const std::string& text) {
  std::vector<std::string> words;
  for (const std::string& line : lines_of(text)) {
    for (const std::string& word : words_of(line)) words.push_back(word);
  }
  return words;
}

TEST(TopK, RanksWordsOfTheWholeInputInAnyLayout) {
  for (const std::string& text : all_texts()) {
    for (const std::size_t k : {1u, 3u, 10u, 1000u}) {
      for (const Layout& layout : kLayouts) {
        const Outcome outcome = run<TopK>({{"f", text, ""}}, {{"k", std::to_string(k)}}, layout);
        ASSERT_EQ(outcome.all(), most_frequent(all_words(text), k)) << layout << k << text;
      }
    }
  }
}

TEST(TopK, RanksWholeLines) {
  for (const std::string& text : all_texts()) {
    const Outcome outcome = run<TopK>({{"f", text, ""}}, {{"unit", "lines"}, {"k", "5"}}, {3, 40});
    ASSERT_EQ(outcome.all(), most_frequent(lines_of(text), 5)) << text;
  }
}

TEST(TopK, FindsAWordThatIsRareInEverySplitButFrequentInAll) {
  // In each split another word is more frequent; "rare" wins only in total.
  std::string text;
  for (int split = 0; split < 20; ++split) {
    const std::string local = "local" + std::to_string(split);
    text += local + " " + local + " " + local + " rare\n";
  }
  const Outcome outcome = run<TopK>({{"f", text, ""}}, {{"k", "1"}}, {4, 20});
  EXPECT_EQ(outcome.all(), "rare\t20\n");
}

TEST(TopK, FindsTheLargestNumbersWithRepetitions) {
  std::mt19937_64 random(30);
  std::vector<double> numbers;
  std::string text;
  for (int i = 0; i < 500; ++i) {
    const auto number = static_cast<double>(static_cast<std::int64_t>(random() % 400) - 300);
    numbers.push_back(number);
    text += std::to_string(static_cast<int>(number)) + "\n";
  }
  std::sort(numbers.begin(), numbers.end(), std::greater<>());
  for (const std::size_t k : {1u, 7u, 50u, 500u, 800u}) {
    std::string expected;
    for (std::size_t i = 0; i < std::min<std::size_t>(k, numbers.size()); ++i) {
      expected += std::to_string(static_cast<int>(numbers[i])) + "\n";
    }
    for (const Layout& layout : kLayouts) {
      const Outcome outcome =
          run<TopK>({{"f", text, ""}}, {{"unit", "numbers"}, {"k", std::to_string(k)}}, layout);
      ASSERT_EQ(outcome.all(), expected) << layout << k;
    }
  }
}

TEST(TopK, CountsLinesThatAreNoNumbers) {
  const Outcome outcome = run<TopK>({{"f", " 1.5 \nx\n\n1e3\n2 apples\n-7\nnan\n", ""}},
                                    {{"unit", "numbers"}, {"k", "2"}}, {2, 4});
  EXPECT_EQ(outcome.all(), "1e3\n1.5\n");
  EXPECT_EQ(outcome.counters.at("not_a_number"), 4);
}

TEST(TopK, RefusesToFindNothing) {
  EXPECT_THROW(run<TopK>({{"f", "x\n", ""}}, {{"k", "0"}}, {1, 10}), std::invalid_argument);
}

TEST(TopK, AddsInAnyOrder) { expect_combiner_laws<TopK>({1, 2, 3}); }

}  // namespace
}  // namespace fanfold::jobs_test
