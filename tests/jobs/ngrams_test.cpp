#include "jobs/ngrams.cpp"

#include <gtest/gtest.h>

#include <map>

#include "tests/jobs/running.hpp"
#include "tests/jobs/texts.hpp"

namespace fanfold::jobs_test {
namespace {

using Pieces = std::vector<std::string>;

// Code points; bytes that belong to none stand alone.
Pieces characters_of(const std::string& line) {
  Pieces characters;
  for (std::size_t i = 0; i < line.size();) {
    const auto byte = [&](std::size_t at) {
      return at < line.size() ? static_cast<unsigned char>(line[at]) : 0u;
    };
    const auto follows = [&](std::size_t at) { return byte(at) >= 0x80 && byte(at) <= 0xBF; };
    std::size_t size = 1;
    if (byte(i) >= 0xC2 && byte(i) <= 0xDF && follows(i + 1)) size = 2;
    if (byte(i) >= 0xE0 && byte(i) <= 0xEF && follows(i + 1) && follows(i + 2)) size = 3;
    if (byte(i) >= 0xF0 && byte(i) <= 0xF4 && follows(i + 1) && follows(i + 2) && follows(i + 3)) {
      size = 4;
    }
    characters.push_back(line.substr(i, size));
    i += size;
  }
  return characters;
}

std::vector<std::string> counted(const std::string& text, std::size_t n, bool by_word,
                                 int min_count = 1) {
  std::map<std::string, int> counts;
  for (const std::string& line : lines_of(text)) {
    const Pieces pieces = by_word ? words_of(line) : characters_of(line);
    for (std::size_t first = 0; first + n <= pieces.size(); ++first) {
      std::string ngram = pieces[first];
      for (std::size_t i = 1; i < n; ++i) ngram += (by_word ? " " : "") + pieces[first + i];
      ++counts[ngram];
    }
  }
  std::vector<std::string> lines;
  for (const auto& [ngram, count] : counts) {
    if (count >= min_count) lines.push_back(escaped(ngram) + "\t" + std::to_string(count));
  }
  return lines;
}

TEST(Ngrams, CountsWordSequencesInAnyLayout) {
  for (const std::string& text : all_texts()) {
    for (const std::size_t n : {1u, 2u, 3u, 9u}) {
      for (const Layout& layout : kLayouts) {
        const Outcome outcome = run<Ngrams>({{"f", text, ""}}, {{"n", std::to_string(n)}}, layout);
        ASSERT_EQ(sorted(outcome.lines()), sorted(counted(text, n, true))) << layout << n << text;
      }
    }
  }
}

TEST(Ngrams, CountsCharacterSequences) {
  for (const std::string& text : all_texts()) {
    for (const std::size_t n : {1u, 3u}) {
      const Outcome outcome = run<Ngrams>(
          {{"f", text, ""}}, {{"n", std::to_string(n)}, {"unit", "character"}}, {3, 40});
      ASSERT_EQ(sorted(outcome.lines()), sorted(counted(text, n, false))) << n << text;
    }
  }
}

TEST(Ngrams, FoldsCaseAndLeavesOutRareOnesWhenAsked) {
  const std::string text = generated_text(40, 300);
  const Outcome outcome =
      run<Ngrams>({{"f", text, ""}}, {{"ignore_case", "true"}, {"min_count", "4"}}, {3, 100});
  EXPECT_EQ(sorted(outcome.lines()), sorted(counted(lower_case(text), 2, true, 4)));
  EXPECT_LT(outcome.lines().size(), counted(lower_case(text), 2, true).size());
}

TEST(Ngrams, RefusesEmptySequences) {
  EXPECT_THROW(run<Ngrams>({{"f", "x\n", ""}}, {{"n", "0"}}, {1, 10}), std::invalid_argument);
}

TEST(Ngrams, AddsInAnyOrder) { expect_combiner_laws<Ngrams>({1, 2, 3}); }

}  // namespace
}  // namespace fanfold::jobs_test
