#include "jobs/join.cpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "tests/jobs/running.hpp"
#include "tests/jobs/texts.hpp"

namespace fanfold::jobs_test {
namespace {

using Rows = std::map<std::string, std::multiset<std::string>>;

Rows rows_of(const std::string& text) {
  Rows rows;
  for (const std::string& line : lines_of(text)) {
    const std::size_t tab = line.find('\t');
    rows[line.substr(0, tab)].insert(tab == std::string::npos ? "" : line.substr(tab + 1));
  }
  return rows;
}

// Every row of the join, key by key; within a key by right rest, then by left rest.
std::vector<std::string> joined_rows(const std::string& left_text, const std::string& right_text,
                                     bool keep_left, bool keep_right, const std::string& missing) {
  Rows left = rows_of(left_text);
  Rows right = rows_of(right_text);
  std::set<std::string> keys;
  for (const auto& [key, values] : left) keys.insert(key);
  for (const auto& [key, values] : right) keys.insert(key);
  std::vector<std::string> rows;
  for (const std::string& key : keys) {
    if (left[key].empty() && keep_right) left[key].insert(missing);
    if (right[key].empty() && keep_left) right[key].insert(missing);
    for (const std::string& r : right[key]) {
      for (const std::string& l : left[key]) rows.push_back(key + "\t" + l + "\t" + r);
    }
  }
  return rows;
}

// Lines `key TAB rest`, about `keys` different keys, rests with TABs, some lines without a rest.
std::string table(std::uint64_t seed, std::size_t lines, std::uint64_t keys) {
  std::mt19937_64 random(seed);
  std::string text;
  for (std::size_t i = 0; i < lines; ++i) {
    text += "k" + std::to_string(random() % keys);
    if (random() % 8 != 0) text += "\tv" + std::to_string(random() % 100) + "\tw";
    text += random() % 4 == 0 ? "\r\n" : "\n";
  }
  return text;
}

TEST(Join, MatchesALoopOverBothTablesForEveryKindAndLayout) {
  const std::string left = table(20, 200, 60);
  const std::string right = table(21, 100, 90);
  for (const std::string kind : {"inner", "left", "right", "full"}) {
    const std::vector<std::string> expected = joined_rows(
        left, right, kind == "left" || kind == "full", kind == "right" || kind == "full", "-");
    for (const Layout& layout : kLayouts) {
      const Outcome outcome = run<Join>({{"l.tsv", left, "left"}, {"r.tsv", right, "right"}},
                                        {{"kind", kind}, {"missing", "-"}}, layout);
      ASSERT_EQ(sorted(outcome.lines()), sorted(expected)) << kind << layout;
    }
    // In one part, order is part of the promise.
    const Outcome one = run<Join>({{"r.tsv", right, "right"}, {"l.tsv", left, "left"}},
                                  {{"kind", kind}, {"missing", "-"}}, {1, 50});
    EXPECT_EQ(one.lines(), expected) << kind;
  }
}

TEST(Join, KeepsNothingOfAnEmptyInputUnlessAsked) {
  const std::vector<Source> sources = {{"l", "", "left"}, {"r", "a\t1\n", "right"}};
  EXPECT_EQ(run<Join>(sources, {}, {2, 10}).all(), "");
  EXPECT_EQ(run<Join>(sources, {{"kind", "left"}}, {2, 10}).all(), "");
  EXPECT_EQ(run<Join>(sources, {{"kind", "right"}}, {2, 10}).all(), "a\t\t1\n");
}

TEST(Join, LeavesColumnsAsTheyAre) {
  const std::vector<Source> sources = {{"l", "k\\\ta\tb\\c\r\n", "left"},
                                       {"r", "k\\\t\xc3\xa9,x", "right"}};
  EXPECT_EQ(run<Join>(sources, {}, {1, 100}).all(), "k\\\ta\tb\\c\t\xc3\xa9,x\n");
}

TEST(Join, JoinsAFileWithItself) {
  const std::string text = "a\t1\na\t2\n";
  const std::vector<Source> sources = {{"f", text, "left"}, {"f", text, "right"}};
  EXPECT_EQ(run<Join>(sources, {}, {1, 4}).all(), "a\t1\t1\na\t2\t1\na\t1\t2\na\t2\t2\n");
}

}  // namespace
}  // namespace fanfold::jobs_test
