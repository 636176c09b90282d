#include "jobs/sort.cpp"

#include <gtest/gtest.h>

#include <functional>

#include "tests/jobs/running.hpp"
#include "tests/jobs/texts.hpp"

namespace fanfold::jobs_test {
namespace {

using Less = std::function<bool(const std::string&, const std::string&)>;

std::vector<std::string> stable_sorted(std::vector<std::string> lines, const Less& less) {
  std::stable_sort(lines.begin(), lines.end(), less);
  return lines;
}

std::string field(const std::string& line, std::size_t number, char separator) {
  std::string text;
  for (const char c : line) {
    if (c == separator) {
      --number;
      if (number == 0) break;
      text.clear();
    } else {
      text += c;
    }
  }
  return number <= 1 ? text : std::string();
}

// Lines `name TAB number TAB name`, with few different numbers so that many are equal.
std::string table(std::uint64_t seed, std::size_t lines) {
  std::mt19937_64 random(seed);
  std::string text;
  for (std::size_t i = 0; i < lines; ++i) {
    const auto number = static_cast<std::int64_t>(random() % 200) - 100;
    text += "n" + std::to_string(random() % 50) + "\t" + std::to_string(number);
    if (random() % 2 == 0) text += "." + std::to_string(random() % 30);
    text += "\tline " + std::to_string(i) + "\n";
  }
  return text;
}

TEST(Sort, OrdersWholeLinesByBytesInAnyLayout) {
  for (const std::string& text : all_texts()) {
    for (const Layout& layout : kLayouts) {
      const Outcome outcome = run<Sort>({{"a", text, ""}}, {}, layout);
      ASSERT_EQ(outcome.all(), joined(sorted(lines_of(text)))) << layout << text;
    }
  }
}

TEST(Sort, ReversesTheOrderOfBytes) {
  std::vector<std::string> texts = all_texts();
  texts.push_back(std::string("a\na\0\na\0\0b\nab\n\xff\n\xff\xff\n\n", 20));
  for (const std::string& text : texts) {
    const Outcome outcome = run<Sort>({{"a", text, ""}}, {{"reverse", "true"}}, {3, 50});
    std::vector<std::string> expected = sorted(lines_of(text));
    std::reverse(expected.begin(), expected.end());
    ASSERT_EQ(outcome.all(), joined(expected)) << text;
  }
}

TEST(Sort, SpreadsLinesOverAllParts) {
  const Outcome outcome = run<Sort>({{"a", generated_text(8, 2000), ""}}, {}, {4, 4096});
  ASSERT_EQ(outcome.parts.size(), 4u);
  for (const std::string& part : outcome.parts) EXPECT_FALSE(part.empty());
}

TEST(Sort, OrdersByFieldAndKeepsEqualLinesInInputOrder) {
  const std::string text = table(9, 500) + "no field\n\n";
  for (const bool reverse : {false, true}) {
    const Less less = [&](const std::string& a, const std::string& b) {
      const std::string x = field(a, 3, '\t'), y = field(b, 3, '\t');
      return reverse ? y < x : x < y;
    };
    for (const Layout& layout : kLayouts) {
      const Outcome outcome = run<Sort>(
          {{"a", text, ""}}, {{"field", "3"}, {"reverse", reverse ? "true" : "false"}}, layout);
      EXPECT_EQ(outcome.all(), joined(stable_sorted(lines_of(text), less))) << layout << reverse;
    }
  }
}

TEST(Sort, OrdersByNumberInAFieldOfAnySeparator) {
  std::string text = table(10, 500);
  std::replace(text.begin(), text.end(), '\t', ';');
  for (const bool reverse : {false, true}) {
    const Less less = [&](const std::string& a, const std::string& b) {
      const double x = std::stod(field(a, 2, ';')), y = std::stod(field(b, 2, ';'));
      return reverse ? y < x : x < y;
    };
    const Outcome outcome = run<Sort>({{"a", text, ""}},
                                      {{"field", "2"},
                                       {"separator", ";"},
                                       {"numeric", "true"},
                                       {"reverse", reverse ? "true" : "false"}},
                                      {3, 1000});
    EXPECT_EQ(outcome.all(), joined(stable_sorted(lines_of(text), less))) << reverse;
  }
}

TEST(Sort, ComparesNumbersExactlyWhateverTheirLength) {
  const std::vector<std::string> ascending = {"-100000000000000000000000000001",
                                              "-100000000000000000000000000000",
                                              "-12.55",
                                              "-12.5",
                                              "-2",
                                              "-0.001",
                                              "nothing",
                                              "0.0009",
                                              "0.001",
                                              "  7 apples",
                                              "7.25",
                                              "10",
                                              "99999999999999999999999999999.9",
                                              "100000000000000000000000000000"};
  std::vector<std::string> shuffled = ascending;
  std::shuffle(shuffled.begin(), shuffled.end(), std::mt19937_64(11));
  const Outcome outcome = run<Sort>({{"a", joined(shuffled), ""}}, {{"numeric", "true"}}, {2, 20});
  EXPECT_EQ(lines_of(outcome.all()), ascending);
}

TEST(Sort, TreatsDifferentSpellingsOfANumberAsEqual) {
  const std::string text = "1.50\n01.5\n1.5 x\n-0\n0.00\nzero\n";
  const Outcome outcome = run<Sort>({{"a", text, ""}}, {{"numeric", "true"}}, {1, 3});
  EXPECT_EQ(outcome.all(), "-0\n0.00\nzero\n1.50\n01.5\n1.5 x\n");
}

TEST(Sort, SplitsAtBlanksWhenTheSeparatorIsEmpty) {
  const std::string text = "  b   2\na\t1\nc 3\nalone\n";
  const Outcome outcome = run<Sort>({{"a", text, ""}}, {{"field", "2"}, {"separator", ""}}, {2, 8});
  EXPECT_EQ(outcome.all(), "alone\na\t1\n  b   2\nc 3\n");
}

TEST(Sort, KeepsTheFirstOfEqualLinesWhenUnique) {
  const std::string text = table(12, 300);
  std::vector<std::string> expected = stable_sorted(
      lines_of(text),
      [](const auto& a, const auto& b) { return field(a, 1, '\t') < field(b, 1, '\t'); });
  expected.erase(std::unique(expected.begin(), expected.end(),
                             [](const auto& a, const auto& b) {
                               return field(a, 1, '\t') == field(b, 1, '\t');
                             }),
                 expected.end());
  for (const Layout& layout : kLayouts) {
    const Outcome outcome =
        run<Sort>({{"a", text, ""}}, {{"field", "1"}, {"unique", "true"}}, layout);
    EXPECT_EQ(outcome.all(), joined(expected)) << layout;
  }
}

TEST(Sort, RefusesANegativeField) {
  EXPECT_THROW(run<Sort>({{"a", "x\n", ""}}, {{"field", "-1"}}, {1, 10}), std::invalid_argument);
}

}  // namespace
}  // namespace fanfold::jobs_test
