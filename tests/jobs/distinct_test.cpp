#include "jobs/distinct.cpp"

#include <gtest/gtest.h>

#include <map>

#include "tests/jobs/running.hpp"
#include "tests/jobs/texts.hpp"

namespace fanfold::jobs_test {
namespace {

TEST(Distinct, WritesEachDifferentLineOnceAsItIs) {
  for (const std::string& text : all_texts()) {
    std::vector<std::string> expected = sorted(lines_of(text));
    expected.erase(std::unique(expected.begin(), expected.end()), expected.end());
    for (const Layout& layout : kLayouts) {
      const Outcome outcome = run<Distinct>({{"a.txt", text, ""}}, {}, layout);
      ASSERT_EQ(sorted(raw_lines(outcome.all())), expected) << layout << text;
      for (const std::string& part : outcome.parts) {
        const std::vector<std::string> lines = raw_lines(part);
        ASSERT_TRUE(std::is_sorted(lines.begin(), lines.end()));
      }
    }
  }
}

TEST(Distinct, CountsOccurrencesWhenAsked) {
  for (const std::string& text : all_texts()) {
    std::map<std::string, int> counts;
    for (const std::string& line : lines_of(text)) ++counts[line];
    std::vector<std::string> expected;
    for (const auto& [line, count] : counts) {
      expected.push_back(escaped(line) + "\t" + std::to_string(count));
    }
    for (const Layout& layout : kLayouts) {
      const Outcome outcome = run<Distinct>({{"a", text, ""}}, {{"count", "true"}}, layout);
      ASSERT_EQ(sorted(outcome.lines()), sorted(expected)) << layout << text;
    }
  }
}

TEST(Distinct, AddsInAnyOrder) { expect_combiner_laws<Distinct>({1, 2, 3}); }

}  // namespace
}  // namespace fanfold::jobs_test
