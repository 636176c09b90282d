#include "jobs/inverted_index.cpp"

#include <gtest/gtest.h>

#include <map>

#include "tests/jobs/running.hpp"
#include "tests/jobs/texts.hpp"

namespace fanfold::jobs_test {
namespace {

std::vector<std::string> indexed(const std::vector<Source>& sources, bool counts) {
  std::map<std::string, std::map<std::string, int>> index;
  for (const Source& source : sources) {
    for (const std::string& line : lines_of(source.text)) {
      for (const std::string& word : words_of(line)) ++index[word][source.file];
    }
  }
  std::vector<std::string> lines;
  for (const auto& [word, files] : index) {
    lines.push_back(word);
    for (const auto& [file, count] : files) {
      lines.back() += "\t" + file + (counts ? ":" + std::to_string(count) : "");
    }
  }
  return lines;
}

std::vector<Source> several_files() {
  std::vector<Source> sources;
  for (const std::string& text : all_texts()) {
    sources.push_back({"dir/" + std::to_string((sources.size() * 7) % 16) + ".txt", text, ""});
  }
  return sources;
}

TEST(InvertedIndex, ListsTheFilesOfEachWordInAnyLayout) {
  const std::vector<Source> sources = several_files();
  for (const Layout& layout : kLayouts) {
    const Outcome outcome = run<InvertedIndex>(sources, {}, layout);
    ASSERT_EQ(sorted(raw_lines(outcome.all())), sorted(indexed(sources, false))) << layout;
  }
}

TEST(InvertedIndex, CountsOccurrencesPerFileWhenAsked) {
  const std::vector<Source> sources = several_files();
  for (const Layout& layout : kLayouts) {
    const Outcome outcome = run<InvertedIndex>(sources, {{"counts", "true"}}, layout);
    ASSERT_EQ(sorted(raw_lines(outcome.all())), sorted(indexed(sources, true))) << layout;
  }
}

TEST(InvertedIndex, FoldsCaseWhenAsked) {
  const Outcome outcome =
      run<InvertedIndex>({{"b", "The\n", ""}, {"a", "THE the x\n", ""}},
                         {{"ignore_case", "true"}, {"counts", "true"}}, {1, 100});
  EXPECT_EQ(outcome.all(), "the\ta:2\tb:1\nx\ta:1\n");
}

TEST(InvertedIndex, CountsRightWhenItsTableOverflows) {
  std::string text;
  for (int round = 0; round < 2; ++round) {
    for (int word = 0; word < 60'000; ++word) text += "w" + std::to_string(word) + "\n";
  }
  const std::vector<Source> sources = {{"f", text, ""}};
  const Outcome outcome = run<InvertedIndex>(sources, {{"counts", "true"}}, {2, 1u << 20});
  EXPECT_EQ(sorted(outcome.lines()), sorted(indexed(sources, true)));
}

}  // namespace
}  // namespace fanfold::jobs_test
